"""The whole state row by row, for `export`, `import` and `migrate-data`."""

from collections.abc import AsyncIterator, Callable, Sequence

from roadstead.errors import InvalidInput
from roadstead.storage import Store
from roadstead.storage.database import Argument, Reader, Row, Transaction, Unfit
from roadstead.storage.sealing import Seal, sealer
from roadstead.storage.tables import PUSHES, TRAVELLING, Table

PAGE = 5_000
"""Rows read at a time, so that memory is bounded for any state."""


async def count_rows(reader: Reader) -> int:
    """Return the number of exported rows."""
    return sum([(await reader.scan(f"SELECT COUNT(*) FROM {table.name}"))[0][0] for table in TRAVELLING])


async def repository_ids(reader: Reader) -> dict[str, int]:
    """Return the ids of all repositories by UUID. Their files travel with the rows."""
    return dict(await reader.scan("SELECT uuid, id FROM repositories ORDER BY id"))


async def download_files(reader: Reader) -> list[tuple[str, str]]:
    """Return the UUID of the repository, and the name on the machine, of each file for downloading."""
    return list(
        await reader.scan(
            "SELECT r.uuid, d.file FROM downloads d JOIN repositories r ON r.id = d.repository_id ORDER BY d.id"
        )
    )


async def find_filled_tables(reader: Reader) -> list[str]:
    """Return the names of the tables that have more rows than the migrations made."""
    return [
        table.name
        for table in TRAVELLING
        if await reader.read(f"SELECT 1 FROM {table.name} LIMIT 1 OFFSET ?", table.first_rows)
    ]


async def read_pages(
    store: Store, reader: Reader, table: Table, *, with_secrets: bool
) -> AsyncIterator[Sequence[Sequence[Argument]]]:
    """Yield all rows, some thousand at a time. Secrets are in the clear, or empty when they are left out.

    Raises `StorageUnusable` when a requested secret was sealed with another key.
    """
    key = ", ".join(table.key)
    places = [table.travelling.index(column) for column in table.key]
    select = f"SELECT {', '.join(table.travelling)} FROM {table.name}"
    after = f"({key}) > ({', '.join('?' * len(places))})"
    rows = await reader.scan(f"{select} ORDER BY {key} LIMIT ?", PAGE)
    while rows:
        yield [_in_the_clear(store, table, row, with_secrets=with_secrets) for row in rows]
        last = [rows[-1][place] for place in places]
        rows = await reader.scan(f"{select} WHERE {after} ORDER BY {key} LIMIT ?", *last, PAGE)


def _in_the_clear(store: Store, table: Table, row: Row, *, with_secrets: bool) -> Sequence[Argument]:
    if not table.sealed and not table.unsafe:
        return row
    cells: list[Argument] = []
    for column, cell in zip(table.travelling, row, strict=True):
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
    try:
        await tx.run_many(f"{table.adding(columns)}{table.replacing(columns)}", rows)
    except Unfit as exc:
        raise InvalidInput(
            "The rows of the export do not fit together.", f"In {table.name}: {exc}. Nothing was imported."
        ) from exc


async def go_on_after_ids(tx: Transaction) -> None:
    """Make the ids of later additions follow those of the imported rows."""
    for table in TRAVELLING:
        if "id" in table.columns and table is not PUSHES:  # whose ids are no numbers
            await tx.go_on_after_ids(table.name)


def _sealed(
    seal: Seal, row: Sequence[Argument], places: Sequence[int], make_secret: Callable[[], str]
) -> Sequence[Argument]:
    cells = list(row)
    for place in places:
        if cells[place] is not None:
            cells[place] = seal(str(cells[place] or make_secret()))
    return cells
