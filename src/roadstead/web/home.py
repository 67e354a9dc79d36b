"""The first page: what needs attention, the installed apps, recent changes, and this host."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from starlette.responses import Response

from roadstead.domain.apps import installations, lifecycle
from roadstead.domain.apps.descriptors import stored_name
from roadstead.domain.linking import linkers
from roadstead.domain.traffic import requests
from roadstead.domain.upkeep import audit, transfer
from roadstead.model import AuditEntry, Installation, QueueCounts, Workspace
from roadstead.web.page import Visit, render
from roadstead.web.parking import parked_linkers
from roadstead.web.seen_workspaces import seen_workspaces

_ENTRIES = 12
_REFUSALS_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class InstalledApp:
    """An app in the list. `last_seen` is the time of the newest recorded call of an app with this key.

    `needs_secret` is set after an import without its secret. `parked` are the keys of its parked linkers.
    """

    id: int
    key: str
    name: str
    workspace: str
    linkers: int
    values: int
    last_seen: datetime | None
    installed_on: datetime
    being_installed: bool
    needs_secret: bool
    parked: list[str]


@dataclass(frozen=True, slots=True)
class Attention:
    """A matter that the operator should look at, and the address of its page."""

    text: str
    address: str
    severity: Literal["warning", "error"] = "warning"


@dataclass(frozen=True, slots=True)
class Activity:
    """An entry of the audit log; `app` is the installation that it is about, if that still exists."""

    entry: AuditEntry
    app: InstalledApp | None


@dataclass(frozen=True, slots=True)
class State:
    """The state of the host, for the signed-in operator."""

    data: str
    only_this_machine: bool
    attention: list[Attention]
    apps: list[InstalledApp]
    activity: list[Activity]


@dataclass(frozen=True, slots=True)
class Home:
    """Context of `home.html`. Only an operator sees the state; `username` is of any other user who is signed in.

    `workspaces` are those that the visitor sees.
    """

    base_url: str
    state: State | None
    username: str
    workspaces: list[Workspace]


async def show(visit: Visit) -> Response:
    state = await _state(visit) if visit.is_operator else None
    username = visit.user.username if visit.user else ""
    page = Home(visit.host.base_url, state, username, await seen_workspaces(visit))
    return render("home.html", page, visit=visit)


async def _state(visit: Visit) -> State:
    host = visit.host
    apps = await _apps(visit)
    refused = await requests.count_refused(host, host.now() - _REFUSALS_WITHIN)
    by_subject = {f"{app.workspace}/{app.key}": app for app in apps}
    return State(
        data=str(host.settings.data),
        only_this_machine=host.is_for_this_machine,
        attention=list(_attention(apps, refused, await lifecycle.count_pending_calls(host))),
        apps=apps,
        activity=[
            Activity(entry, by_subject.get(entry.subject)) for entry in await audit.latest_changes(host, _ENTRIES)
        ],
    )


async def _apps(visit: Visit) -> list[InstalledApp]:
    host = visit.host
    found = await installations.list_apps(host)
    found.sort(key=lambda installation: installation.workspace.slug)
    without_secret = {installation.id for installation in await transfer.apps_without_secret(host, found)}
    seen = await requests.last_calls(host)
    return [
        await _app(visit, one, last_seen=seen.get(one.app_key), needs_secret=one.id in without_secret) for one in found
    ]


async def _app(
    visit: Visit, installation: Installation, *, last_seen: datetime | None, needs_secret: bool
) -> InstalledApp:
    declared = await linkers.list_linkers(visit.host, installation.id)
    return InstalledApp(
        id=installation.id,
        key=installation.app_key,
        name=stored_name(installation.descriptor),
        workspace=installation.workspace.slug,
        linkers=len(declared),
        values=sum(linker.value_count for linker in declared),
        last_seen=last_seen,
        installed_on=installation.installed_on,
        being_installed=installation.handshake_under_way,
        needs_secret=needs_secret,
        parked=[linker.key for linker in parked_linkers(visit, installation.workspace, installation.app_key)],
    )


def _attention(apps: Sequence[InstalledApp], refused: int, pending: QueueCounts) -> Iterator[Attention]:
    """Yield what needs attention, the most urgent first."""
    for app in apps:
        if app.needs_secret:
            text = f"{app.name} was imported without its shared secret: install it again"
            yield Attention(text, f"/-/apps/{app.id}/settings", "error")
    if pending.given_up:
        yield Attention(f"{_count(pending.given_up, 'call')} to apps given up", "/-/queue", "error")
    if refused:
        yield Attention(f"{_count(refused, 'call')} refused in the last 24 hours", "/-/traffic?status=refused")
    if pending.waiting:
        yield Attention(f"{_count(pending.waiting, 'pending call')} to apps", "/-/queue")
    for app in apps:
        for key in app.parked:
            yield Attention(f"Linker {key} of {app.name} is parked", f"/-/apps/{app.id}/linkers")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
