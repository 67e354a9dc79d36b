"""The interface of a database to the rest of `storage`, so that a second dialect needs no second code path.

Statements are written once, with `?` for each argument; `Dialect` has what differs. `read` is for a few rows by key and
may run inline; `scan` is for statements that may touch many rows, and never delays other requests. All changes happen
in a `transaction`, which is durable when its block has ended.
"""

from collections.abc import Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from roadstead.errors import InvalidInput
from roadstead.storage.remembered import Versions
from roadstead.storage.waking import Wakers

BUSY_SECONDS = 10.0
"""How long a request waits for the database before it gets 503: for other writers, a locked row or a connection."""
SEARCH_SECONDS = 5.0
"""How long a search with a caller's condition may take: that of a million values takes half a second."""

LONG_LISTS = "long lists"
"""The work that callers take turns for."""

Argument = str | int | float | bytes | Sequence[str] | None
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Dialect:
    """The differences of SQL between databases.

    `name` is in the names of migrations for only this one. `identity`, `bytes` and `text` are column types; text is
    compared by code points. `strings` selects each `value` and its `place` from one argument made by `pack_strings`,
    and `not_among` is a condition that `{column}` is none of them. `joined` joins the values of a `{column}` into one
    text, separated by spaces. `for_update` ends a select whose rows are locked against changes until the transaction
    ends; `for_share` lets other transactions lock them in the same way, `for_key_share` locks them as a foreign key
    does, and `skip_locked` leaves out locked rows. `refuse_change` is the body of a trigger that refuses.
    `reads_may_differ`: of two consecutive reads, the second may see a later state. `conflicts_are_cheap`: a bulk
    `ON CONFLICT DO NOTHING` is as fast as filtering existing rows first.
    """

    name: str
    identity: str
    bytes: str
    text: str
    strings: str
    not_among: str
    joined: str
    for_update: str
    for_share: str
    for_key_share: str
    skip_locked: str
    refuse_change: str
    reads_may_differ: bool
    conflicts_are_cheap: bool


@dataclass(frozen=True, slots=True)
class Load:
    """The use of a database by one process: `connections` by their state, if these are counted, and how many requests
    are `waiting` for their turn.
    """

    waiting: int
    connections: Mapping[str, int] = field(default_factory=dict)


class Reader(Protocol):
    @property
    def dialect(self) -> Dialect: ...

    def pack_strings(self, strings: Sequence[str]) -> Argument:
        """Return many strings as one argument for `dialect.strings`."""

    async def read(self, sql: str, *arguments: Argument) -> list[Row]:
        """Return the rows of a statement that finds a few of them by key."""

    async def scan(self, sql: str, *arguments: Argument) -> list[Row]:
        """Return the rows of a statement that may read many of them."""

    async def search(self, sql: str, *arguments: Argument) -> list[Row]:
        """Return the rows of a statement that reads many for a caller's condition, in the caller's `Database.turn`.

        Raises `ListTakesTooLong` after `SEARCH_SECONDS`.
        """


class Transaction(Reader, Protocol):
    async def run(self, sql: str, *arguments: Argument) -> int:
        """Change a few rows; return their number."""

    async def run_bulk(self, sql: str, *arguments: Argument) -> int:
        """Change many rows, without delaying other requests; return their number."""

    async def run_many(self, sql: str, rows: Sequence[Sequence[Argument]]) -> None:
        """Run a statement once for each row of arguments, without delaying other requests.

        Raises `Unfit` when the schema refuses one.
        """

    async def insert(self, sql: str, *arguments: Argument) -> int:
        """Insert one row with a statement that ends in `RETURNING id`; return its id.

        Raises `AlreadyThere` when a unique constraint refuses it.
        """

    async def go_on_after_ids(self, table: str) -> None:
        """Make the next id of the table follow the highest one of its rows."""

    def wake(self, table: str) -> None:
        """Wake the queue of a table once this is committed."""


class AlreadyThere(Exception):
    """A unique constraint refused a row. Raised only inside `storage`."""


class Unfit(Exception):
    """The schema refuses a row. Raised only inside `storage`."""


class ListTakesTooLong(InvalidInput):
    """A list needs more rows read than the time allows."""

    def __init__(self) -> None:
        super().__init__(
            "The list takes too long.",
            f"Its rows were searched for {SEARCH_SECONDS:g} seconds. Narrow the filter: compare with = where you "
            'can, or give a range beside it (value >= "A" AND value < "B"). Follow `next` instead of giving `page`.',
        )


class Lease(Protocol):
    """Exclusive use of a name among all processes on the same database, until released or the process ends."""

    async def release(self) -> None: ...


class Database(Reader, Protocol):
    def transaction(self, *, patience: float | None = None) -> AbstractAsyncContextManager[Transaction]:
        """Make all changes of the block, or none.

        Raises `StorageUnavailable` when the database cannot store them now, or not within `patience` seconds; without
        it, within as many as a request may wait.
        """

    def snapshot(self) -> AbstractAsyncContextManager[Reader]:
        """Yield a reader that sees one committed state until the block ends, unaffected by later commits."""

    def turn(self, caller: Hashable) -> AbstractAsyncContextManager[None]:
        """Hold the caller's turn to search. Each caller has one at a time, and none waits for all searches of another.

        Raises `HostBusy` and `TooMuchAtOnce`.
        """

    async def version(self) -> int:
        """Return the version of the cache of callers and linkers (`storage/remembered.py`).

        It grows with each commit of a change of these, by any process. An entry that was read under one version is
        valid while the version is the same.
        """

    async def versions(self) -> Versions:
        """Return that version, and those of the other caches."""

    async def last_commit(self) -> object:
        """Return a value that differs once any process has committed; `None` if only reading tells that."""

    @property
    def wakers(self) -> Wakers:
        """Return the events that commits of this process set, one for each queue."""

    def load(self) -> Load:
        """Return this process's present use of the database."""

    async def lease(self, name: str) -> Lease | None:
        """Take the lease of that name, or return `None` when another process holds it."""

    async def find_damage(self) -> str | None:
        """Return a fault inside the database, or `None`. Reads all of it."""

    async def is_empty(self) -> bool:
        """Return whether it never had a schema."""

    async def migrate(self) -> None:
        """Bring the schema up to date."""

    async def close(self) -> None:
        """Finish accepted work and close all connections."""
