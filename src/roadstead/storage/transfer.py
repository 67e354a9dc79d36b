"""The whole state row by row, for `export` and `import`: which tables travel, and what of them is secret."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from roadstead.errors import InvalidInput
from roadstead.storage import Store
from roadstead.storage.database import Argument, Reader, Row, Transaction, Unfit
from roadstead.storage.sealing import Seal, sealer

PAGE = 5_000
"""Rows read at a time, so that memory is bounded whatever the state holds."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that travels. Its rows are read in the order of its `key`, by which the database finds them.

    `sealed` columns hold encrypted secrets. `unsafe` ones hold what an app answered, which may repeat a secret.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    sealed: frozenset[str] = frozenset()
    unsafe: frozenset[str] = frozenset()


def _table(name: str, columns: str, *, key: str = "", sealed: str = "", unsafe: str = "") -> Table:
    """The key is the first column, unless another is named."""
    first, *_ = names = columns.split()
    return Table(
        name, tuple(names), tuple(key.split()) or (first,), frozenset(sealed.split()), frozenset(unsafe.split())
    )


TABLES = (
    _table("facts", "name value"),
    _table("workspaces", "id slug uuid name created_on"),
    _table("registrations", "app_key descriptor_url shared_secret created_on", sealed="shared_secret"),
    _table(
        "installations",
        "id workspace_id app_key client_key state descriptor_url descriptor shared_secret installed_on updated_on",
        sealed="shared_secret",
    ),
    # A handshake that was under way is undone by the host that finds it, as after a crash.
    _table(
        "handshakes",
        "installation_id started_on previous_state previous_descriptor_url previous_descriptor previous_secret",
        sealed="previous_secret",
    ),
    _table(
        "offers",
        "id workspace_id app_key client_key descriptor_url descriptor secret offered_on",
        sealed="secret",
    ),
    _table("retired_secrets", "installation_id secret", sealed="secret"),
    _table("linkers", "id installation_id key position regex url value_count revision"),
    _table("linker_values", "id installation_id linker_id value", key="linker_id id"),
    _table("api_tokens", "id name token_hash created_on expires_on"),
    _table(
        "lifecycle_calls",
        "id workspace_id installation_id app_key event url created_on status error body duration_ms request "
        "content canonical secret attempts due_on claimed_until given_up_on descriptor_url",
        sealed="secret",
        unsafe="body",
    ),
    _table(
        "audit_runs",
        "installation_id action about began_on last_on repeats details",
        key="installation_id action about",
    ),
    _table("audit_log", "id time actor action subject details"),
)
"""In the order in which they can be filled: a row comes after those that it refers to."""

LEFT_OUT = {
    "access_tokens": "They live for an hour at most, and the app exchanges its JWT for another.",
    "deleted_values": "They are for hosts that have read the linkers' values before.",
    "remembered": "It tells the new database's processes when to read anew.",
    "requests": "They tell what went on at one host.",
    "migrations": "The new database has its own.",
    "sealing_key": "The new host has a key of its own.",
    "sessions": "Signing in belongs to one host.",
}


async def count_rows(reader: Reader, table: Table) -> int:
    ((count,),) = await reader.scan(f"SELECT COUNT(*) FROM {table.name}")
    return int(count)


async def find_filled_tables(reader: Reader) -> list[str]:
    """Return the names of the tables that are not empty."""
    return [table.name for table in TABLES if await reader.read(f"SELECT 1 FROM {table.name} LIMIT 1")]


async def read_pages(
    store: Store, reader: Reader, table: Table, *, with_secrets: bool
) -> AsyncIterator[Sequence[Sequence[Argument]]]:
    """All rows, some thousand at a time. Secrets are in the clear, or empty when they are to stay here.

    Raises `StorageUnusable` when a secret that is wanted was sealed with another key.
    """
    key = ", ".join(table.key)
    places = [table.columns.index(column) for column in table.key]
    select = f"SELECT {', '.join(table.columns)} FROM {table.name}"
    after = f"({key}) > ({', '.join('?' * len(places))})"
    rows = await reader.scan(f"{select} ORDER BY {key} LIMIT {PAGE}")
    while rows:
        yield [_in_the_clear(store, table, row, with_secrets=with_secrets) for row in rows]
        last = [rows[-1][place] for place in places]
        rows = await reader.scan(f"{select} WHERE {after} ORDER BY {key} LIMIT {PAGE}", *last)


def _in_the_clear(store: Store, table: Table, row: Row, *, with_secrets: bool) -> Sequence[Argument]:
    if not table.sealed and not table.unsafe:
        return row
    cells: list[Argument] = []
    for column, cell in zip(table.columns, row, strict=True):
        if cell is not None and column in table.sealed:
            cells.append(store.secrets.open(cell) if with_secrets else "")
        elif column in table.unsafe and not with_secrets:
            cells.append(None)
        else:
            cells.append(cell)
    return cells


async def add_rows(
    store: Store,
    tx: Transaction,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[Sequence[Argument]],
    *,
    make_secret: Callable[[], str],
) -> None:
    """Add rows of those columns; `make_secret` makes one for each that was left out.

    Raises `InvalidInput` when the table cannot hold them.
    """
    places = [place for place, column in enumerate(columns) if column in table.sealed]
    if places:
        seal = await sealer(store.secrets, tx)
        rows = [_sealed(seal, row, places, make_secret) for row in rows]
    marks = ", ".join("?" * len(columns))
    try:
        await tx.run_many(
            f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})",
            rows,
        )
    except Unfit as exc:
        raise InvalidInput(
            "The export does not fit together.", f"In {table.name}: {exc}. Nothing was imported."
        ) from exc


async def go_on_after_ids(tx: Transaction) -> None:
    """Let what is added from here on have higher ids than the rows that came with theirs."""
    for table in TABLES:
        if "id" in table.columns:
            await tx.go_on_after_ids(table.name)


def _sealed(
    seal: Seal, row: Sequence[Argument], places: Sequence[int], make_secret: Callable[[], str]
) -> Sequence[Argument]:
    cells = list(row)
    for place in places:
        if cells[place] is not None:
            cells[place] = seal(str(cells[place] or make_secret()))
    return cells
