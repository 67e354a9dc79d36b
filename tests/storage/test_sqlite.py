"""SQLite: one file that several processes write, and failures in the middle of it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from roadstead.errors import StorageBusy, StorageUnavailable, StorageUnusable
from roadstead.storage.database import BUSY_SECONDS, Database
from roadstead.storage.facts import find_fact, keep_fact
from roadstead.storage.sqlite import SQLiteDatabase

Scenario = Callable[[Database], Awaitable[None]]


@asynccontextmanager
async def _opened(folder: Path, busy_seconds: float = BUSY_SECONDS) -> AsyncIterator[SQLiteDatabase]:
    database = SQLiteDatabase(folder / "test.db", busy_seconds=busy_seconds)
    try:
        await database.migrate()
        yield database
    finally:
        await database.close()


def _run(folder: Path, scenario: Scenario, *, busy_seconds: float = BUSY_SECONDS) -> None:
    async def run() -> None:
        async with _opened(folder, busy_seconds) as database:
            await scenario(database)

    asyncio.run(run())


async def _keep(database: Database, name: str, value: str = "1", *, patience: float | None = None) -> None:
    async with database.transaction(patience=patience) as tx:
        await keep_fact(tx, name, value)


def test_a_read_that_fails_does_not_freeze_what_is_seen(tmp_path: Path) -> None:
    """Reads share a snapshot for one turn of the event loop, and for no longer when one of them fails."""

    async def scenario(database: Database) -> None:
        with pytest.raises(StorageUnavailable):
            await database.read("SELECT nothing FROM nowhere")
        before = await database.last_commit()
        other = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
        other.execute("INSERT INTO facts VALUES ('other', '1')")
        other.close()
        await asyncio.sleep(0)
        assert await find_fact(database, "other") == "1"
        assert await database.last_commit() != before

    _run(tmp_path, scenario)


def test_a_snapshot_that_fails_to_open_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fails in the middle of opening a snapshot, the next turn begins with a new one.

    Other readers of the same turn, who may read by now, find nothing that was kept before the latest commit.
    """

    class Failing:
        """A connection whose first `PRAGMA` fails, as when the disk does."""

        def __init__(self, connection: sqlite3.Connection) -> None:
            self._connection = connection
            self.failures = 1

        def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
            if sql.startswith("PRAGMA") and self.failures:
                self.failures -= 1
                raise sqlite3.OperationalError("disk I/O error")
            return self._connection.execute(sql, *arguments)  # type: ignore[arg-type]  # passed on as it came

        def close(self) -> None:
            self._connection.close()

    async def scenario(database: Database) -> None:
        assert isinstance(database, SQLiteDatabase)
        before = await database.last_commit()
        await asyncio.sleep(0)
        await _keep(database, "changed")
        monkeypatch.setattr(database, "_reader", Failing(database._reader))
        with pytest.raises(StorageUnavailable):
            await database.version()
        assert await database.last_commit() != before
        await asyncio.sleep(0)
        for name in ("first", "second"):
            await _keep(database, name)
            assert await find_fact(database, name) == "1"

    _run(tmp_path, scenario)


def test_a_writer_waits_for_another_process(tmp_path: Path) -> None:
    """While another process has the lock, a writer waits without blocking reads, and continues when it is free."""

    async def scenario(database: Database) -> None:
        other = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO facts VALUES ('other', '1')")
        writing = asyncio.create_task(_keep(database, "ours"))
        await asyncio.sleep(0.05)
        assert not writing.done()
        assert await find_fact(database, "ours") is None
        other.execute("COMMIT")
        await writing
        assert [await find_fact(database, name) for name in ("ours", "other")] == ["1", "1"]
        other.close()

    _run(tmp_path, scenario)


def test_writers_that_came_together_give_up_together(tmp_path: Path) -> None:
    """While another process has the lock, no writer waits longer because others wait, too."""

    async def scenario(database: Database) -> None:
        other = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writing = [asyncio.create_task(_keep(database, f"n{number}")) for number in range(6)]
        await asyncio.wait(writing, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.2)  # half of the time that a second one would wait after the first
        assert [type(one.exception()) for one in writing if one.done()] == [StorageBusy] * 6
        late = asyncio.create_task(_keep(database, "late", patience=60))
        await asyncio.sleep(0.05)
        other.execute("COMMIT")
        other.close()
        await late
        assert await find_fact(database, "late") == "1"

    _run(tmp_path, scenario, busy_seconds=0.4)


def test_a_writer_waits_for_a_long_change_no_longer_than_for_another_process(tmp_path: Path) -> None:
    """It is told to come again while another of this process changes much; that change is kept, and later ones are."""

    async def scenario(database: Database) -> None:
        may_end = asyncio.Event()

        async def change_much() -> None:
            async with database.transaction() as tx:
                await keep_fact(tx, "much", "1")
                await may_end.wait()

        long = asyncio.create_task(change_much())
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(10):
                with pytest.raises(StorageBusy):
                    await _keep(database, "refused")
        finally:
            may_end.set()
            await long
        await _keep(database, "later")
        assert [await find_fact(database, name) for name in ("much", "refused", "later")] == ["1", None, "1"]

    _run(tmp_path, scenario, busy_seconds=0.2)


def test_a_writer_may_have_less_patience_than_others(tmp_path: Path) -> None:
    """It is admitted after earlier writers of this process, and refused before them while another process
    has the lock.
    """

    async def scenario(database: Database) -> None:
        names = {"first": None, "second": 90.0, "third": None, "fourth": 90.0}
        await asyncio.gather(*(_keep(database, name, patience=patience) for name, patience in names.items()))
        assert await find_fact(database, "fourth") == "1"
        other = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(30):
            with pytest.raises(StorageBusy):
                await _keep(database, "impatient", patience=0.1)
        patient = asyncio.create_task(_keep(database, "patient"))
        await asyncio.sleep(0.02)
        with pytest.raises(StorageBusy):
            await _keep(database, "impatient", patience=0.1)
        assert not patient.done()
        other.execute("COMMIT")
        other.close()
        await patient

    _run(tmp_path, scenario, busy_seconds=60)


def test_a_full_database_takes_back_everything_and_says_so(tmp_path: Path) -> None:
    """When there is no room, every writer of the group gets an error, nothing is half stored, and reads work."""

    async def scenario(database: Database) -> None:
        assert isinstance(database, SQLiteDatabase)
        await _keep(database, "before")
        pages = database._writer.execute("PRAGMA page_count").fetchone()[0]
        database._writer.execute(f"PRAGMA max_page_count={pages}")
        outcomes = await asyncio.gather(
            *(_keep(database, f"n{number}", "x" * 3000) for number in range(20)), return_exceptions=True
        )
        refused = [number for number, outcome in enumerate(outcomes) if outcome is not None]
        assert refused
        assert all(isinstance(outcomes[number], StorageUnavailable) for number in refused)
        for number, outcome in enumerate(outcomes):
            assert (await find_fact(database, f"n{number}") is not None) == (outcome is None)
        database._writer.execute("PRAGMA max_page_count=1000000")
        await _keep(database, "after")
        assert await find_fact(database, "after") == "1"

    _run(tmp_path, scenario)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """A wrong file gives a sentence, not a traceback."""

    async def unused(database: Database) -> None:
        raise AssertionError

    (tmp_path / "test.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(StorageUnusable, match="cannot be used"):
        _run(tmp_path, unused)
