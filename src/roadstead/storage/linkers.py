"""Linkers and their values.

`linkers.value_count` is stored beside the values, in the transaction that changes them: counting a million rows for
every page would cost more than the page. `linkers.revision` grows with every change, so that a process with compiled
linkers knows when they are old, and reads the changes (`storage/value_sets.py`). Single deletions are in
`deleted_values` for a while.

A transaction that changes a linker's values locks the linker first, until its end. So each of several concurrent ones
sees the result of the one before, and ids grow in the order in which the values become visible.

Every statement names the installation, although the linker's id would suffice: in a distributed database, the
installation tells which machine has the rows.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from roadstead.listing import PageRequest, Slice
from roadstead.model import VALUE_LIST, Linker, LinkerValue
from roadstead.storage import Store
from roadstead.storage.database import Argument, Database, Reader, Transaction
from roadstead.storage.filters import Clause
from roadstead.storage.listing import Source, read_page
from roadstead.storage.tables import DELETED_VALUES, LINKER_VALUES, LINKERS

if TYPE_CHECKING:
    from roadstead.connect import LinkerModule

_LINKER = f"SELECT {LINKERS.of(Linker)} FROM linkers"
_VALUE = LINKER_VALUES.of(LinkerValue)
_INTO_VALUES = LINKER_VALUES.into
_VALUE_BY_ID = f"""
    SELECT {LINKER_VALUES.of(LinkerValue, "v")} FROM linkers l
    JOIN linker_values v ON v.installation_id = l.installation_id AND v.linker_id = l.id
    WHERE l.installation_id = ? AND l.key = ? AND l.position IS NOT NULL AND v.id = ?
"""
_BY_KEY = "WHERE installation_id = ? AND key = ? AND position IS NOT NULL"
_ITSELF = "installation_id = ? AND id = ?"
_ITS_ROWS = "installation_id = ? AND linker_id = ?"
FEW_ROWS = 2_000
"""Statements that may read more rows than this run in a thread instead of the event loop."""
_INSTALLATIONS_AT_ONCE = 500
DELETIONS_KEPT = 1_000
"""Of single values, for each linker."""


async def list_linkers(reader: Reader, installation_id: int) -> list[Linker]:
    """Return the installation's linkers in the order of its descriptor."""
    rows = await reader.read(
        f"{_LINKER} WHERE installation_id = ? AND position IS NOT NULL ORDER BY position", installation_id
    )
    return [Linker(*row) for row in rows]


async def find_linker(reader: Reader, installation_id: int, key: str) -> Linker | None:
    rows = await reader.read(f"{_LINKER} {_BY_KEY}", installation_id, key)
    return Linker(*rows[0]) if rows else None


async def take_linker(tx: Transaction, installation_id: int, key: str) -> Linker | None:
    """Lock and return the linker, to change its values."""
    rows = await tx.read(f"{_LINKER} {_BY_KEY}{tx.dialect.for_update}", installation_id, key)
    return Linker(*rows[0]) if rows else None


async def recall_linker(store: Store, installation_id: int, key: str) -> Linker | None:
    """Return the result of `find_linker` outside a transaction, read once until the next commit."""
    known = await store.memory.latest()
    linker: Linker | None = known.get((installation_id, key))
    if linker is None:
        linker = await find_linker(store.database, installation_id, key)
        if linker is not None:
            known[installation_id, key] = linker
    return linker


async def list_linkers_of(reader: Reader, installation_ids: Sequence[int]) -> list[Linker]:
    """Return the linkers of several installations, in their order."""
    found: list[Linker] = []
    for some in _some_at_once(installation_ids):
        rows = await reader.read(
            f"{_LINKER} WHERE installation_id IN ({_marks(some)}) AND position IS NOT NULL ORDER BY position",
            *some,
        )
        places = {installation_id: place for place, installation_id in enumerate(some)}
        found += sorted((Linker(*row) for row in rows), key=lambda linker: places[linker.installation_id])
    return found


async def revision_of(reader: Reader, installation_ids: Sequence[int]) -> int:
    """Return a number that changes with the values, and with the set, of these installations' linkers."""
    revision = 0
    for some in _some_at_once(installation_ids):
        rows = await reader.read(
            "SELECT CAST(COALESCE(SUM(revision + 1), 0) AS BIGINT) FROM linkers "
            f"WHERE installation_id IN ({_marks(some)}) AND position IS NOT NULL",
            *some,
        )
        revision += rows[0][0]
    return revision


def _some_at_once(installation_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(installation_ids), _INSTALLATIONS_AT_ONCE):
        yield installation_ids[start : start + _INSTALLATIONS_AT_ONCE]


def _marks(arguments: Sequence[object]) -> str:
    return ", ".join("?" * len(arguments))


