"""The journal of pushes: a row is there from the verdict on a push until what it did is recorded."""

from datetime import datetime

import msgspec

from roadstead.pushed import Push, RefChange
from roadstead.storage.database import Reader, Row, Transaction
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import PUSHES

_COLUMNS = PUSHES.of(Push)


async def add_push(tx: Transaction, push: Push) -> None:
    """Add a push that may go on."""
    statement = PUSHES.insert(
        id=push.id,
        repository_id=push.repository_id,
        user_id=push.user_id,
        installation_id=push.installation_id,
        begun_on=to_text(push.begun_on),
        changes=msgspec.json.encode(push.changes).decode(),
    )
    await tx.run(*statement)


async def delete_push(tx: Transaction, push_id: str) -> bool:
    """Delete a push, and return whether it was there: of two processes that record it, one does."""
    return await tx.run("DELETE FROM pushes WHERE id = ?", push_id) > 0


async def list_pushes(reader: Reader, *, before: datetime) -> list[Push]:
    """Return the pushes that began before a moment, the oldest first."""
    rows = await reader.scan(f"SELECT {_COLUMNS} FROM pushes WHERE begun_on < ? ORDER BY begun_on", to_text(before))
    return [_push(row) for row in rows]


async def list_pushes_to(reader: Reader, repository_id: int) -> list[Push]:
    """Return the pushes to a repository, the oldest first."""
    rows = await reader.scan(f"SELECT {_COLUMNS} FROM pushes WHERE repository_id = ? ORDER BY begun_on", repository_id)
    return [_push(row) for row in rows]


def _push(row: Row) -> Push:
    push_id, repository_id, user_id, installation_id, begun_on, changes = row
    read = msgspec.json.decode(changes, type=tuple[RefChange, ...])
    return Push(push_id, repository_id, user_id, installation_id, from_text(begun_on), read)
