"""The first page: what is running, what is installed, what to do first, and what happened lately."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from starlette.responses import Response

from roadstead.domain import audit, installations, lifecycle, linkers, transfer
from roadstead.domain.descriptors import stored_name
from roadstead.model import AuditEntry, Installation, OwedCounts
from roadstead.web.page import Visit, render
from roadstead.web.parking import parked_linkers

_ENTRIES = 12


@dataclass(frozen=True, slots=True)
class InstalledApp:
    """An app as it stands in the list. `needs_secret` after an import that brought none for it.

    `parked` are the keys of its linkers that are left out for a while.
    """

    id: int
    key: str
    name: str
    linkers: int
    values: int
    installed_on: datetime
    being_installed: bool
    needs_secret: bool
    parked: list[str]


@dataclass(frozen=True, slots=True)
class WorkspaceApps:
    slug: str
    apps: list[InstalledApp]


@dataclass(frozen=True, slots=True)
class State:
    """What is running, for who is signed in."""

    data: str
    only_this_machine: bool
    workspaces: list[WorkspaceApps]
    app_count: int
    owed: OwedCounts
    activity: list[AuditEntry]


@dataclass(frozen=True, slots=True)
class Home:
    """Context of `home.html`. Who is not signed in sees no state."""

    base_url: str
    state: State | None


async def show(visit: Visit) -> Response:
    state = await _state(visit) if visit.session is not None else None
    return render("home.html", Home(visit.host.base_url, state), visit=visit)


async def _state(visit: Visit) -> State:
    host = visit.host
    found = await installations.list_apps(host)
    without_secret = {installation.id for installation in await transfer.apps_without_secret(host, found)}
    found.sort(key=lambda installation: installation.workspace.slug)
    workspaces = [
        WorkspaceApps(slug, [await _app(visit, one, needs_secret=one.id in without_secret) for one in group])
        for slug, group in groupby(found, key=lambda installation: installation.workspace.slug)
    ]
    return State(
        data=str(host.settings.data),
        only_this_machine=host.is_for_this_machine,
        workspaces=workspaces,
        app_count=len(found),
        owed=await lifecycle.count_owed_calls(host),
        activity=await audit.latest_entries(host, _ENTRIES),
    )


async def _app(visit: Visit, installation: Installation, *, needs_secret: bool) -> InstalledApp:
    declared = await linkers.list_linkers(visit.host, installation.id)
    return InstalledApp(
        id=installation.id,
        key=installation.app_key,
        name=stored_name(installation.descriptor),
        linkers=len(declared),
        values=sum(linker.value_count for linker in declared),
        installed_on=installation.installed_on,
        being_installed=installation.handshake_under_way,
        needs_secret=needs_secret,
        parked=[linker.key for linker in parked_linkers(visit, installation.workspace, installation.app_key)],
    )
