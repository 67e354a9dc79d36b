"""What happened. A row is added in the transaction of the change that it tells of."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from roadstead.pushed import Event
from roadstead.storage.database import Reader, Row, Transaction
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import EVENTS

_REMOVED_AT_ONCE = 5_000


async def add_event(
    tx: Transaction,
    key: str,
    *,
    workspace_id: int,
    repository_id: int | None,
    user_id: int | None,
    installation_id: int | None,
    now: datetime,
    payload: Mapping[str, Any],
) -> int:
    """Add an event, caused by a user or an installation; return its id.

    It is pending until its deliveries are stored, for which the commit wakes the dispatcher.
    """
    statement = EVENTS.insert(
        "RETURNING id",
        key=key,
        workspace_id=workspace_id,
        repository_id=repository_id,
        user_id=user_id,
        installation_id=installation_id,
        time=to_text(now),
        payload=msgspec.json.encode(payload).decode(),
        is_pending=1,
    )
    tx.wake(EVENTS.name)
    return await tx.insert(*statement)


async def list_events(reader: Reader, repository_id: int) -> list[Event]:
    """Return the events of a repository, the oldest first."""
    columns = EVENTS.of(Event)
    rows = await reader.scan(f"SELECT {columns} FROM events WHERE repository_id = ? ORDER BY id", repository_id)
    return [_event(row) for row in rows]


async def newest_event(reader: Reader) -> int:
    """Return the id of the newest event; 0 if there is none."""
    ((newest,),) = await reader.read("SELECT COALESCE(MAX(id), 0) FROM events")
    return int(newest)


async def list_events_after(reader: Reader, event_id: int, limit: int) -> list[Event]:
    """Return the events that came after one, the oldest first."""
    columns = EVENTS.of(Event)
    rows = await reader.read(f"SELECT {columns} FROM events WHERE id > ? ORDER BY id LIMIT ?", event_id, limit)
    return [_event(row) for row in rows]


async def list_pending_events(reader: Reader, limit: int) -> list[Event]:
    """Return the events whose deliveries are not stored yet, the oldest first."""
    columns = EVENTS.of(Event)
    rows = await reader.read(f"SELECT {columns} FROM events WHERE is_pending = 1 ORDER BY id LIMIT ?", limit)
    return [_event(row) for row in rows]


async def newest_pending_event(reader: Reader, workspace_id: int) -> int:
    """Return the id of the newest event of a workspace whose deliveries are not stored yet; 0 if there is none."""
    ((newest,),) = await reader.read(
        "SELECT COALESCE(MAX(id), 0) FROM events WHERE is_pending = 1 AND workspace_id = ?", workspace_id
    )
    return int(newest)


async def end_pending(tx: Transaction, events: Sequence[Event]) -> set[int]:
    """Mark events as dispatched. Return the ids of those that no other process had marked before."""
    packed = tx.pack_strings([str(event.id) for event in events])
    rows = await tx.read(
        "UPDATE events SET is_pending = 0 WHERE is_pending = 1 AND id IN "
        f"(SELECT CAST(value AS BIGINT) FROM ({tx.dialect.strings}) AS packed) RETURNING id",
        packed,
    )
    return {row[0] for row in rows}


async def remove_old_events(tx: Transaction, *, keep: int, before: datetime) -> None:
    """Remove the oldest events that were dispatched, some at a time: all but the last `keep`, and those of before.

    The newest one stays: without it, the database would look older than the repositories (`marks.py`).
    """
    await tx.run_bulk(
        "DELETE FROM events WHERE (time < ? OR id <= (SELECT MAX(id) FROM events) - ?) "
        "AND id < (SELECT MAX(id) FROM events) "
        "AND id IN (SELECT id FROM events WHERE is_pending = 0 ORDER BY id LIMIT ?)",
        to_text(before),
        keep,
        _REMOVED_AT_ONCE,
    )


def _event(row: Row) -> Event:
    event_id, key, workspace_id, repository_id, user_id, installation_id, time, payload = row
    decoded = msgspec.json.decode(payload)
    return Event(event_id, key, workspace_id, repository_id, user_id, installation_id, from_text(time), decoded)
