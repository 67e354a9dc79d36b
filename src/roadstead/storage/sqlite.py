"""SQLite: the embedded default.

Point reads and writes run inline, where they take a few microseconds; a hop to a thread would cost ten times that.
Statements that touch many rows, and every commit, run in a thread.

Reads are grouped: those of one turn of the event loop share one read transaction, because taking and releasing its
locks costs more than the reads. It never outlives the turn, and a request that was received after a commit is handled
in a later one, so it always sees that commit.

Commits are grouped. A commit waits for the disk (`synchronous=FULL`, so that answered changes survive a power cut), and
the writers that arrive meanwhile share the next one: each has its savepoint in the common transaction, and none is told
that it succeeded before the commit has. The lock is first come, first served (`writers_line`), and the commit waits for
it like every writer, so its batch has exactly those writers that were waiting before it. The commit is made of
functions, which the lock and the thread call; a task would resume the writers two turns of the loop later.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from roadstead.errors import StorageBusy, StorageUnavailable
from roadstead.storage import migrations, remembered
from roadstead.storage.database import (
    BUSY_SECONDS,
    LONG_LISTS,
    SEARCH_SECONDS,
    Argument,
    Dialect,
    Lease,
    Load,
    Reader,
    Row,
    Unfit,
)
from roadstead.storage.shared_commit import SharedCommit
from roadstead.storage.sqlite_errors import is_busy, translate, translated
from roadstead.storage.waking import Wakers, Waking
from roadstead.storage.writers_line import WritersLine
from roadstead.turns import Turns

if TYPE_CHECKING:
    from filelock import FileLock

DIALECT = Dialect(
    name="sqlite",
    identity="INTEGER PRIMARY KEY AUTOINCREMENT",
    bytes="BLOB",
    text="TEXT",
    strings="SELECT value, key AS place FROM json_each(?)",
    not_among="{column} NOT IN (SELECT value FROM json_each(?))",
    joined="group_concat({column}, ' ')",
    for_update="",  # there is only one writing transaction
    for_share="",
    for_key_share="",
    skip_locked="",
    refuse_change="BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    reads_may_differ=False,
    conflicts_are_cheap=True,
)

_CACHE = 2_000
"""KiB of a connection's pages that are kept in memory: SQLite's own choice."""
_BULK_CACHE = 64_000
"""The same, while many rows change."""
_FEW = 10
"""Rows that are written as fast as the writing is handed to a thread, which takes a tenth of a millisecond."""
_STEPS = 10_000
"""Steps of SQLite between two checks of the time: half a millisecond."""
_CHANGED = "It is being changed; try again in a moment."

T = TypeVar("T")


VERSION = sqlite3.sqlite_version


def has_wal_reset_race(version: str = VERSION) -> bool:
    """Return whether this SQLite may damage a file that several processes write (sqlite.org/wal.html#walresetbug)."""
    numbers = tuple(map(int, version.split(".")))
    mended = ((3, 44, 6), (3, 45)), ((3, 50, 7), (3, 51)), ((3, 51, 3), (4,))
    return not any(first <= numbers < beyond for first, beyond in mended)


class SQLiteDatabase:
    """One database file. Use from one event loop; several processes may open the same file."""

    dialect = DIALECT

    def __init__(self, file: Path, *, busy_seconds: float = BUSY_SECONDS) -> None:
        """Open the file, and make it if it is missing. Raises `StorageUnusable`."""
        self.file = file
        self._busy_seconds = busy_seconds
        with suppress(OSError):  # the driver's message says more
            file.touch(mode=0o600)  # SQLite gives its other files the mode of this one
        with translated:
            self._writer = _connect(file)
            self._reader = _connect(file)
            self._scanner = _connect(file)
            self._searcher = _connect(file)
        self._writing = WritersLine()
        self._scanning = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "sqlite-write")
        self._scan_thread = ThreadPoolExecutor(1, "sqlite-scan")
        self._search_thread = ThreadPoolExecutor(1, "sqlite-search")
        self._turns = Turns(1, busy_seconds, LONG_LISTS)
        self._batch: SharedCommit | None = None
        self._in_snapshot = False
        self._last_commit: object = None
        self._version = 0
        self._versions = remembered.Versions(0, 0, 0)
        self._commit_of_version: object = None
        self.writers = 0
        self.wakers = Wakers()

    def pack_strings(self, strings: Sequence[str]) -> Argument:
        return msgspec.json.encode(strings).decode()

    async def read(self, sql: str, *arguments: Argument) -> list[Row]:
        try:
            if not self._in_snapshot:
                self._open_snapshot()
            return self._reader.execute(sql, arguments).fetchall()
        except sqlite3.Error as exc:
            raise translate(exc) from exc

    def _open_snapshot(self) -> None:
        self._reader.execute("BEGIN")
        self._in_snapshot = True
        # First of all: an unclosed snapshot would show the same old state for ever.
        asyncio.get_running_loop().call_soon(self._close_snapshot)
        # If the next statement fails, other readers of this turn must find nothing that was kept before.
        self._last_commit = object()
        self._last_commit = self._reader.execute("PRAGMA data_version").fetchone()[0]

    def _close_snapshot(self) -> None:
        if self._in_snapshot:
            self._in_snapshot = False
            self._reader.execute("ROLLBACK")  # nothing was written, and this cannot be refused

    async def last_commit(self) -> object:
        # SQLite counts every commit of another connection; ours are made on the writer's.
        if not self._in_snapshot:
            with translated:
                self._open_snapshot()
        return self._last_commit

    async def version(self) -> int:
        if not self._in_snapshot:
            with translated:
                self._open_snapshot()
        if self._commit_of_version != self._last_commit:
            await self._read_versions()
        return self._version

    async def versions(self) -> remembered.Versions:
        await self.version()
        return self._versions

    async def _read_versions(self) -> None:
        self._versions = remembered.Versions(*(await self.read(remembered.READ))[0])
        self._version = self._versions.version
        self._commit_of_version = self._last_commit

    async def scan(self, sql: str, *arguments: Argument) -> list[Row]:
        async with self._scanning:
            return await _in_thread(self._scan_thread, lambda: self._scanner.execute(sql, arguments).fetchall())

    def turn(self, caller: Hashable) -> AbstractAsyncContextManager[None]:
        return self._turns.turn(caller)

    async def search(self, sql: str, *arguments: Argument) -> list[Row]:
        return await _in_thread(self._search_thread, lambda: _search(self._searcher, sql, arguments))

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[Reader]:
        with translated:
            connection = _connect(self.file)
            try:
                connection.execute("BEGIN")
                # The first read fixes the state, not BEGIN.
                connection.execute("SELECT 1 FROM migrations").fetchall()
            except BaseException:
                connection.close()
                raise
        try:
            yield _SQLiteTransaction(self, connection, self._scan_thread)
        finally:
            connection.close()

    def snapshot(self) -> AbstractAsyncContextManager[Reader]:
        return self._snapshot()

    def transaction(self, *, patience: float | None = None) -> "_OneWriter":
        return _OneWriter(self, patience)

    async def enter(self, patience: float | None) -> "tuple[SharedCommit, _SQLiteTransaction]":
        """Become the only writer, with a savepoint in the common transaction."""
        # Counted from here, so that writers who arrived together, and find the database locked, fail together.
        deadline = asyncio.get_running_loop().time() + (self._busy_seconds if patience is None else patience)
        if not self._writing.take():
            await self._wait_for_turn(deadline)
        try:
            batch = self._batch or await self._begin(deadline)
            with translated:
                self._writer.execute("SAVEPOINT one_writer")
        except BaseException:
            self._writing.give_back()
            raise
        return batch, _SQLiteTransaction(self, self._writer, self._thread)

    def leave(self, batch: SharedCommit, watch: remembered.Watch, cause: BaseException | None) -> None:
        """Admit the next writer, after keeping this one's changes, or undoing them if there is a `cause`."""
        try:
            if cause is None:
                with translated:
                    if watch.changed:
                        self._writer.execute(remembered.COUNT_UP, remembered.added(watch.changed))
                    self._writer.execute("RELEASE one_writer")
        except BaseException as exc:
            self._undo(batch, exc)
            raise
        else:
            if cause is not None:
                self._undo(batch, cause)
        finally:
            self._writing.give_back()

    async def _wait_for_turn(self, deadline: float) -> None:
        """Wait for the earlier writers of this process: one of them may change a million values."""
        try:
            await self._writing.wait(deadline)
        except TimeoutError as exc:
            raise StorageBusy("The database is busy.", _CHANGED) from exc

    async def _begin(self, deadline: float) -> SharedCommit:
        """Open the common transaction, waiting for other processes without delaying this one."""
        while True:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError as exc:
                late = asyncio.get_running_loop().time() > deadline
                if not is_busy(exc) or late:
                    raise translate(exc) from exc
            await asyncio.sleep(0.01)
        batch = self._batch = SharedCommit()
        # The commit stands in line after everyone who writes in this turn of the loop.
        batch.loop.call_soon(self._writing.call, partial(self._commit, batch))
        return batch

    def _commit(self, batch: SharedCommit) -> None:
        """Begin to commit, as the only writer, unless the transaction was rolled back."""
        if self._batch is batch:
            self._batch = None
            self._thread.submit(self._commit_in_thread, batch)
        else:
            self._writing.give_back()

    def _commit_in_thread(self, batch: SharedCommit) -> None:
        failure: Exception | None = None
        try:
            with translated:
                self._writer.execute("COMMIT")
        except Exception as exc:
            failure = exc
        batch.loop.call_soon_threadsafe(self._committed, batch, failure)

    def _committed(self, batch: SharedCommit, failure: Exception | None) -> None:
        """Tell the writers, and admit the next one."""
        try:
            if failure is None:
                batch.end()
            else:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                batch.end(failure)
        finally:
            self._writing.give_back()

    def _undo(self, batch: SharedCommit, cause: BaseException) -> None:
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK TO one_writer")
            self._writer.execute("RELEASE one_writer")
        else:
            # Some failures (a full disk, for one) make SQLite roll back everything, so the others lose theirs too.
            self._batch = None
            batch.end(StorageUnavailable("The database rolled back a group of changes.", str(cause)))

    def load(self) -> Load:
        return Load(self.writers)

    async def lease(self, name: str) -> Lease | None:
        from filelock import FileLock, Timeout

        folder = self.file.parent / "leases"
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = FileLock(folder / name, is_singleton=False, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        return _FileLease(lock)

    async def find_damage(self) -> str | None:
        ((found,),) = await self.scan("PRAGMA quick_check(1)")
        return None if found == "ok" else str(found)

    async def is_empty(self) -> bool:
        return not await self.read("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'")

    async def migrate(self) -> None:
        # A start that changes nothing does not wait for another process's change, however long that takes.
        if not await self.is_empty() and not migrations.missing(await migrations.applied(self)):
            return
        async with self.transaction() as tx:
            await tx.run(migrations.TABLE)
            await migrations.run_missing(tx)

    async def close(self) -> None:
        await asyncio.sleep(0)  # a commit is in line a turn after its transaction has begun
        if not self._writing.take():
            await self._writing.wait(None)
        self._close_snapshot()
        for connection in (self._searcher, self._scanner, self._reader, self._writer):
            connection.close()
        for thread in (self._search_thread, self._scan_thread, self._thread):
            thread.shutdown()


class _SQLiteTransaction(remembered.Watch, Waking):
    """A connection that is lent to one block. Sees its own changes."""

    dialect = DIALECT

    def __init__(self, database: SQLiteDatabase, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread
        self.pack_strings = database.pack_strings

    async def read(self, sql: str, *arguments: Argument) -> list[Row]:
        self.watch(sql)
        with translated:
            return self._connection.execute(sql, arguments).fetchall()

    async def scan(self, sql: str, *arguments: Argument) -> list[Row]:
        return await _in_thread(self._thread, lambda: self._connection.execute(sql, arguments).fetchall())

    async def search(self, sql: str, *arguments: Argument) -> list[Row]:
        return await _in_thread(self._thread, lambda: _search(self._connection, sql, arguments))

    async def run(self, sql: str, *arguments: Argument) -> int:
        self.watch(sql)
        with translated:
            return self._connection.execute(sql, arguments).rowcount

    async def run_bulk(self, sql: str, *arguments: Argument) -> int:
        self.watch(sql)
        return await _in_thread(self._thread, lambda: _change_many(self._connection, sql, arguments))

    async def run_many(self, sql: str, rows: Sequence[Sequence[Argument]]) -> None:
        def run() -> None:
            try:
                self._connection.executemany(sql, rows)
            except (sqlite3.IntegrityError, OverflowError, UnicodeEncodeError) as exc:
                raise Unfit(str(exc)) from exc

        self.watch(sql)
        if len(rows) > _FEW:
            await _in_thread(self._thread, run)
        else:
            with translated:
                run()

    async def insert(self, sql: str, *arguments: Argument) -> int:
        self.watch(sql)
        with translated:
            (row,) = self._connection.execute(sql, arguments).fetchall()
        identity: int = row[0]
        return identity

    async def go_on_after_ids(self, table: str) -> None:
        """Do nothing, because SQLite does so itself."""


class _OneWriter:
    """The block of one writer. A class, because a generator would cost a twentieth of an addition."""

    __slots__ = ("_batch", "_database", "_patience", "_transaction")

    def __init__(self, database: SQLiteDatabase, patience: float | None) -> None:
        self._database = database
        self._patience = patience

    async def __aenter__(self) -> "_SQLiteTransaction":
        self._database.writers += 1
        try:
            self._batch, self._transaction = await self._database.enter(self._patience)
        except BaseException:
            self._database.writers -= 1
            raise
        return self._transaction

    async def __aexit__(self, kind: object, exc: BaseException | None, traceback: object) -> None:
        try:
            self._database.leave(self._batch, self._transaction, exc)
            if exc is None:
                await self._batch.outcome()
                if self._transaction.woken:
                    self._database.wakers.wake(self._transaction.woken)
        finally:
            self._database.writers -= 1


class _FileLease:
    """An advisory lock of the operating system, which releases it when its process ends."""

    def __init__(self, lock: "FileLock") -> None:
        self._lock = lock

    async def release(self) -> None:
        self._lock.release()


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.create_function("contains_folded", 2, _contains_folded, deterministic=True)
    # Inline statements must not sleep inside SQLite: they would delay every other request.
    for pragma in (
        "busy_timeout=250",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=0",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _change_many(connection: sqlite3.Connection, sql: str, arguments: Sequence[Argument]) -> int:
    """Run a statement that changes many rows; how many it changed.

    With as little memory as there is else, SQLite would write the same pages out and read them back again and again,
    and hold up other writers for twice as long.
    """
    connection.execute(f"PRAGMA cache_size=-{_BULK_CACHE}")
    try:
        return connection.execute(sql, arguments).rowcount
    finally:
        connection.execute(f"PRAGMA cache_size=-{_CACHE}")


def _contains_folded(text: str | None, part: str) -> bool:
    return text is not None and part.casefold() in text.casefold()


def _search(connection: sqlite3.Connection, sql: str, arguments: Sequence[Argument]) -> list[Row]:
    """Run a statement that SQLite interrupts when it has taken too long."""
    end = time.monotonic() + SEARCH_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        return connection.execute(sql, arguments).fetchall()
    finally:
        connection.set_progress_handler(None, 0)


async def _in_thread(thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Run `work` to its end in the thread, even when the caller is cancelled: a connection is never left in use."""
    running = asyncio.get_running_loop().run_in_executor(thread, work)
    with translated:
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            raise
