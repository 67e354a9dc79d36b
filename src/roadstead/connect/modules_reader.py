"""
Reading the `modules` of a descriptor.

A rule that Atlassian documents is enforced. A rule that is only a conclusion from other pages or products gives a
warning: the cloud may never have enforced it, and an app that ran there must run here.
"""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Generic, TypeVar

from roadstead.connect.context import check_parameters, filled, read_conditions
from roadstead.connect.findings import Severity, place_of, shown
from roadstead.connect.members import Members
from roadstead.connect.modules import (
    AdminPage,
    ConfigurePage,
    CustomEvent,
    FileView,
    GeneralPage,
    LinkerModule,
    Modules,
    OAuthConsumer,
    PostInstallRedirect,
    ProfileTab,
    ProxyRoute,
    RepoPage,
    UiModule,
    WebhookModule,
    WebItem,
    WebPanel,
)
from roadstead.connect.urls import MAX_URL_LENGTH, place_fault, scheme_of, web_url_fault

MAX_KEY_LENGTH = 255
"""Characters of any key, so that it can be stored and indexed. Our limit; some kinds have a lower, documented one."""

MAX_MODULE_KEY_LENGTH = 128
MAX_EVENT_LENGTH = 64
MAX_LOCATION_LENGTH = 128

_MODULE_KEY = re.compile(r"[a-zA-Z0-9-]+")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")
_PROXY_METHODS = ("GET", "PUT", "POST", "DELETE")

T = TypeVar("T")
UI = TypeVar("UI", bound=UiModule)


@dataclass(frozen=True, slots=True)
class _UiKind(Generic[UI]):
    """The notation of one kind of modules. `documented` tells whether its rules are."""

    name: str
    type: type[UI]
    required: tuple[str, ...]
    documented: bool
    locations: Set[str] = frozenset()


_WEB_ITEMS = _UiKind(
    "webItems",
    WebItem,
    ("location",),
    documented=True,
    locations={
        "org.bitbucket.account.admin.mirror.config.actions",
        "org.bitbucket.addon.management",
        "org.bitbucket.branch.list.actions",
        "org.bitbucket.branch.summary.actions",
        "org.bitbucket.branch.summary.info",
        "org.bitbucket.commit.summary.actions",
        "org.bitbucket.commit.summary.info",
        "org.bitbucket.pullrequest.summary.actions",
        "org.bitbucket.pullrequest.summary.info",
        "org.bitbucket.repository.actions",
        "org.bitbucket.repository.navigation",
    },
)
_WEB_PANELS = _UiKind(
    "webPanels",
    WebPanel,
    ("location", "name", "url"),
    documented=True,
    locations={
        "org.bitbucket.account.admin.mirror.config",
        "org.bitbucket.pullrequest.overview.informationPanel",
        "org.bitbucket.repository.overview.informationPanel",
    },
)
_REPO_PAGES = _UiKind("repoPages", RepoPage, ("name", "url"), documented=False)
_GENERAL_PAGES = _UiKind("generalPages", GeneralPage, ("name", "url"), documented=False)
_ADMIN_PAGES = _UiKind("adminPages", AdminPage, ("name", "url"), documented=False)
_CONFIGURE_PAGE = _UiKind("configurePage", ConfigurePage, ("name", "url"), documented=True)
_PROFILE_TABS = _UiKind("profileTabs", ProfileTab, ("name", "url"), documented=True)
_FILE_VIEWS = _UiKind("fileViews", FileView, ("name", "url"), documented=False)

# Old descriptors use the singular of today's plural names; the plural of configurePage is an easy mistake.
_OTHER_SPELLING = {
    "linkers": "linker",
    "webhooks": "webhook",
    "webItems": "webItem",
    "webPanels": "webPanel",
    "repoPages": "repoPage",
    "generalPages": "generalPage",
    "adminPages": "adminPage",
    "configurePage": "configurePages",
    "profileTabs": "profileTab",
    "fileViews": "fileView",
    "webCards": "webCard",
}
MODULE_NAMES = frozenset(_OTHER_SPELLING) | {"oauthConsumer", "proxy", "customEvents", "postInstallRedirect"}
"""Every kind of module, in today's spelling."""


def read_modules(modules: Members, granted: Set[str]) -> Modules:
    """Return the modules of an app that is granted `granted`, and report their faults."""
    return _ModulesReader(modules, granted).read()


