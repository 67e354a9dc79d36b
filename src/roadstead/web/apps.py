"""`/-/apps/…`: an installed app, what it declares, what was said between it and us, and what can be done with it."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from roadstead.connect import Descriptor
from roadstead.domain import audit, installations, lifecycle, linkers, requests
from roadstead.domain.check import CheckedLinker, check
from roadstead.domain.descriptors import stored_descriptor
from roadstead.domain.host import Host
from roadstead.errors import AppNotInstalled, InstallationFailed, NotFound
from roadstead.model import Installation, LifecycleCall, Linker
from roadstead.web.descriptor_view import Scope, ShownFinding, scopes_in_words, with_excerpts
from roadstead.web.page import Visit, problem, render, require
from roadstead.web.parking import ParkedLinker, parked_linkers

_LINES = 1_500
"""Lines of a descriptor that are shown."""

_DONE = {
    "updated": "The descriptor was read again, and is in force.",
    "renewed": "The app has a new shared secret.",
}


@dataclass(frozen=True, slots=True)
class ShownLinker:
    """`pattern` is how it is matched; an earlier version may have accepted one that cannot be used now."""

    key: str
    regex: str
    url: str
    value_count: int
    pattern: CheckedLinker | None
    parked: list[ParkedLinker]


@dataclass(frozen=True, slots=True)
class ShownModule:
    """A module and the member that says most about it."""

    kind: str
    key: str
    name: str
    leads_to: str


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    text: str
    findings: list[ShownFinding]


@dataclass(frozen=True, slots=True)
class DescriptorListing:
    """A descriptor, line by line. `omitted` is how many lines are not shown."""

    lines: list[Line]
    omitted: int
    findings: int


@dataclass(frozen=True, slots=True)
class ShownCall:
    """A lifecycle call. `request` is its number among the recorded requests, while it is kept there."""

    call: LifecycleCall
    request: int | None


@dataclass(frozen=True, slots=True)
class AppPage:
    """Context of `app.html`. `secret` is set on the one page that answers the wish to see it."""

    app: Installation
    descriptor: Descriptor
    vendor: str
    done: str
    secret: str | None
    all_scopes: bool
    scopes: list[Scope]
    linkers: list[ShownLinker]
    modules: list[ShownModule]
    listing: DescriptorListing
    calls: list[ShownCall]


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """Context of `uninstalled.html`. `call` is how the app was told, if it had asked to be."""

    name: str
    workspace: str
    call: LifecycleCall | None


async def app_of(visit: Visit) -> Installation:
    """The installation that the address names by its id. Raises `NotFound`."""
    identity: int = visit.request.path_params["app"]
    try:
        await installations.undo_if_abandoned(visit.host, identity)
        return await installations.get_installed(visit.host, identity)
    except AppNotInstalled as exc:
        raise NotFound("There is no app here.", "It may have been uninstalled. See the first page.") from exc


async def show(visit: Visit) -> Response:
    done = _DONE.get(visit.request.query_params.get("done", ""), "")
    return await _page(visit, await app_of(visit), done=done)


async def show_secret(visit: Visit) -> Response:
    await visit.form()
    app = await app_of(visit)
    await audit.secret_will_be_shown(visit.host, f"{app.workspace.slug}/{app.app_key}")
    return await _page(visit, app, secret=app.shared_secret)


async def renew_secret(visit: Visit) -> Response:
    await visit.form()
    app = await app_of(visit)
    try:
        await installations.renew_secret(visit.host, app.id)
    except InstallationFailed as exc:
        return problem(exc, visit=visit, answer=exc.body)
    return _back_to(app, "renewed")


async def update(visit: Visit) -> Response:
    await visit.form()
    app = await app_of(visit)
    await installations.update(visit.host, app.id)
    return _back_to(app, "updated")


async def uninstall(visit: Visit) -> Response:
    form = await visit.form()
    app = await app_of(visit)
    require(form.get("sure") == "yes", "Nothing was uninstalled.", "Go back and tick that you are sure.")
    call = await installations.uninstall_and_tell(visit.host, app.id)
    name = stored_descriptor(app.descriptor).name
    return render("uninstalled.html", Uninstalled(name, app.workspace.slug, call), visit=visit)


def _back_to(app: Installation, done: str) -> Response:
    return RedirectResponse(f"/-/apps/{app.id}?done={done}", 303)


async def _page(visit: Visit, app: Installation, *, done: str = "", secret: str | None = None) -> Response:
    descriptor = stored_descriptor(app.descriptor)
    # A thread, for a large document takes tens of milliseconds.
    listing, patterns = await asyncio.to_thread(_list_descriptor, descriptor)
    context = AppPage(
        app=app,
        descriptor=descriptor,
        vendor=descriptor.vendor.name if descriptor.vendor else "",
        done=done,
        secret=secret,
        all_scopes=descriptor.scopes is None,
        scopes=scopes_in_words(descriptor),
        linkers=await _linkers(visit, app, patterns),
        modules=list(_modules(descriptor)),
        listing=listing,
        calls=await _calls(visit.host, app),
    )
    return render("app.html", context, visit=visit)


async def _calls(host: Host, app: Installation) -> list[ShownCall]:
    calls = await lifecycle.list_calls(host, app)
    recorded = await requests.requests_of_calls(host, app, calls)
    return [ShownCall(call, recorded.get(call.id)) for call in calls]


def _list_descriptor(descriptor: Descriptor) -> tuple[DescriptorListing, dict[str, CheckedLinker]]:
    """The descriptor as people write it, with what is to be said of it, and how its linkers are matched."""
    text = json.dumps(descriptor.source, indent=2, ensure_ascii=False)
    verdict = check(text.encode())
    of_line: dict[int, list[ShownFinding]] = {}
    for finding in with_excerpts(text.encode(), verdict.findings):
        of_line.setdefault(finding.line or 1, []).append(finding)
    written = text.split("\n")
    lines = [Line(number, line, of_line.get(number, [])) for number, line in enumerate(written[:_LINES], 1)]
    listing = DescriptorListing(lines, max(0, len(written) - _LINES), len(verdict.findings))
    return listing, {linker.key: linker for linker in verdict.linkers}


async def _linkers(visit: Visit, app: Installation, patterns: Mapping[str, CheckedLinker]) -> list[ShownLinker]:
    parked = parked_linkers(visit, app.workspace, app.app_key)

    def shown(linker: Linker) -> ShownLinker:
        return ShownLinker(
            linker.key,
            linker.regex,
            linker.url,
            linker.value_count,
            patterns.get(linker.key),
            [one for one in parked if one.key == linker.key],
        )

    return [shown(linker) for linker in await linkers.list_linkers(visit.host, app.id)]


def _modules(descriptor: Descriptor) -> Iterator[ShownModule]:
    """Every module of the descriptor, of whatever kind, but linkers, which have a place of their own."""
    modules = descriptor.source.get("modules")
    for kind, found in modules.items() if isinstance(modules, dict) else ():
        for module in found if isinstance(found, list) else [found]:
            if isinstance(module, dict) and kind not in ("linkers", "linker"):
                leads_to = next((text for name in ("url", "destination", "path") if (text := _text(module, name))), "")
                name = _text(module, "event") or _text(module, "name")
                yield ShownModule(kind, _text(module, "key"), name, leads_to)


def _text(module: Mapping[str, object], name: str) -> str:
    """A member as text. A name may also be an object with the text in its `value`."""
    value = module.get(name)
    if isinstance(value, dict):
        value = value.get("value")
    return value if isinstance(value, str) else ""
