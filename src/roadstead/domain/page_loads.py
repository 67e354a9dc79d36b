"""Addresses of an app's pages as a browser is sent to them: context parameters filled in, and a signed `jwt`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from roadstead.connect import Descriptor, UiModule, implied_by
from roadstead.connect.context import PARAMETER_SCOPES
from roadstead.domain.descriptors import stored_descriptor
from roadstead.domain.host import Host
from roadstead.domain.signing import canonical_for_app, sign_for_app
from roadstead.model import Installation

_PLACEHOLDER = re.compile(r"\{([a-z_]+(?:\.[a-z_]+)+)\}")


@dataclass(frozen=True, slots=True)
class PageModule:
    """A module that is a page of the app. `url` is absolute, with its context parameters as they are written.

    `asked` are the parameters that somebody has to choose; `unfilled` those that reach the app as they are written,
    because the app has not the scope, or there is no such parameter.
    """

    kind: str
    key: str
    name: str
    url: str
    asked: tuple[str, ...]
    unfilled: tuple[str, ...]
    has_conditions: bool


def page_modules(installation: Installation) -> list[PageModule]:
    """All pages that the app declares, in the order in which the cloud documents their kinds."""
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
    known = _context(installation)
    return [
        _page_module(kind, module, module.url, descriptor, known)
        for kind, found in kinds.items()
        for module in found
        if module.url is not None
    ]


def _page_module(kind: str, module: UiModule, url: str, descriptor: Descriptor, known: Mapping[str, str]) -> PageModule:
    written = list(dict.fromkeys(_PLACEHOLDER.findall(url)))
    fillable = [name for name in written if _may_be_filled(name, descriptor)]
    return PageModule(
        kind=kind,
        key=module.key,
        name=module.name or module.key,
        url=descriptor.url(url),
        asked=tuple(name for name in fillable if name not in known),
        unfilled=tuple(name for name in written if name not in fillable),
        has_conditions=bool(module.conditions),
    )


def _may_be_filled(parameter: str, descriptor: Descriptor) -> bool:
    scope = PARAMETER_SCOPES.get(parameter.partition(".")[0])
    return scope is not None and scope in implied_by(descriptor.effective_scopes)


async def page_url(host: Host, installation: Installation, module: PageModule, chosen: Mapping[str, str]) -> str:
    """The module's address with the context filled in as the app's scopes allow, signed for the operator."""
    context = {**_context(installation), **{name: chosen[name] for name in module.asked if name in chosen}}
    for name in module.unfilled:
        context.pop(name, None)
    return await _signed(host, installation, stored_descriptor(installation.descriptor), _filled(module.url, context))


async def post_install_url(host: Host, installation: Installation) -> str | None:
    """Where the browser goes after an installation, when the app's descriptor says so."""
    descriptor = stored_descriptor(installation.descriptor)
    module = descriptor.modules.post_install_redirect
    if module is None:
        return None
    context = _context(installation) if "account" in descriptor.effective_scopes else {}
    return await _signed(host, installation, descriptor, _filled(descriptor.url(module.url), context))


async def _signed(host: Host, installation: Installation, descriptor: Descriptor, url: str) -> str:
    sender = await host.sender()
    canonical = canonical_for_app(descriptor, "GET", url)
    token = sign_for_app(
        host, installation.client_key, canonical, installation.shared_secret, subject=sender.actor_account_id
    )
    bare, mark, fragment = url.partition("#")
    return f"{bare}{'&' if '?' in bare else '?'}jwt={token}{mark}{fragment}"


def _context(installation: Installation) -> Mapping[str, str]:
    """The context parameters of scope `account` that are known without a repository."""
    workspace = installation.workspace
    account = {
        "uuid": workspace.uuid,
        "username": workspace.slug,
        "display_name": workspace.name,
        "type": "team",
    }
    filled = {
        f"{root}.{name}": value for root in ("principal", "target_user", "user") for name, value in account.items()
    }
    return {**filled, "workspace.slug": workspace.slug, "workspace.uuid": workspace.uuid}


def _filled(url: str, context: Mapping[str, str]) -> str:
    """Replace the placeholders that are known; others reach the app as they are."""
    return _PLACEHOLDER.sub(lambda found: quote(context[found[1]], safe="") if found[1] in context else found[0], url)
