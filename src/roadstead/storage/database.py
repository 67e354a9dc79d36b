"""What the rest of `storage` asks of a database, so that a second dialect is no second code path.

Statements are written once, with `?` for each argument. What a dialect spells its own way stands in `Dialect`.
`read` is for a few rows by key and may run where it is called; `scan` is for what may touch many rows and never
holds up other requests. All changes happen in a `transaction`, which is durable when its block has been left.
"""

from collections.abc import Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from roadstead.errors import InvalidInput
from roadstead.storage.waking import Wakers

SEARCH_SECONDS = 5.0
"""How long a caller's condition may be looked for: that of a million values takes half a second."""

LONG_LISTS = "long lists"
"""What callers have a turn for."""

Argument = str | int | float | bytes | Sequence[str] | None
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where SQL differs between databases.

    `name` is that in the names of migrations for it alone. `identity`, `bytes` and `text` are column types; text is
    compared by code points. `strings` selects each `value` and its `place` from one argument made by `pack_strings`,
    and `not_among` is a condition that `{column}` is none of them. `for_update` ends a select whose rows no other
    transaction shall change before this one has ended; `for_share` lets others hold them so, too, and `skip_locked`
    leaves out those that others hold. `refuse_change` is the body of a trigger that refuses. `reads_may_differ` says
    that of two reads, one right after the other, the second may see a state in which more has been committed;
    `conflicts_are_cheap` that many rows with `ON CONFLICT DO NOTHING` take no longer than to look first which are
    missing.
    """

    name: str
    identity: str
    bytes: str
    text: str
    strings: str
    not_among: str
    for_update: str
    for_share: str
    skip_locked: str
    refuse_change: str
    reads_may_differ: bool
    conflicts_are_cheap: bool


@dataclass(frozen=True, slots=True)
class Load:
    """How busy one process keeps its database: `connections` by their state, where these are counted, and how many
    requests are `waiting` for their turn.
    """

    waiting: int
    connections: Mapping[str, int] = field(default_factory=dict)


class Reader(Protocol):
    @property
    def dialect(self) -> Dialect: ...

    def pack_strings(self, strings: Sequence[str]) -> Argument:
        """Many strings as one argument for `dialect.strings`."""

    async def read(self, sql: str, *arguments: Argument) -> list[Row]:
        """The rows of a statement that finds a few of them by key."""

    async def scan(self, sql: str, *arguments: Argument) -> list[Row]:
        """The rows of a statement that may look at many of them."""

    async def search(self, sql: str, *arguments: Argument) -> list[Row]:
        """The rows of a statement that looks at many because a caller wants it so, in the caller's `Database.turn`.

        Raises `ListTakesTooLong` after `SEARCH_SECONDS`.
        """


class Transaction(Reader, Protocol):
    async def run(self, sql: str, *arguments: Argument) -> int:
        """Change a few rows; how many were changed."""

    async def run_bulk(self, sql: str, *arguments: Argument) -> int:
        """Change many rows, without holding up other requests; how many were changed."""

    async def run_many(self, sql: str, rows: Sequence[Sequence[Argument]]) -> None:
        """Run a statement once for each row of arguments, without holding up other requests.

        Raises `Unfit` when the schema refuses one.
        """

    async def insert(self, sql: str, *arguments: Argument) -> int:
        """Insert one row with a statement that ends in `RETURNING id`; its id.

        Raises `AlreadyThere` where a unique constraint is in the way.
        """

    async def go_on_after_ids(self, table: str) -> None:
        """Let the next id of the table come after those that its rows were given."""

    def wake(self, table: str) -> None:
        """Wake the queue of a table once this is committed."""


class AlreadyThere(Exception):
    """A unique constraint refused a row. Does not leave `storage`."""


class Unfit(Exception):
    """A row is none that the schema takes. Does not leave `storage`."""


class ListTakesTooLong(InvalidInput):
    """So many rows have to be looked at for a list that we do not."""

    def __init__(self) -> None:
        super().__init__(
            "The list takes too long.",
            f"Its rows were looked through for {SEARCH_SECONDS:g} seconds. Narrow the filter: compare with = where you "
            'can, or give a range beside it (value >= "A" AND value < "B"). Follow `next` instead of giving `page`.',
        )


class Lease(Protocol):
    """Holds a name among all processes on the same database until released or the process is gone."""

    async def release(self) -> None: ...


class Database(Reader, Protocol):
    def transaction(self, *, patience: float | None = None) -> AbstractAsyncContextManager[Transaction]:
        """All that is changed in the block, or nothing.

        Raises `StorageUnavailable` when the database cannot take it now, or does not within `patience` seconds;
        without it, within as many as a request may wait.
        """

    def snapshot(self) -> AbstractAsyncContextManager[Reader]:
        """Yield a reader that sees one committed state until the block ends, whatever others write meanwhile."""

    def turn(self, caller: Hashable) -> AbstractAsyncContextManager[None]:
        """Hold the caller's turn to search. Each has one at a time, and none waits for all that another wants.

        Raises `HostBusy` and `TooMuchAtOnce`.
        """

    async def version(self) -> int:
        """Return the version of what is remembered of callers and linkers (`storage/remembered.py`).

        It grows with each commit of a change of these, by any process. What was read under one version may be kept as
        long as the version is the same.
        """

    async def last_commit(self) -> object:
        """Return a value that differs once any process has committed anything; `None` where only reading tells that."""

    @property
    def wakers(self) -> Wakers:
        """The events that commits of this process set, one for each queue."""

    def load(self) -> Load:
        """How busy this process keeps it at this moment."""

    async def lease(self, name: str) -> Lease | None:
        """Take the lease of that name, or return `None` when another process holds it."""

    async def find_damage(self) -> str | None:
        """What is wrong inside the database, or `None`. Reads all of it."""

    async def is_empty(self) -> bool:
        """Whether no schema has ever been put into it."""

    async def migrate(self) -> None:
        """Bring the schema up to date."""

    async def close(self) -> None:
        """Finish what was accepted and let go of everything."""
