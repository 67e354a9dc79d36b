"""Addresses of an app's pages for a browser: context parameters filled in, and a signed `jwt`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from roadstead.accounts import SessionUser
from roadstead.connect import Descriptor, UiModule, implied_by
from roadstead.connect.conditions import Facts, Judgement, judge, targets_of
from roadstead.connect.context import fill_in, long_name, may_be_filled, parameters_of
from roadstead.connect.proxy import forwardings_of
from roadstead.domain.apps.descriptors import stored_descriptor
from roadstead.domain.apps.signing import canonical_for_app, sign_for_app
from roadstead.domain.host import Host
from roadstead.domain.people.workspaces import role_in
from roadstead.domain.repositories.access import find_repository
from roadstead.errors import NotFound
from roadstead.model import Installation, Privilege, Role, User


@dataclass(frozen=True, slots=True)
class PageModule:
    """A module that is a page of the app. `url` is absolute, with its context parameters unreplaced."""

    kind: str
    key: str
    name: str
    url: str
    location: str | None
    conditions: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class PageContext:
    """The context in which a page is shown to a viewer, who has this role in the app's workspace.

    `privilege` is that of a viewer who is no owner there, in the repository that the context names, if it names one.

    `values` are those of context parameters, by name; none without a scope of the app. `asked` are the parameters that
    its pages, proxies and conditions name, that it may get, and that only the viewer can choose.
    """

    viewer: User
    role: Role | None
    privilege: Privilege | None
    granted: frozenset[str]
    values: Mapping[str, str]
    asked: tuple[str, ...]

    def unfilled(self, url: str) -> list[str]:
        """Return the parameters of a URL that reach the app unreplaced."""
        return [name for name in parameters_of(url) if long_name(name) not in self.values]

    def judge(self, conditions: tuple[Mapping[str, object], ...]) -> Judgement:
        return judge(conditions, Facts(self.granted, self.values, self.role, self.privilege))


def page_modules(installation: Installation) -> list[PageModule]:
    """Return all pages that the app declares, in the order in which the cloud documents their kinds."""
    descriptor = stored_descriptor(installation.descriptor)
    modules = descriptor.modules
    kinds: Mapping[str, Iterable[UiModule]] = {
        "webPanels": modules.web_panels,
        "webItems": modules.web_items,
        "repoPages": modules.repo_pages,
        "generalPages": modules.general_pages,
        "adminPages": modules.admin_pages,
        "configurePage": [modules.configure_page] if modules.configure_page else [],
        "profileTabs": modules.profile_tabs,
        "fileViews": modules.file_views,
    }
    return [
        PageModule(
            kind, module.key, module.name or module.key, descriptor.url(module.url), module.location, module.conditions
        )
        for kind, found in kinds.items()
        for module in found
        if module.url is not None
    ]


async def page_context(host: Host, installation: Installation, viewer: User, chosen: Mapping[str, str]) -> PageContext:
    """Return the context of every page of the app for a viewer, with the `chosen` values that it asks for."""
    descriptor = stored_descriptor(installation.descriptor)
    granted = implied_by(descriptor.effective_scopes)
    known = _known(installation, viewer)
    may_be_told = [name for name in dict.fromkeys(_named(installation, descriptor)) if may_be_filled(name, granted)]
    asked = tuple(name for name in may_be_told if name not in known)
    told = {name: value for name, value in known.items() if may_be_filled(name, granted)}
    told |= {name: chosen[name] for name in asked if chosen.get(name)}
    role = await role_in(host.store.database, viewer, installation.workspace)
    # An owner may do everything in any repository: a developer can try out one that is not there.
    privilege = None if role == "owner" else await _privilege(host, viewer, installation, told)
    return PageContext(viewer, role, privilege, granted, told, asked)


async def _privilege(host: Host, viewer: User, installation: Installation, told: Mapping[str, str]) -> Privilege | None:
    """Return what a viewer may do in the repository of the context, which is of the app's workspace."""
    slug = told.get("repository.slug") or told.get("repository.full_name", "").rpartition("/")[2]
    name = told.get("repository.uuid") or slug
    if not name:
        return None
    try:
        held = await find_repository(host, SessionUser(viewer), installation.workspace.slug, name, "read")
    except NotFound:
        return "none"
    return held.privilege


def _named(installation: Installation, descriptor: Descriptor) -> Iterator[str]:
    """Yield every context parameter that the app names, by its long name."""
    for module in page_modules(installation):
        yield from map(long_name, parameters_of(module.url))
        yield from targets_of(module.conditions)
    for route in descriptor.modules.proxy:
        for forwarding in forwardings_of(route):
            yield from map(long_name, parameters_of(forwarding.destination))
            yield from targets_of(forwarding.conditions)


def page_url(host: Host, installation: Installation, module: PageModule, context: PageContext) -> str:
    """Return the module's address with the context filled in, signed for the viewer."""
    descriptor = stored_descriptor(installation.descriptor)
    return _signed(host, installation, descriptor, fill_in(module.url, context.values), context.viewer)


async def post_install_url(host: Host, installation: Installation, viewer: User) -> str | None:
    """Return the address for the browser of the user who installed the app, if its descriptor names one."""
    descriptor = stored_descriptor(installation.descriptor)
    module = descriptor.modules.post_install_redirect
    if module is None:
        return None
    context = await page_context(host, installation, viewer, {})
    return _signed(host, installation, descriptor, fill_in(descriptor.url(module.url), context.values), viewer)


def _signed(host: Host, installation: Installation, descriptor: Descriptor, url: str, viewer: User) -> str:
    canonical = canonical_for_app(descriptor, "GET", url)
    token = sign_for_app(
        host, installation.client_key, canonical, installation.shared_secret, subject=viewer.account_id
    )
    bare, mark, fragment = url.partition("#")
    return f"{bare}{'&' if '?' in bare else '?'}jwt={token}{mark}{fragment}"


def _known(installation: Installation, user: User) -> Mapping[str, str]:
    """Return the context parameters that are known without a repository: the accounts, and the viewer."""
    workspace = installation.workspace
    account = {
        "uuid": workspace.uuid,
        "username": workspace.slug,
        "display_name": workspace.name,
        "type": "team",
    }
    in_workspace = {"slug": workspace.slug, "uuid": workspace.uuid, "name": workspace.name}
    viewer = {
        "uuid": user.uuid,
        "account_id": user.account_id,
        "display_name": user.display_name,
        "nickname": user.nickname,
        "type": "user",
    }
    roots = {
        "principal": account,
        "target_user": account,
        "user": viewer,
        "workspace": in_workspace,
        "repository.owner": account,
        "repository.workspace": in_workspace,
    }
    return {f"{root}.{name}": value for root, values in roots.items() for name, value in values.items()}
