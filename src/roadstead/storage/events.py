"""What happened. A row is added in the transaction of the change that it tells of."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from roadstead.pushed import Event
from roadstead.storage.database import Reader, Row, Transaction
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import EVENTS


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
    """Add an event, caused by a user or an installation; return its id."""
    statement = EVENTS.insert(
        "RETURNING id",
        key=key,
        workspace_id=workspace_id,
        repository_id=repository_id,
        user_id=user_id,
        installation_id=installation_id,
        time=to_text(now),
        payload=msgspec.json.encode(payload).decode(),
    )
    return await tx.insert(*statement)


async def list_events(reader: Reader, repository_id: int) -> list[Event]:
    """Return the events of a repository, the oldest first."""
    columns = EVENTS.of(Event)
    rows = await reader.scan(f"SELECT {columns} FROM events WHERE repository_id = ? ORDER BY id", repository_id)
    return [_event(row) for row in rows]


def _event(row: Row) -> Event:
    event_id, key, workspace_id, repository_id, user_id, installation_id, time, payload = row
    decoded = msgspec.json.decode(payload)
    return Event(event_id, key, workspace_id, repository_id, user_id, installation_id, from_text(time), decoded)
