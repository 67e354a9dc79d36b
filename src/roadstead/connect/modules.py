"""
The modules of a descriptor: what an app adds to the host.

All are recognised and kept, including those that no code uses yet. Source: Atlassian's pages on the modules of
Bitbucket Connect; open questions follow descriptors that were in use.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkerModule:
    """
    Turns text that matches `regex` into a link to `url`.

    `regex` may contain `(?K)`, which matches the linker's values; `url` may refer to groups as `\1`. Neither is judged
    here. `type` is kept as written: the only one known is `href`.
    """

    key: str
    regex: str
    url: str
    type: str = "href"


@dataclass(frozen=True, slots=True)
class WebhookModule:
    """Sends the app an event, or all of them if `event` is `*`."""

    event: str
    url: str
    params: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class UiModule:
    """A part of the app on the host's pages. A member that the app did not give is None or empty."""

    key: str
    name: str | None
    url: str | None
    location: str | None
    conditions: tuple[Mapping[str, object], ...]
    params: Mapping[str, object]
    icon: Mapping[str, object]
    tooltip: str | None
    weight: int | None
    target: Mapping[str, object]


class WebItem(UiModule):
    """A link, at `location`."""

    __slots__ = ()


class WebPanel(UiModule):
    """A panel with a page of the app, at `location`."""

    __slots__ = ()


class RepoPage(UiModule):
    """A page of the app inside a repository."""

    __slots__ = ()


class GeneralPage(UiModule):
    """A page of the app that belongs to no other object."""

    __slots__ = ()


class AdminPage(UiModule):
    """A page of the app in the settings of a repository or workspace."""

    __slots__ = ()


class ConfigurePage(UiModule):
    """The page that configures the app; an app has one at most."""

    __slots__ = ()


class ProfileTab(UiModule):
    """A page of the app on a profile."""

    __slots__ = ()


class FileView(UiModule):
    """A viewer for files."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class OAuthConsumer:
    """Links the app to an OAuth consumer: an existing one by `client_id`, or a new one with `scopes`."""

    client_id: str | None
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProxyRoute:
    """
    Forwards calls of the app's own pages to `destination`, for requests whose path fits `path`.

    `methods` has, by HTTP method, overrides of `destination`, `scopes` and `conditions`.
    """

    path: str
    destination: str
    methods: Mapping[str, object]
    scopes: tuple[str, ...]
    conditions: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class CustomEvent:
    """An event that the app itself sends; `definition` is as written, with `schema` and `fields`."""

    key: str
    definition: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PostInstallRedirect:
    """The address to which the browser goes after an installation, unless the install link names another."""

    key: str | None
    url: str


@dataclass(frozen=True, slots=True)
class Modules:
    """
    All modules of an app, each kind in the order of the descriptor.

    Nothing is known about the members of `web_cards`. `unknown` has, by name, the members that are not modules.
    """

    linkers: tuple[LinkerModule, ...]
    webhooks: tuple[WebhookModule, ...]
    web_items: tuple[WebItem, ...]
    web_panels: tuple[WebPanel, ...]
    repo_pages: tuple[RepoPage, ...]
    general_pages: tuple[GeneralPage, ...]
    admin_pages: tuple[AdminPage, ...]
    configure_page: ConfigurePage | None
    profile_tabs: tuple[ProfileTab, ...]
    file_views: tuple[FileView, ...]
    oauth_consumer: OAuthConsumer | None
    proxy: tuple[ProxyRoute, ...]
    custom_events: tuple[CustomEvent, ...]
    post_install_redirect: PostInstallRedirect | None
    web_cards: tuple[Mapping[str, object], ...]
    unknown: Mapping[str, object]
