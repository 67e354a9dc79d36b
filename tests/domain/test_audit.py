"""The audit log: no entry without a change, one entry for repeated changes, and cuts by the operator."""

import hashlib
import io
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from roadstead.domain.apps import installations, updates
from roadstead.domain.host import Host
from roadstead.domain.linking import linkers
from roadstead.domain.upkeep import audit, transfer
from roadstead.errors import Conflict
from roadstead.model import AuditEntry, Installation
from roadstead.settings import Settings
from roadstead.storage import audit as rows
from tests.conftest import NewDatabase
from tests.live import LINKERS, RecordingApp, opened, recording_app

START = 1_800_000_000.0
HOUR = 3600.0
KEYS = ("tickets", "other", "third", "fourth")


@dataclass
class Log:
    """A host with a separate state and an installed app, whose clock a test sets; and its audit log."""

    run: Callable[[Callable[[Host], Awaitable[Any]]], Any]
    app: RecordingApp
    installation: Installation
    now: float = START

    def at(self, seconds: float, job: Callable[[Host], Awaitable[Any]]) -> Any:
        """Do a job so many seconds after the start."""
        self.now = START + seconds
        return self.run(lambda host: job(replace(host, clock=lambda: self.now)))

    def put(self, seconds: float, *values: str, linker: str = "tickets", by_app: bool = True) -> None:
        self.at(
            seconds,
            lambda host: linkers.replace_values(host, self.installation.id, linker, values, by_app=by_app),
        )

    def entries(self, seconds: float) -> list[tuple[str, dict[str, Any]]]:
        """Return the log so many seconds after the start, the oldest entry first, without the installation."""
        found: list[AuditEntry] = self.at(seconds, lambda host: audit.latest_entries(host, 1000))
        return [(entry.action, entry.details) for entry in reversed(found) if entry.action != "app installed"]


@pytest.fixture
def log(tmp_path: Path, new_database: NewDatabase) -> Iterator[Log]:
    both = [LINKERS[0], {**LINKERS[0], "key": "other"}]
    settings = Settings(data=tmp_path, database_url=new_database())
    with recording_app(modules={"linkers": both}) as app, opened(settings) as run:
        installation = run(lambda host: installations.install(host, app.descriptor_url, "local"))
        yield Log(run, app, installation)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(START + seconds, UTC).isoformat(timespec="microseconds")


# What changes nothing


UNCHANGED: dict[str, Callable[[Host, int, bool], Awaitable[Any]]] = {
    "the same set": lambda host, app, by_app: linkers.replace_values(host, app, "tickets", ["B", "A"], by_app=by_app),
    "an empty set again": lambda host, app, by_app: linkers.replace_values(host, app, "other", [], by_app=by_app),
    "values that are there": lambda host, app, by_app: linkers.add_values(host, app, "tickets", ["A"], by_app=by_app),
    "no values": lambda host, app, by_app: linkers.add_values(host, app, "tickets", [], by_app=by_app),
    "a deletion of nothing": lambda host, app, by_app: linkers.delete_values(host, app, "other", by_app=by_app),
    "the same descriptor": lambda host, app, by_app: updates.update(host, app, by_app=by_app),
}


def test_what_changes_nothing_is_no_entry(log: Log) -> None:
    """There is no entry for any caller, the linkers keep their revisions, and the installation its time."""
    log.put(0, "A", "B")
    before = log.run(lambda host: _state(host, log.installation.id))
    for why, change in UNCHANGED.items():
        for by_app in (True, False):
            log.at(2 * HOUR, lambda host, do=change, by=by_app: do(host, log.installation.id, by))  # type: ignore[misc]
        entries = log.entries(2 * HOUR)
        assert entries == [("values replaced", {"linker": "tickets", "before": 0, "after": 2})], why
        assert log.run(lambda host: _state(host, log.installation.id)) == before, why


async def _state(host: Host, installation_id: int) -> object:
    found = await linkers.list_linkers(host, installation_id)
    return found, await installations.get_installed(host, installation_id)


def test_a_registration_that_is_known_is_no_entry(log: Log) -> None:
    """Only another URL is a change."""
    for url in ("https://a.example/", "https://a.example/", "https://b.example/"):
        log.at(0, lambda host, url=url: installations.register(host, "acme", url))  # type: ignore[misc]
    registered = [details["descriptor_url"] for action, details in log.entries(0) if action == "app registered"]
    assert registered == ["https://a.example/", "https://b.example/"]


def test_a_change_of_any_member_counts(log: Log) -> None:
    """A set with one value more, one less, or one replaced; each is in the log of the operator."""
    for values in (["A", "B"], ["A", "B", "C"], ["A", "B"], ["A", "C"], []):
        log.put(0, *values, by_app=False)
    sizes = [(details["before"], details["after"]) for _, details in log.entries(0)]
    assert sizes == [(0, 2), (2, 3), (3, 2), (2, 2), (2, 0)]