class _ModulesReader:
    def __init__(self, modules: Members, granted: Set[str]) -> None:
        self._modules = modules
        self._report = modules.report
        self._granted = granted
        self._place_of_key: dict[str, str] = {}

    def read(self) -> Modules:
        return Modules(
            linkers=tuple(map(self._linker, self._entries("linkers"))),
            webhooks=tuple(map(self._webhook, self._entries("webhooks"))),
            web_items=self._ui_modules(_WEB_ITEMS),
            web_panels=self._ui_modules(_WEB_PANELS),
            repo_pages=self._ui_modules(_REPO_PAGES),
            general_pages=self._ui_modules(_GENERAL_PAGES),
            admin_pages=self._ui_modules(_ADMIN_PAGES),
            configure_page=self._only(self._ui_modules(_CONFIGURE_PAGE), "configurePage"),
            profile_tabs=self._ui_modules(_PROFILE_TABS),
            file_views=self._ui_modules(_FILE_VIEWS),
            oauth_consumer=self._only(
                tuple(map(self._oauth_consumer, self._entries("oauthConsumer"))), "oauthConsumer"
            ),
            proxy=self._proxy(),
            custom_events=self._custom_events(),
            post_install_redirect=self._only(
                tuple(map(self._post_install_redirect, self._entries("postInstallRedirect"))),
                "postInstallRedirect",
            ),
            web_cards=tuple(card.members for card in self._entries("webCards")),
            unknown=self._unknown(),
        )

    def _entries(self, name: str) -> list[Members]:
        other = _OTHER_SPELLING.get(name)
        return self._modules.objects(name) + (self._modules.objects(other) if other else [])

    def _only(self, modules: tuple[T, ...], name: str) -> T | None:
        if len(modules) > 1:
            self._report.error(self._modules.path_of(name), f"There are {len(modules)} of {name}.", "Keep one.")
        return modules[0] if modules else None

    def _linker(self, entry: Members) -> LinkerModule:
        regex = entry.text("regex")
        if _CONTROL_CHARACTER.search(regex):
            message = "regex contains a control character."
            fix = r'Double the backslashes: in JSON "\b" is a backspace, and "\\b" a word boundary.'
            entry.report.warning(entry.path_of("regex"), message, fix)
        return LinkerModule(
            key=self._key(entry, documented=False),
            regex=regex,
            url=self._linker_url(entry),
            type=self._linker_type(entry),
        )

    def _linker_url(self, entry: Members) -> str:
        url = entry.identifier("url", longest=MAX_URL_LENGTH)
        if scheme_of(url) not in (None, "http", "https", "mailto"):
            message = f"url has the scheme {shown(scheme_of(url))}, which never becomes a link."
            entry.report.warning(entry.path_of("url"), message, "Use http, https or mailto.")
        return url

    def _linker_type(self, entry: Members) -> str:
        kind = entry.optional_text("type") or "href"
        if kind != "href":
            # The documentation mentions images too, but the name of their type is lost. Such an app installs on the
            # cloud, so it installs here.
            message = f"The type {shown(kind)} is not known, and is treated as href."
            entry.report.warning(entry.path_of("type"), message, 'Write "href", or leave type out.')
        return kind

    def _webhook(self, entry: Members) -> WebhookModule:
        return WebhookModule(
            event=entry.identifier("event", longest=MAX_EVENT_LENGTH),
            url=self._url(entry, "url") or "",
            params=entry.mapping("params", "warning"),
        )

    def _ui_modules(self, kind: _UiKind[UI]) -> tuple[UI, ...]:
        return tuple(self._ui_module(kind, entry) for entry in self._entries(kind.name))

    def _ui_module(self, kind: _UiKind[UI], entry: Members) -> UI:
        for name in kind.required:
            if name not in entry:
                entry.missing(name, "error" if kind.documented else "warning")
        return kind.type(
            key=self._key(entry, documented=kind.documented),
            name=_localised(entry, "name", "error" if kind.documented else "warning"),
            url=self._url(entry, "url", required=False),
            location=_location(entry, kind.locations),
            conditions=read_conditions(entry, self._granted),
            params=entry.mapping("params", "warning"),
            icon=entry.mapping("icon", "warning"),
            tooltip=_localised(entry, "tooltip", "warning"),
            weight=entry.integer("weight"),
            target=entry.mapping("target", "warning"),
        )

    def _oauth_consumer(self, entry: Members) -> OAuthConsumer:
        return OAuthConsumer(client_id=entry.optional_text("clientId"), scopes=entry.texts("scopes"))

    def _proxy(self) -> tuple[ProxyRoute, ...]:
        routes = self._modules.child("proxy")
        return tuple(self._proxy_route(path, routes.child(path)) for path in routes.members)

    def _proxy_route(self, path: str, route: Members) -> ProxyRoute:
        methods = route.mapping("methods")
        for method in methods:
            if method not in _PROXY_METHODS:
                message = f"The proxy does not forward {shown(method)}."
                route.report.warning((*route.path_of("methods"), method), message, f"Use {', '.join(_PROXY_METHODS)}.")
        return ProxyRoute(
            path=path,
            destination=self._url(route, "destination") or "",
            methods=methods,
            scopes=route.texts("scopes"),
            conditions=read_conditions(route, self._granted),
        )

    def _custom_events(self) -> tuple[CustomEvent, ...]:
        events = self._modules.child("customEvents")
        return tuple(CustomEvent(key, events.mapping(key)) for key in events.members)

    def _post_install_redirect(self, entry: Members) -> PostInstallRedirect:
        key = self._key(entry, documented=False) if "key" in entry else None
        return PostInstallRedirect(key=key, url=self._url(entry, "url") or "")

    def _unknown(self) -> Mapping[str, object]:
        known = MODULE_NAMES | set(_OTHER_SPELLING.values())
        unknown = {name: value for name, value in self._modules.members.items() if name not in known}
        for name in unknown:
            similar = get_close_matches(name, MODULE_NAMES, n=1)
            fix = f"Did you mean {similar[0]}?" if similar else "Remove it, unless another host needs it."
            self._report.warning(self._modules.path_of(name), f"There is no module {shown(name)}.", fix)
        return unknown

    def _key(self, entry: Members, *, documented: bool) -> str:
        key = entry.identifier("key", longest=MAX_KEY_LENGTH)
        path = entry.path_of("key")
        severity: Severity = "error" if documented else "warning"
        if len(key) > MAX_MODULE_KEY_LENGTH:
            message = f"key has {len(key)} characters, and {MAX_MODULE_KEY_LENGTH} are allowed."
            entry.report.add(severity, path, message, "Shorten it.")
        if key and not _MODULE_KEY.fullmatch(key):
            message = f"The key {shown(key)} contains more than letters, digits and hyphens."
            entry.report.add(severity, path, message, "Use only A-Z, a-z, 0-9 and -.")
        if key and key in self._place_of_key:
            message = f"The key {shown(key)} is also the key of {self._place_of_key[key]}."
            entry.report.error(path, message, "Give every module of the app its own key.")
        self._place_of_key.setdefault(key, place_of(entry.path))
        return key

    def _url(self, entry: Members, name: str, *, required: bool = True) -> str | None:
        if name not in entry and not required:
            return None
        url = entry.identifier(name, longest=MAX_URL_LENGTH)
        # A parameter that stays unreplaced may not spoil the host.
        fault = web_url_fault(filled(url)) or place_fault(url) if scheme_of(url) else None
        if fault:
            fix = "Write a path below baseUrl, or an http or https URL."
            entry.report.error(entry.path_of(name), f"{name} {fault}.", fix)
        check_parameters(entry, name, url, self._granted)
        return url


def _localised(entry: Members, name: str, severity: Severity) -> str | None:
    """Return the text of an i18n property, `{"value": …}`, or of a plain string."""
    if not isinstance(entry.members.get(name), dict):
        return entry.optional_text(name, severity=severity)
    texts = entry.child(name)
    if "value" not in texts:
        texts.missing("value", severity)
    return texts.optional_text("value", severity=severity)


def _location(entry: Members, known: Set[str]) -> str | None:
    location = entry.optional_text("location", longest=MAX_LOCATION_LENGTH)
    if location is not None and known and location not in known:
        similar = get_close_matches(location, known, n=1)
        fix = f"Did you mean {similar[0]}?" if similar else f"Use one of: {', '.join(sorted(known))}."
        entry.report.warning(entry.path_of("location"), f"There is no location {shown(location)}.", fix)
    return location
