"""The record of lifecycle calls: written before the call is made, completed by its outcome.

Calls that may be repeated are a queue, and keep until then everything needed to make them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from roadstead.model import Installation, LifecycleCall
from roadstead.storage import Store
from roadstead.storage.database import Reader, Row, Transaction
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.queue import PENDING, make_due
from roadstead.storage.tables import LIFECYCLE_CALLS

TABLE = LIFECYCLE_CALLS.name

_MOST_LISTED = 50

_CALL = f"SELECT {LIFECYCLE_CALLS.of(LifecycleCall)} FROM lifecycle_calls"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The request without secrets, and its outcome: an answer, or an error."""

    request: str | None = None
    status: int | None = None
    error: str | None = None
    body: str | None = None
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class PendingCall:
    """The data of a call to make. `content` is the JSON text of its body; without a `secret` it is not signed.

    `descriptor_url` is that of the app, which may have no installation any more.
    """

    url: str
    descriptor_url: str
    content: str
    canonical: str
    secret: str | None = field(repr=False)


async def add_call(
    tx: Transaction,
    installation: Installation,
    event: Literal["installed", "uninstalled"],
    *,
    url: str,
    now: datetime,
) -> int:
    statement = LIFECYCLE_CALLS.insert(
        "RETURNING id",
        workspace_id=installation.workspace.id,
        installation_id=installation.id,
        app_key=installation.app_key,
        event=event,
        url=url,
        created_on=to_text(now),
    )
    return await tx.insert(*statement)


async def queue_call(
    tx: Transaction,
    call_id: int,
    *,
    descriptor_url: str,
    content: str,
    canonical: str,
    sealed_secret: bytes | None,
    now: datetime,
) -> None:
    """Make the call due: any process may make it from now on."""
    await tx.run(
        "UPDATE lifecycle_calls SET descriptor_url = ?, content = ?, canonical = ?, secret = ? WHERE id = ?",
        descriptor_url,
        content,
        canonical,
        sealed_secret,
        call_id,
    )
    await make_due(tx, TABLE, call_id, now)


async def find_pending_call(store: Store, call_id: int) -> PendingCall | None:
    rows = await store.database.read(
        f"SELECT {LIFECYCLE_CALLS.of(PendingCall)} FROM lifecycle_calls WHERE id = ? AND content IS NOT NULL", call_id
    )
    if not rows:
        return None
    url, descriptor_url, content, canonical, secret = rows[0]
    opened = None if secret is None else store.secrets.open(secret)
    # The previous release did not store the app's descriptor URL.
    return PendingCall(url, descriptor_url or url, content, canonical, opened)


async def keep_outcome(tx: Transaction, call_id: int, outcome: Outcome) -> None:
    await tx.run(
        "UPDATE lifecycle_calls SET request = ?, status = ?, error = ?, body = ?, duration_ms = ? WHERE id = ?",
        outcome.request,
        outcome.status,
        outcome.error,
        outcome.body,
        outcome.duration_ms,
        call_id,
    )


async def drop_content(tx: Transaction, call_id: int) -> None:
    """Delete the data of a call that will not be repeated."""
    await tx.run("UPDATE lifecycle_calls SET content = NULL, canonical = NULL, secret = NULL WHERE id = ?", call_id)


async def list_calls(reader: Reader, app_key: str, workspace_id: int) -> list[LifecycleCall]:
    """Return the last calls to the app, the newest first."""
    rows = await reader.read(
        f"{_CALL} WHERE app_key = ? AND workspace_id = ? ORDER BY id DESC LIMIT ?", app_key, workspace_id, _MOST_LISTED
    )
    return [_call(row) for row in rows]


async def find_call(reader: Reader, call_id: int) -> LifecycleCall | None:
    rows = await reader.read(f"{_CALL} WHERE id = ?", call_id)
    return _call(rows[0]) if rows else None


async def list_pending_calls(reader: Reader, limit: int) -> list[LifecycleCall]:
    """Return the pending calls and those that were given up, the oldest first."""
    rows = await reader.scan(f"{_CALL} WHERE {PENDING} ORDER BY id LIMIT ?", limit)
    return [_call(row) for row in rows]


def _call(row: Row) -> LifecycleCall:
    identity, app_key, workspace_id, event, url, created_on, *outcome = row[:12]
    moments = [None if text is None else from_text(text) for text in row[12:]]
    return LifecycleCall(identity, app_key, workspace_id, event, url, from_text(created_on), *outcome, *moments)