# Runs


def test_a_run_of_the_same_is_one_entry_and_its_number(log: Log) -> None:
    """The first change is an entry immediately; those that follow within the hour are counted, with the first and last
    time.
    """
    for number in range(20):
        log.put(30.0 * number, *(f"V{number}", f"W{number}")[: 1 + number % 2])
    first = ("values replaced", {"linker": "tickets", "before": 0, "after": 1})
    assert log.entries(HOUR - 1) == [first]
    told = {"times": 19, "since": _moment(0), "until": _moment(30 * 19)}
    assert log.entries(HOUR) == [first, ("values replaced", {"linker": "tickets", "before": 1, "after": 2, **told})]


def test_the_next_change_ends_a_run(log: Log) -> None:
    """The count is written before the first entry of the next run, without a reader."""
    for number, seconds in enumerate((0, 10, 20, HOUR + 1)):
        log.put(seconds, f"V{number}")
    log.put(HOUR + 2, "V1", "V2")
    counted = {"times": 2, "since": _moment(0), "until": _moment(20)}
    changed = {"linker": "tickets", "before": 1, "after": 1}
    assert [details for _, details in log.entries(HOUR + 3)] == [
        {"linker": "tickets", "before": 0, "after": 1},
        {**changed, **counted},
        changed,
    ]


def test_a_single_change_leaves_nothing_to_count(log: Log) -> None:
    """A single change leaves no count, and its run does not appear again when it is over."""
    log.put(0, "A")
    assert len(log.entries(5 * HOUR)) == len(log.entries(10 * HOUR)) == 1


def test_what_is_about_something_else_is_a_run_of_its_own(log: Log) -> None:
    """Another linker, another action, other parts of the descriptor: none hides behind another."""
    log.put(0, "A")
    log.put(1, "A", linker="other")
    log.at(2, lambda host: linkers.delete_values(host, log.installation.id, "tickets", by_app=True))
    changes: list[dict[str, Any]] = [{"name": "B"}, {"scopes": ["account"]}, {"name": "C"}, {"name": "D"}]
    for seconds, change in enumerate(changes, 3):
        log.app.descriptor |= change
        log.at(seconds, lambda host: updates.update(host, log.installation.id, by_app=True))
    assert [(action, next(iter(details))) for action, details in log.entries(10)] == [
        ("values replaced", "linker"),
        ("values replaced", "linker"),
        ("values deleted", "linker"),
        ("app updated", "descriptor"),
        ("app updated", "scopes"),
    ]


