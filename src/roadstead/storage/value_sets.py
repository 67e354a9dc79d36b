"""Whole sets of values, for compiled linkers: all values of a linker, and the changes since.

Later additions are found by id, because ids only grow; single deletions are in `deleted_values` for a while. Replaced
sets are not recorded there: a reader that ends up with another number of values than `value_count` must read them all
again.
"""

from collections.abc import AsyncIterator
from typing import NamedTuple

from roadstead.model import Linker
from roadstead.storage import linkers
from roadstead.storage.database import Reader

_ITSELF = "installation_id = ? AND id = ?"
_ITS_ROWS = "installation_id = ? AND linker_id = ?"
_PART = 10_000
"""Values that are read at a time, a few milliseconds of work, so that other requests get their turn."""


class ValuesRead(NamedTuple):
    """The point up to which a linker's values have been read, and their number then."""

    revision: int
    last_id: int
    values: int


class ChangedValues(NamedTuple):
    """The deletions and additions since, in this order. If they lead to another number of values than `read.values`,
    there were changes that are not included.
    """

    read: ValuesRead
    added: list[str]
    deleted: list[str]


async def read_values(reader: Reader, linker: Linker) -> tuple[ValuesRead, set[str]]:
    """Return the linker's values, and the point up to which they have been read; many values in parts."""
    if linker.value_count <= linkers.FEW_ROWS:
        read, values = await all_values(reader, linker)
        return read, set(values)
    begun, found = await _how_far(reader, linker), set[str]()
    async for part in _parts(reader, linker):
        found.update(part)
    # A value that was replaced after its part was read is one too many, so the number tells.
    changes = await changed_values(reader, linker, begun)
    if changes is not None:
        found.difference_update(changes.deleted)
        found.update(changes.added)
        if len(found) == changes.read.values:
            return changes.read, found
    read, values = await all_values(reader, linker)
    return read, set(values)


async def _how_far(reader: Reader, linker: Linker) -> ValuesRead:
    itself = (linker.installation_id, linker.id)
    rows = await reader.read(
        f"SELECT revision, (SELECT COALESCE(MAX(id), 0) FROM linker_values WHERE {_ITS_ROWS}), value_count "
        f"FROM linkers WHERE {_ITSELF}",
        *itself,
        *itself,
    )
    return ValuesRead(*rows[0]) if rows else ValuesRead(0, 0, 0)


async def _parts(reader: Reader, linker: Linker) -> AsyncIterator[list[str]]:
    """Yield the linker's values in order, each part as it is when it is read."""
    after: str | None = ""
    while after is not None:
        # Joined by the database: for each row, a thread waits until it may run Python again, on a busy host 5 ms.
        ((count, last, joined),) = await reader.scan(
            f"SELECT COUNT(*), MAX(value), {reader.dialect.joined.format(column='value')} "
            f"FROM (SELECT value FROM linker_values WHERE {_ITS_ROWS} AND value > ? ORDER BY value LIMIT ?) AS part",
            linker.installation_id,
            linker.id,
            after,
            _PART,
        )
        yield joined.split() if joined else []
        after = last if count == _PART else None


async def all_values(reader: Reader, linker: Linker) -> tuple[ValuesRead, list[str]]:
    """Return the linker's values, and the point up to which they have been read."""
    # One statement, so that everything in it is of one moment.
    itself = (linker.installation_id, linker.id)
    fetch = reader.read if linker.value_count <= linkers.FEW_ROWS else reader.scan
    rows = await fetch(
        f"SELECT revision, (SELECT COALESCE(MAX(id), 0) FROM linker_values WHERE {_ITS_ROWS}), NULL FROM linkers "
        f"WHERE {_ITSELF} UNION ALL SELECT 0, 0, value FROM linker_values WHERE {_ITS_ROWS}",
        *itself,
        *itself,
        *itself,
    )
    values = [value for _, _, value in rows if value is not None]
    revision, last_id = next((row[:2] for row in rows if row[2] is None), (0, 0))
    return ValuesRead(revision, last_id, len(values)), values


async def changed_values(reader: Reader, linker: Linker, known: ValuesRead) -> ChangedValues | None:
    """Return the changes of the linker's values since they were read, or `None` if a few rows do not tell."""
    # As many were added as the number has grown by, and as many again as were deleted meanwhile.
    most_added = max(linker.value_count - known.values, 0) + linkers.DELETIONS_KEPT
    fetch = reader.read if most_added <= linkers.FEW_ROWS else reader.scan
    itself = (linker.installation_id, linker.id)
    rows = await fetch(
        f"SELECT 'linker', revision, value_count, '' FROM linkers WHERE {_ITSELF} UNION ALL "
        f"SELECT * FROM (SELECT 'added', id, 0, value FROM linker_values WHERE {_ITS_ROWS} AND id > ? ORDER BY id "
        "LIMIT ?) AS added UNION ALL "
        f"SELECT 'deleted', revision, 0, value FROM deleted_values WHERE {_ITS_ROWS} AND revision > ?",
        *itself,
        *itself,
        known.last_id,
        most_added + 1,
        *itself,
        known.revision,
    )
    revision, count = next((row[1:3] for row in rows if row[0] == "linker"), (known.revision, 0))
    added = [row for row in rows if row[0] == "added"]
    if len(added) > most_added:
        return None  # the rest might by chance be as many as were deleted with a replaced set
    last_id = max((row[1] for row in added), default=known.last_id)
    return ChangedValues(
        read=ValuesRead(revision, last_id, count),
        added=[row[3] for row in added],
        deleted=[row[3] for row in rows if row[0] == "deleted"],
    )


async def list_large_workspaces(reader: Reader, least: int) -> list[tuple[str, int]]:
    """Return the slugs of the workspaces whose linkers have more values than `least`, and how many; the most first."""
    rows = await reader.scan(
        "SELECT w.slug, CAST(SUM(l.value_count) AS BIGINT) AS value_count FROM linkers l "
        "JOIN installations i ON i.id = l.installation_id JOIN workspaces w ON w.id = i.workspace_id "
        "WHERE l.position IS NOT NULL GROUP BY w.slug HAVING SUM(l.value_count) > ? ORDER BY value_count DESC, w.slug",
        least,
    )
    return [(slug, count) for slug, count in rows]
