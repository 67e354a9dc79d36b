"""The database: transactions, group commit and what happens when something goes wrong in the middle."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from roadstead.errors import StorageUnavailable, StorageUnusable
from roadstead.storage.database import AlreadyThere, Database, Transaction
from roadstead.storage.installations import find_fact, keep_fact
from roadstead.storage.sqlite import SQLiteDatabase

Scenario = Callable[[Database], Awaitable[None]]


@asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[SQLiteDatabase]:
    database = SQLiteDatabase(folder / "test.db")
    try:
        await database.migrate()
        yield database
    finally:
        await database.close()


def _run(folder: Path, scenario: Scenario) -> None:
    async def run() -> None:
        async with _opened(folder) as database:
            await scenario(database)

    asyncio.run(run())


async def _keep(database: Database, name: str, value: str = "1") -> None:
    async with database.transaction() as tx:
        await keep_fact(tx, name, value)


def test_what_a_transaction_wrote_is_there_after_it(tmp_path: Path) -> None:
    """A committed change is seen by the next read and by another process's connection."""

    async def scenario(database: Database) -> None:
        await _keep(database, "a")
        assert await find_fact(database, "a") == "1"
        other = sqlite3.connect(tmp_path / "test.db")
        assert other.execute("SELECT value FROM facts WHERE name = 'a'").fetchall() == [("1",)]
        other.close()

    _run(tmp_path, scenario)


def test_a_failing_block_changes_nothing(tmp_path: Path) -> None:
    """An exception in the block takes back its changes and leaves those of others that share the commit."""

    async def scenario(database: Database) -> None:
        async def fail() -> None:
            async with database.transaction() as tx:
                await keep_fact(tx, "lost", "1")
                raise ValueError

        outcomes = await asyncio.gather(
            _keep(database, "a"), fail(), _keep(database, "b"), fail(), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), ValueError, type(None), ValueError]
        assert [await find_fact(database, name) for name in ("a", "lost", "b")] == ["1", None, "1"]

    _run(tmp_path, scenario)


def test_writers_at_the_same_time_all_get_through(tmp_path: Path) -> None:
    """A thousand concurrent transactions each find their own change committed when they end."""

    async def scenario(database: Database) -> None:
        async def write(number: int) -> None:
            await _keep(database, f"n{number}")
            assert await find_fact(database, f"n{number}") == "1"

        await asyncio.gather(*(write(number) for number in range(1000)))

    _run(tmp_path, scenario)


def test_cancelled_writers_do_not_hold_up_others(tmp_path: Path) -> None:
    """Writers that give up at any point leave a database that goes on working, and the rest are committed."""

    async def scenario(database: Database) -> None:
        tasks = [asyncio.create_task(_keep(database, f"n{number}")) for number in range(200)]
        for number, task in enumerate(tasks):
            if number % 3 == 0:
                task.cancel()
            if number % 7 == 0:
                await asyncio.sleep(0)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for number, outcome in enumerate(outcomes):
            if outcome is None:
                assert await find_fact(database, f"n{number}") == "1"
        await _keep(database, "after")
        assert await find_fact(database, "after") == "1"

    _run(tmp_path, scenario)


def test_reads_do_not_see_what_is_not_committed(tmp_path: Path) -> None:
    """Outside its transaction a change does not exist before the commit."""

    async def scenario(database: Database) -> None:
        async with database.transaction() as tx:
            await keep_fact(tx, "a", "1")
            assert await find_fact(tx, "a") == "1"
            assert await find_fact(database, "a") is None

    _run(tmp_path, scenario)


def test_a_read_that_fails_does_not_freeze_what_is_seen(tmp_path: Path) -> None:
    """Reads share a snapshot for one turn of the event loop, and for no longer when one of them fails."""

    async def scenario(database: Database) -> None:
        with pytest.raises(StorageUnavailable):
            await database.read("SELECT nothing FROM nowhere")
        version = database.version()
        other = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
        other.execute("INSERT INTO facts VALUES ('other', '1')")
        other.close()
        await asyncio.sleep(0)
        assert await find_fact(database, "other") == "1"
        assert database.version() != version

    _run(tmp_path, scenario)


def test_a_snapshot_that_fails_to_open_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fails in the middle of opening a snapshot, the next turn begins with a new one."""

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
        await asyncio.sleep(0)
        monkeypatch.setattr(database, "_reader", Failing(database._reader))
        with pytest.raises(StorageUnavailable):
            database.version()
        await asyncio.sleep(0)
        for name in ("first", "second"):
            await _keep(database, name)
            assert await find_fact(database, name) == "1"

    _run(tmp_path, scenario)


def test_a_writer_waits_for_another_process(tmp_path: Path) -> None:
    """While another process holds the database we wait without blocking reads, and go on when it lets go."""

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


def test_a_unique_constraint_is_translated(tmp_path: Path) -> None:
    """A driver's error leaves the database as ours."""

    async def scenario(database: Database) -> None:
        async def add(tx: Transaction) -> None:
            await tx.insert(
                "INSERT INTO workspaces (slug, uuid, name, created_on) VALUES ('a', 'u', 'a', '') RETURNING id"
            )

        async with database.transaction() as tx:
            await add(tx)
            with pytest.raises(AlreadyThere):
                await add(tx)

    _run(tmp_path, scenario)


def test_a_full_database_takes_back_everything_and_says_so(tmp_path: Path) -> None:
    """When there is no room, every writer of the group is told, nothing is half there, and reads go on."""

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


def test_opening_again_finds_the_schema_in_place(tmp_path: Path) -> None:
    """Migrations run once, and data survives closing."""

    async def write(database: Database) -> None:
        await _keep(database, "a")

    async def read(database: Database) -> None:
        assert await find_fact(database, "a") == "1"

    _run(tmp_path, write)
    _run(tmp_path, read)


def test_data_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """An older program never touches a schema that it does not know."""

    async def spoil(database: Database) -> None:
        async with database.transaction() as tx:
            await tx.run("INSERT INTO migrations (number) VALUES (9999)")

    async def unused(database: Database) -> None:
        raise AssertionError

    _run(tmp_path, spoil)
    with pytest.raises(StorageUnusable, match="newer version"):
        _run(tmp_path, unused)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """A wrong file gives a sentence, not a traceback."""

    async def unused(database: Database) -> None:
        raise AssertionError

    (tmp_path / "test.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(StorageUnusable, match="cannot be used"):
        _run(tmp_path, unused)


def test_a_lease_is_held_by_one(tmp_path: Path) -> None:
    """A lease can be taken once, also from another connection to the same file, until it is released."""

    async def scenario(database: Database) -> None:
        lease = await database.lease("name")
        assert lease is not None
        assert await database.lease("name") is None
        async with _opened(tmp_path) as other:
            assert await other.lease("name") is None
            assert await other.lease("another name") is not None
            await lease.release()
            again = await other.lease("name")
            assert again is not None
            await again.release()

    _run(tmp_path, scenario)


def test_a_snapshot_stays_as_it_was(tmp_path: Path) -> None:
    """What is committed while a snapshot is open is not seen in it, and is not held up by it."""

    async def scenario(database: Database) -> None:
        await _keep(database, "before")
        async with database.snapshot() as snapshot:
            await _keep(database, "meanwhile")
            assert await find_fact(database, "meanwhile") == "1"
            assert await snapshot.scan("SELECT name FROM facts") == [("before",)]
            assert await snapshot.read("SELECT COUNT(*) FROM facts") == [(1,)]

    _run(tmp_path, scenario)