def test_an_app_that_renames_its_linkers_has_so_many_runs_and_no_more(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes to linkers beyond the limit are counted together, and the last of these is named; an hour later all begin
    anew.
    """
    monkeypatch.setattr(rows, "MOST_RUNS", 2)
    changed = [
        ("tickets", ["A"]), ("other", ["A"]), ("third", ["A"]), ("fourth", ["A"]), ("other", ["B"]), ("fourth", ["B"])
    ]  # fmt: skip
    renamed = json.dumps({**log.app.descriptor, "modules": {"linkers": [{**LINKERS[0], "key": key} for key in KEYS]}})
    log.at(0, lambda host: updates.update(host, log.installation.id, descriptor=renamed.encode(), by_app=True))
    for number, (linker, values) in enumerate(changed):
        log.put(number, *values, linker=linker)
    entries = [details["linker"] for action, details in log.entries(10) if action == "values replaced"]
    assert entries == ["tickets", "other", "third"]
    ended = [details for action, details in log.entries(HOUR + 10) if "times" in details]
    assert [(one["linker"], one["times"]) for one in ended] == [("other", 1), ("fourth", 2)]
    log.put(HOUR + 20, "C", linker="fourth")
    assert log.entries(HOUR + 20)[-1] == ("values replaced", {"linker": "fourth", "before": 1, "after": 1})


def test_what_an_operator_does_is_never_counted(log: Log) -> None:
    """Each change by an operator is an entry: they are few, and each is a decision."""
    for number in range(5):
        log.put(number, f"V{number}", by_app=False)
    assert len(log.entries(5)) == 5


def test_a_clock_that_is_set_back_begins_another_run(log: Log) -> None:
    """A run from the future does not hide later changes."""
    log.put(300 * 24 * HOUR, "A")
    log.put(300 * 24 * HOUR + 1, "B")
    log.put(0, "C")
    assert [details.get("times") for _, details in log.entries(1)] == [None, 1, None]


def test_an_update_names_what_changed(log: Log) -> None:
    """The entry has the app's addresses, authentication and scopes, old and new, after each kind of update."""
    base = log.app.base_url
    log.app.descriptor |= {
        "baseUrl": f"{base}/v2",
        "authentication": {"type": "none"},
        "lifecycle": {"installed": "/hello"},
        "scopes": ["account"],
    }
    log.at(0, lambda host: updates.update(host, log.installation.id, by_app=True))
    ((action, details),) = log.entries(0)
    assert (action, details) == (
        "app updated",
        {
            "base_url": f"{base} → {base}/v2",
            "installed": "/installed → /hello",
            "uninstalled": "/uninstalled → none",
            "authentication": "jwt → none",
            "scopes": "account repository → account",
        },
    )


# Archives and cuts


def _archive(log: Log, seconds: float, before: float | None) -> tuple[audit.Archived, list[dict[str, Any]]]:
    out = io.BytesIO()
    moment = None if before is None else datetime.fromtimestamp(START + before, UTC)
    archived: audit.Archived = log.at(seconds, lambda host: audit.archive(host, out, before=moment))
    assert hashlib.sha256(out.getvalue()).hexdigest() == archived.sha256
    return archived, [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_cut_removes_what_was_archived_and_says_so(log: Log) -> None:
    """Older entries are in the file and no longer in the log, whose last entry records the cut."""
    for number in range(6):
        log.put(10.0 * number, f"V{number}", by_app=False)
    archived, lines = _archive(log, 60, before=30)
    assert [line["details"].get("after") for line in lines if line["action"] == "values replaced"] == [1, 1, 1]
    assert archived.entries == len(lines) == 4
    log.at(61, lambda host: audit.cut(host, archived))
    entries = log.entries(62)
    assert [action for action, _ in entries] == ["values replaced"] * 3 + ["audit log cut"]
    assert entries[-1][1] == {"entries": 4, "up_to": archived.up_to, "sha256": archived.sha256}


def test_an_archive_alone_removes_nothing(log: Log) -> None:
    """The file has the whole log, in pages, oldest first; repeated changes are in it when their hour is over."""
    log.put(0, "A")
    log.put(1, "B")
    archived, lines = _archive(log, 2 * HOUR, before=None)
    assert [line["id"] for line in lines] == sorted(line["id"] for line in lines)
    assert lines[-1]["details"]["times"] == 1
    assert archived.entries == len(log.entries(2 * HOUR)) + 1


@pytest.mark.each_database
def test_entries_are_read_in_pages(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of any number, a few entries are in memory at a time."""
    monkeypatch.setattr(rows, "PAGE", 2)
    for number in range(5):
        log.put(number, f"V{number}", by_app=False)
    assert _archive(log, 6, before=None)[0].entries == 6


def test_a_log_that_has_changed_is_not_cut(log: Log) -> None:
    """An entry that is not in the file stays, and so do all others."""
    log.put(0, "A", by_app=False)
    archived, _ = _archive(log, 1, before=None)
    less = replace(archived, entries=archived.entries - 1)
    with pytest.raises(Conflict, match="changed meanwhile"):
        log.at(2, lambda host: audit.cut(host, less))
    assert len(log.entries(3)) == archived.entries - 1


@pytest.mark.sample(1)
@pytest.mark.each_database
@pytest.mark.parametrize("statement", ["UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log"])
def test_the_database_lets_nothing_but_a_cut_take_entries(log: Log, statement: str) -> None:
    """Before the first cut and after one, later entries can neither be deleted nor altered."""

    async def try_it(host: Host) -> None:
        async with host.store.database.transaction() as tx:
            await tx.run(statement)

    log.put(0, "A", by_app=False)
    for _ in range(2):
        with pytest.raises(Exception, match=r"append-only|reported an error"):
            log.run(try_it)
        archived, _ = _archive(log, 1, before=None)
        log.at(2, lambda host, archived=archived: audit.cut(host, archived))  # type: ignore[misc]
    assert [action for action, _ in log.entries(3)] == ["audit log cut"]


def test_a_log_that_was_cut_can_be_moved(log: Log, tmp_path: Path, new_database: NewDatabase) -> None:
    """Its entries and its open runs arrive with it, and are as protected there."""
    log.put(0, "A", by_app=False)
    archived, _ = _archive(log, 1, before=None)
    log.at(2, lambda host: audit.cut(host, archived))
    log.put(3, "B")
    log.put(4, "C")
    out = io.BytesIO()
    log.at(5, lambda host: transfer.export_state(host, out, with_secrets=True))
    out.seek(0)
    with opened(Settings(data=tmp_path / "new", database_url=new_database())) as run:
        run(lambda host: transfer.import_state(host, out))
        moved = Log(run, log.app, log.installation)
        last = moved.entries(2 * HOUR)[-1]
        assert (last[0], last[1]["times"]) == ("values replaced", 1)
        with pytest.raises(Exception, match=r"append-only|reported an error"):
            run(_delete_all)


async def _delete_all(host: Host) -> None:
    async with host.store.database.transaction() as tx:
        await tx.run("DELETE FROM audit_log")