async def find_value(reader: Reader, installation_id: int, linker_key: str, value_id: int) -> LinkerValue | None:
    rows = await reader.read(_VALUE_BY_ID, installation_id, linker_key, value_id)
    return LinkerValue(*rows[0]) if rows else None


async def add_each(tx: Transaction, linker: Linker, values: Sequence[str]) -> dict[str, LinkerValue]:
    """Add the values that the linker does not have yet, in this order; return them by value."""
    rows = await tx.read(
        f"{_INTO_VALUES} SELECT ?, ?, incoming.value FROM ({tx.dialect.strings}) AS incoming WHERE true "
        "ON CONFLICT DO NOTHING RETURNING id, value",
        linker.installation_id,
        linker.id,
        tx.pack_strings(values),
    )
    if rows:
        await _add_to_count(tx, linker, len(rows))
    return {value: LinkerValue(identity, value) for identity, value in rows}


async def add_values(tx: Transaction, linker: Linker, values: Sequence[str]) -> int:
    """Add the values that do not exist yet; return their number."""
    packed = tx.pack_strings(values)
    added = await _insert_missing(tx, linker, packed)
    if added:
        await _add_to_count(tx, linker, added)
    return added


async def replace_values(tx: Transaction, linker: Linker, values: Sequence[str]) -> bool:
    """Make the set exactly `values`, each given once, by set difference, so that values which stay keep their ids.

    Returns whether that changed anything.
    """
    packed, kept = tx.pack_strings(values), linker.value_count
    if kept:
        kept -= await tx.run_bulk(
            f"DELETE FROM linker_values WHERE {_ITS_ROWS} AND {tx.dialect.not_among.format(column='value')}",
            linker.installation_id,
            linker.id,
            packed,
        )
    if kept < len(values):  # equal numbers mean equal sets, and sets are often put unchanged
        await _insert_missing(tx, linker, packed)
    changed = kept < max(linker.value_count, len(values))
    if changed:
        await _set_count(tx, linker, len(values))
    return changed


async def _insert_missing(tx: Transaction, linker: Linker, packed: Argument) -> int:
    itself = (linker.installation_id, linker.id)
    new = "true"
    known: tuple[int, ...] = ()
    if not tx.dialect.conflicts_are_cheap:
        known = itself
        new = (
            "NOT EXISTS (SELECT 1 FROM linker_values AS there "
            "WHERE there.installation_id = ? AND there.linker_id = ? "
            "AND there.value = incoming.value) ORDER BY incoming.place"
        )
    return await tx.run_bulk(
        f"{_INTO_VALUES} SELECT ?, ?, incoming.value FROM ({tx.dialect.strings}) AS incoming WHERE {new} "
        "ON CONFLICT DO NOTHING",
        *itself,
        packed,
        *known,
    )


async def delete_value(tx: Transaction, linker: Linker, value_id: int) -> str | None:
    """Delete a value; return it, or `None` if there is none of that id."""
    itself = (linker.installation_id, linker.id)
    found = await tx.read(f"SELECT value FROM linker_values WHERE {_ITS_ROWS} AND id = ?", *itself, value_id)
    if not found:
        return None
    value: str = found[0][0]
    await tx.run(f"DELETE FROM linker_values WHERE {_ITS_ROWS} AND id = ?", *itself, value_id)
    await _add_to_count(tx, linker, -1)
    deleted = DELETED_VALUES.insert(
        installation_id=linker.installation_id, linker_id=linker.id, revision=linker.revision + 1, value=value
    )
    await tx.run(*deleted)
    await tx.run(
        f"DELETE FROM deleted_values WHERE {_ITS_ROWS} AND revision <= ?",
        *itself,
        linker.revision + 1 - DELETIONS_KEPT,
    )
    return value


async def delete_values(tx: Transaction, linker: Linker) -> None:
    await tx.run_bulk(f"DELETE FROM linker_values WHERE {_ITS_ROWS}", linker.installation_id, linker.id)
    await _set_count(tx, linker, 0)


async def _add_to_count(tx: Transaction, linker: Linker, number: int) -> None:
    await tx.run(
        f"UPDATE linkers SET value_count = value_count + ?, revision = revision + 1 WHERE {_ITSELF}",
        number,
        linker.installation_id,
        linker.id,
    )


async def _set_count(tx: Transaction, linker: Linker, number: int) -> None:
    await tx.run(
        f"UPDATE linkers SET value_count = ?, revision = revision + 1 WHERE {_ITSELF}",
        number,
        linker.installation_id,
        linker.id,
    )


# What a descriptor declares


