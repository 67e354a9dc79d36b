"""The audit log: rows are added in the transaction of the change they tell of and never altered."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from roadstead.model import AuditEntry
from roadstead.storage.database import Reader, Transaction
from roadstead.storage.moments import from_text, to_text

Details = Mapping[str, str | int | None]


async def add_entry(tx: Transaction, *, actor: str, action: str, subject: str, details: Details, now: datetime) -> None:
    """`details` must never hold a secret."""
    await tx.run(
        "INSERT INTO audit_log (time, actor, action, subject, details) VALUES (?, ?, ?, ?, ?)",
        to_text(now),
        actor,
        action,
        subject,
        msgspec.json.encode(details).decode(),
    )


async def add_installation_entry(
    tx: Transaction, installation_id: int, *, actor: str | None, action: str, details: Details, now: datetime
) -> None:
    """An entry whose subject is the installation, as `workspace/app key`; without an actor the app itself acted."""
    await tx.run(
        "INSERT INTO audit_log (time, actor, action, subject, details) "
        "SELECT ?, COALESCE(?, 'app ' || i.app_key || ' ' || i.client_key), ?, w.slug || '/' || i.app_key, ? "
        "FROM installations i JOIN workspaces w ON w.id = i.workspace_id WHERE i.id = ?",
        to_text(now),
        actor,
        action,
        msgspec.json.encode(details).decode(),
        installation_id,
    )


async def latest_entries(reader: Reader, limit: int, skip: int = 0, *, without: Sequence[str] = ()) -> list[AuditEntry]:
    """The newest first, without the first `skip` of them, and without entries of the actions in `without`."""
    condition = f"WHERE action NOT IN ({', '.join('?' for _ in without)}) " if without else ""
    rows = await reader.scan(
        f"SELECT id, time, actor, action, subject, details FROM audit_log {condition}ORDER BY id DESC LIMIT ? OFFSET ?",
        *without,
        limit,
        skip,
    )
    return [
        AuditEntry(identity, from_text(time), actor, action, subject, msgspec.json.decode(details))
        for identity, time, actor, action, subject, details in rows
    ]


async def count_entries(reader: Reader) -> int:
    rows = await reader.scan("SELECT COUNT(*) FROM audit_log")
    count: int = rows[0][0]
    return count
