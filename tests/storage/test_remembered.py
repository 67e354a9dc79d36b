"""The version of the cache grows with each change of callers and linkers, and with nothing else."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from roadstead.domain.access import credentials
from roadstead.domain.apps import installations, updates
from roadstead.domain.host import Host, open_host
from roadstead.domain.linking import linkers
from roadstead.domain.linking.workspaces import WorkspaceLinkers
from roadstead.settings import Settings
from roadstead.storage.database import Argument, Database, Row, Transaction
from roadstead.storage.facts import keep_fact
from roadstead.storage.installations import find_caller
from roadstead.storage.remembered import COUNTERS, READ, counter_of
from roadstead.storage.rotation import seal_anew
from roadstead.storage.sealing import key_in_force
from roadstead.storage.workspaces import recall_workspace, take_workspace
from tests.conftest import NewDatabase
from tests.live import LiveHost, RecordingApp
from tests.storage.reads import tables_read
from tests.storage.statements import statements
from tests.storage.test_transactions import Place


@pytest.fixture
def place(tmp_path: Path, new_database: NewDatabase) -> Place:
    return Place(Settings(data=tmp_path, database_url=new_database()))


Work = Callable[[Host, RecordingApp], Awaitable[object]]
TICKETS = "tickets"


async def _installed(host: Host, app: RecordingApp) -> int:
    (installation,) = await installations.list_apps(host, app_key=app.descriptor["key"])
    return installation.id


def _to_installed(work: Callable[[Host, int], Awaitable[object]]) -> Work:
    async def run(host: Host, app: RecordingApp) -> None:
        await work(host, await _installed(host, app))

    return run


async def _install(host: Host, app: RecordingApp) -> None:
    await installations.install(host, app.descriptor_url, f"w-{app.key}")


async def _update(host: Host, app: RecordingApp) -> None:
    app.descriptor["modules"] = {"linkers": app.descriptor["modules"]["linkers"][:1]}
    await updates.update(host, await _installed(host, app))


async def _seal_anew(host: Host, app: RecordingApp) -> None:
    async with host.store.database.transaction() as tx:
        await seal_anew(host.store, tx, await key_in_force(tx) or "")


async def _make_workspace(host: Host, app: RecordingApp, then: type[Exception] | None = None) -> None:
    async with host.store.database.transaction() as tx:
        await take_workspace(tx, slug=f"new-{app.key}", uuid=app.key, name="", now=host.now())
        if then:
            raise then


async def _take_back(host: Host, app: RecordingApp) -> None:
    with pytest.raises(LookupError):
        await _make_workspace(host, app, LookupError)


async def _delete_value(host: Host, installation_id: int) -> None:
    await linkers.replace_values(host, installation_id, TICKETS, ["A", "B"])
    value = await linkers.add_value(host, installation_id, TICKETS, "C")
    await linkers.delete_value(host, installation_id, TICKETS, value.id)


async def _revoke_token(host: Host, app: RecordingApp) -> None:
    _, token = await credentials.create_api_token(host, "test", None)
    await credentials.revoke_api_token(host, token.id)


async def _record(host: Host, app: RecordingApp) -> None:
    await installations.fetch(host, app.descriptor_url)  # a call that is recorded
    await host.recorder.write()


CASES: dict[str, tuple[Work, bool]] = {
    "installed again, with another secret": (_install, True),
    "secret renewed": (_to_installed(installations.renew_secret), True),
    "updated": (_update, True),
    "secrets sealed anew": (_seal_anew, True),
    "workspace made": (_make_workspace, True),
    "workspace made and taken back": (_take_back, False),
    "value added": (_to_installed(partial(linkers.add_value, key=TICKETS, value="A")), False),
    "value added by the app": (_to_installed(partial(linkers.add_value, key=TICKETS, value="B", by_app=True)), False),
    "values added": (_to_installed(partial(linkers.add_values, key=TICKETS, values=["D"])), False),
    "values replaced, and one deleted": (_to_installed(_delete_value), False),
    "values deleted": (_to_installed(partial(linkers.delete_values, key=TICKETS)), False),
    "API token made and revoked": (_revoke_token, False),
    "JWT exchanged": (_to_installed(partial(credentials.exchange, scopes=[], repository=None)), False),
    "request recorded": (_record, False),
    "uninstalled": (_to_installed(installations.uninstall), True),
}
"""The changes, one after the other, and whether each counts."""


def test_changes_of_callers_and_linkers_alone_are_counted(host: LiveHost, connect_app: RecordingApp) -> None:
    """Another process sees the version grow with cached rows, and stay with others."""
    host.install(connect_app, f"w-{connect_app.key}")

    async def run() -> None:
        async with open_host(host.settings) as ours, open_host(host.settings) as theirs:
            for name, (work, counts) in CASES.items():
                before = await theirs.store.database.version()
                await work(ours, connect_app)
                await asyncio.sleep(0)  # an answered request is never handled in the turn of an unanswered one
                after = [await one.store.database.version() for one in (theirs, ours)]
                assert (after[0] > before, after[0] == after[1]) == (counts, True), name

    asyncio.run(run())


_NEW = "INSERT INTO workspaces (slug, uuid, name, created_on) VALUES (?, ?, '', '')"


async def _twice(tx: Transaction) -> None:
    await tx.run("UPDATE workspaces SET name = ''")
    await tx.run("DELETE FROM workspaces")


CHANGES: dict[str, Callable[[Transaction], Awaitable[object]]] = {
    "read": lambda tx: tx.read(f"{_NEW} RETURNING id", "a", "a"),
    "insert": lambda tx: tx.insert(f"{_NEW} RETURNING id", "b", "b"),
    "run": lambda tx: tx.run(_NEW, "c", "c"),
    "run_bulk": lambda tx: tx.run_bulk(_NEW, "d", "d"),
    "run_many": lambda tx: tx.run_many(_NEW, [("e", "e"), ("f", "f")]),
    "update": lambda tx: tx.run("UPDATE installations SET state = state"),
    "delete": lambda tx: tx.run("DELETE FROM handshakes"),
    "linkers": lambda tx: tx.run("UPDATE linkers SET position = NULL"),
    "twice": _twice,
}


def test_whichever_way_a_statement_runs_it_counts_once(place: Place) -> None:
    """A transaction need not say that it changes cached rows, and counts one, for any number of changes."""

    async def scenario(database: Database) -> None:
        for name, change in CHANGES.items():
            before = await database.version()
            async with database.transaction() as tx:
                await change(tx)
            await asyncio.sleep(0)
            assert await database.version() == before + 1, name

    place.run(scenario)


COUNTED = {
    "UPDATE users SET nickname = ''": (0, 1, 0),
    "DELETE FROM permissions": (0, 1, 0),
    "UPDATE repositories SET updated_on = ''": (0, 0, 1),
    "UPDATE workspaces SET name = ''": (1, 0, 0),
    "DELETE FROM sessions": (0, 0, 0),
}
"""Statements, and what each adds to the versions."""


def test_each_change_counts_for_what_is_cached_of_it(place: Place) -> None:
    """Another process sees at once which version has grown; several changes in a transaction are all counted."""

    async def scenario(database: Database) -> None:
        async with place.opened() as other:
            for statements_, expected in [*(([one], added) for one, added in COUNTED.items()), ([*COUNTED], (1, 1, 1))]:
                before = await other.versions()
                async with database.transaction() as tx:
                    for statement in statements_:
                        await tx.run(statement)
                await asyncio.sleep(0)
                after = await other.versions()
                assert after == await database.versions()
                assert tuple(new - old for old, new in zip(before, after, strict=True)) == expected, statements_

    place.run(scenario)


def test_none_of_many_changes_at_once_is_lost(place: Place) -> None:
    """Concurrent transactions of two processes that lock the rows of the others, in any order, all count, and none
    fails.
    """

    async def change(database: Database, slugs: list[str]) -> None:
        async with database.transaction() as tx:
            for slug in slugs:
                await tx.run("UPDATE workspaces SET name = ? WHERE slug = ?", slug, slug)
                await asyncio.sleep(0.001)

    async def scenario(database: Database) -> None:
        async with database.transaction() as tx:
            await tx.run_many(_NEW, [("a", "a"), ("b", "b")])
        before = await database.version()
        async with place.opened() as other:
            changes = [(one, ["a", "b"][start:]) for one in (database, other) for start in (0, 1)] * 5
            await asyncio.gather(*(change(*each) for each in changes))
            assert await other.version() == before + len(changes)

    place.run(scenario)


def test_the_version_is_not_asked_of_sqlite_again_as_long_as_nothing_is_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And after a commit, once."""

    async def scenario(database: Database) -> None:
        asked = 0
        read = database.read

        async def counted(sql: str, *arguments: Argument) -> list[Row]:
            nonlocal asked
            asked += sql == READ
            return await read(sql, *arguments)

        monkeypatch.setattr(database, "read", counted)
        for commits in (0, 1, 2):
            for _ in range(3):
                await database.version()
                await asyncio.sleep(0)
            assert asked == commits + 1
            async with database.transaction() as tx:
                await keep_fact(tx, "a", str(commits))

    Place(Settings(data=tmp_path)).run(scenario)


