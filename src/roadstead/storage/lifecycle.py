"""The record of lifecycle calls: written before the call is made, completed by its outcome."""

from datetime import datetime
from typing import Literal

from roadstead.model import Installation, LifecycleCall
from roadstead.storage.database import Reader, Row, Transaction
from roadstead.storage.moments import from_text, to_text

_CALL = (
    "SELECT id, app_key, workspace_id, event, url, created_on, status, error, body, duration_ms, request "
    "FROM lifecycle_calls"
)


async def add_call(
    tx: Transaction,
    installation: Installation,
    event: Literal["installed", "uninstalled"],
    *,
    url: str,
    now: datetime,
) -> int:
    return await tx.insert(
        "INSERT INTO lifecycle_calls (workspace_id, installation_id, app_key, event, url, created_on) "
        "VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        installation.workspace.id,
        installation.id,
        installation.app_key,
        event,
        url,
        to_text(now),
    )


async def keep_outcome(
    tx: Transaction,
    call_id: int,
    *,
    request: str | None,
    status: int | None,
    error: str | None,
    body: str | None,
    duration_ms: int,
) -> None:
    await tx.run(
        "UPDATE lifecycle_calls SET request = ?, status = ?, error = ?, body = ?, duration_ms = ? WHERE id = ?",
        request,
        status,
        error,
        body,
        duration_ms,
        call_id,
    )


async def list_calls(reader: Reader, app_key: str, workspace_id: int) -> list[LifecycleCall]:
    """The last calls to the app, newest first, at most 50."""
    rows = await reader.read(
        f"{_CALL} WHERE app_key = ? AND workspace_id = ? ORDER BY id DESC LIMIT 50", app_key, workspace_id
    )
    return [_call(row) for row in rows]


async def find_call(reader: Reader, call_id: int) -> LifecycleCall | None:
    rows = await reader.read(f"{_CALL} WHERE id = ?", call_id)
    return _call(rows[0]) if rows else None


async def unsent_farewells(reader: Reader) -> list[tuple[int, int]]:
    """`uninstalled` calls that were promised but never made: their ids and their installations'."""
    rows = await reader.read(
        "SELECT id, installation_id FROM lifecycle_calls "
        "WHERE event = 'uninstalled' AND status IS NULL AND error IS NULL ORDER BY id"
    )
    return [(row[0], row[1]) for row in rows]


async def count_farewells(reader: Reader, *, promised_before: datetime) -> tuple[int, int, int]:
    """How many `uninstalled` calls were not made, how many of these were promised before a moment, how many failed."""
    ((waiting, early, failed),) = await reader.scan(
        """
        SELECT COUNT(CASE WHEN status IS NULL AND error IS NULL THEN 1 END),
               COUNT(CASE WHEN status IS NULL AND error IS NULL AND created_on < ? THEN 1 END),
               COUNT(CASE WHEN status IS NULL AND error IS NOT NULL OR status NOT BETWEEN 200 AND 299 THEN 1 END)
        FROM lifecycle_calls WHERE event = 'uninstalled'
        """,
        to_text(promised_before),
    )
    return waiting, early, failed


def _call(row: Row) -> LifecycleCall:
    identity, app_key, workspace_id, event, url, created_on, *outcome = row
    return LifecycleCall(identity, app_key, workspace_id, event, url, from_text(created_on), *outcome)