async def declare_linkers(tx: Transaction, installation_id: int, modules: "Sequence[LinkerModule]") -> None:
    """Make the linkers those of a descriptor. Others lose their place but keep their values for now."""
    await tx.run(
        "UPDATE linkers SET position = NULL, revision = revision + 1 WHERE installation_id = ?", installation_id
    )
    for position, module in enumerate(modules):
        statement = LINKERS.insert(
            "ON CONFLICT (installation_id, key) DO UPDATE SET "
            "position = excluded.position, regex = excluded.regex, url = excluded.url",
            installation_id=installation_id,
            key=module.key,
            position=position,
            regex=module.regex,
            url=module.url,
        )
        await tx.run(*statement)


async def drop_undeclared_linkers(tx: Transaction, installation_id: int) -> None:
    """Delete the linkers that the descriptor no longer declares, with their values."""
    await tx.run_bulk("DELETE FROM linkers WHERE installation_id = ? AND position IS NULL", installation_id)


async def drop_linkers(tx: Transaction, installation_id: int) -> None:
    """Delete all linkers of the installation, with their values."""
    await tx.run_bulk("DELETE FROM linkers WHERE installation_id = ?", installation_id)


# Looking through them in order

_LAST_CHARACTER = "\U0010ffff"


async def values_beginning(
    reader: Reader, linker: Linker, text: str, *, after: str = "", before: str = "", limit: int
) -> list[LinkerValue]:
    """Return at most `limit` values with this beginning, in order: those after a value, or those before one."""
    # One bound on each side: of two on the same side SQLite starts at the first, and walks to the other.
    least, most = ("value >= ?", text), ("value <= ?", text + _LAST_CHARACTER)
    if after > text:
        least = ("value > ?", after)
    if before and before < most[1]:
        most = ("value < ?", before)
    rows = await reader.read(
        f"SELECT {_VALUE} FROM linker_values WHERE {_ITS_ROWS} AND {least[0]} AND {most[0]} "
        f"ORDER BY value {'DESC' if before else 'ASC'} LIMIT ?",
        linker.installation_id,
        linker.id,
        least[1],
        most[1],
        limit,
    )
    found = [LinkerValue(*row) for row in rows]
    return found[::-1] if before else found


async def count_values_beginning(reader: Reader, linker: Linker, text: str, most: int) -> int:
    """Return how many values have this beginning, counted no further than `most`."""
    rows = await reader.scan(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM linker_values WHERE {_ITS_ROWS} AND value >= ? AND value <= ? LIMIT ?) "
        "AS found",
        linker.installation_id,
        linker.id,
        text,
        text + _LAST_CHARACTER,
        most,
    )
    return int(rows[0][0]) if rows else 0


# Pages


async def page_of_values(database: Database, linker: Linker, wanted: PageRequest) -> Slice[LinkerValue]:
    """Return a page of the linker's values, with their number at that moment.

    Raises `InvalidInput` for a forged cursor, or a filter that takes too long.
    """
    if not _is_wide(linker, wanted):
        return await _page_of_one_moment(database, linker, wanted, wide=False)
    async with database.turn(linker.installation_id):
        return await _page_of_one_moment(database, linker, wanted, wide=True)


def _is_wide(linker: Linker, wanted: PageRequest) -> bool:
    """Return whether the page needs many rows read."""
    if linker.value_count <= FEW_ROWS:
        return False
    if wanted.filter is not None:
        return True
    return not wanted.has_cursor and FEW_ROWS < wanted.skip < linker.value_count - wanted.length - FEW_ROWS


async def _page_of_one_moment(
    database: Database, linker: Linker, wanted: PageRequest, *, wide: bool
) -> Slice[LinkerValue]:
    page, revision = await _read_page(database, linker, wanted, wide=wide)
    if revision == linker.revision:
        return page
    async with database.snapshot() as snapshot:
        rows = await snapshot.read(f"{_LINKER} WHERE {_ITSELF}", linker.installation_id, linker.id)
        now = Linker(*rows[0]) if rows else replace(linker, value_count=0)
        return (await _read_page(snapshot, now, wanted, wide=wide))[0]


async def _read_page(
    reader: Reader, linker: Linker, wanted: PageRequest, *, wide: bool
) -> tuple[Slice[LinkerValue], int | None]:
    """Return the page, and the linker's revision when it was read: `linker` has the number of its own revision's
    values.
    """
    itself = (linker.installation_id, linker.id)
    source = Source("linker_values", _VALUE, Clause(_ITS_ROWS, itself))
    if reader.dialect.reads_may_differ:
        source = replace(source, more=Clause(f", (SELECT revision FROM linkers WHERE {_ITSELF})", itself))
    fetch = reader.search if wide else reader.read
    page = await read_page(fetch, source, VALUE_LIST, wanted, size=linker.value_count)
    if not reader.dialect.reads_may_differ:
        return page.of([LinkerValue(*row) for row in page.items]), linker.revision
    revision: int | None = linker.revision
    if wanted.has_cursor or wanted.skip < page.size:
        revision = page.items[0][2] if page.items else None
    return page.of([LinkerValue(*row[:2]) for row in page.items]), revision