# The cached tables


def _writes(statement: str) -> set[str]:
    """Return the cached tables that a statement changes, anywhere in it."""
    return set(re.findall(rf"\b(?:INTO|UPDATE|FROM) ({'|'.join(COUNTERS)})\b", re.sub(r"SELECT.*", "", statement)))


def test_every_statement_that_changes_what_is_remembered_is_seen_to() -> None:
    """In the whole storage room, except for the count of a linker's values, which is not cached."""
    changing = [(f"{file}: {function}", text) for file, function, text in statements() if _writes(text)]
    assert {table for _, text in changing for table in _writes(text)} == set(COUNTERS)
    assert {place for place, text in changing if counter_of(text) is None} == {
        "linkers.py: _add_to_count",
        "linkers.py: _set_count",
    }


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("INSERT INTO workspaces (slug) VALUES (?)", "version"),
        ("\n    UPDATE installations SET shared_secret = ? WHERE id = ?", "version"),
        ("DELETE FROM handshakes WHERE installation_id = ?", "version"),
        ("UPDATE linkers SET position = NULL, revision = revision + 1", "version"),
        ("DELETE FROM members WHERE user_id = ?", "people"),
        ("UPDATE users SET is_active = 0", "people"),
        ("UPDATE repositories SET mainbranch = ? WHERE id = ?", "repositories"),
        ("UPDATE linkers SET value_count = 3, revision = revision + 1 WHERE id = ?", None),
        ("INSERT INTO linker_values (value) VALUES (?)", None),
        ("UPDATE installations_of_old SET state = ''", None),
        ("SELECT id FROM installations WHERE id = ? FOR UPDATE", None),
        ("INSERT INTO requests (url) SELECT url FROM installations", None),
    ],
)
def test_changes_are_told_from_other_statements(statement: str, expected: str | None) -> None:
    """By the tables that they write, not by those that they read."""
    assert counter_of(statement) == expected


def test_what_is_remembered_comes_from_the_tables_that_count(
    host: LiveHost, connect_app: RecordingApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No entry that is cached until the version changes is read from a table whose changes do not count."""
    caller, slug = host.install(connect_app, f"w-{connect_app.key}"), f"w-{connect_app.key}"

    async def run(opened_host: Host) -> set[str]:
        with tables_read(opened_host.store.database, monkeypatch) as found:
            assert await find_caller(opened_host.store, caller.client_key)
            assert await recall_workspace(opened_host.store, slug)
            await WorkspaceLinkers(opened_host)._apps_in(caller.workspace)
        return found - {"remembered"}

    assert host.work(run) == {name for name, counter in COUNTERS.items() if counter == "version"} - {"linkers"}
