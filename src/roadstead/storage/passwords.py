"""The hashes of passwords. A user without a row, or whose hash an export left out, has no password."""

from datetime import datetime

from roadstead.storage.database import Reader, Transaction
from roadstead.storage.moments import to_text
from roadstead.storage.tables import PASSWORDS


async def find_hash(reader: Reader, user_id: int) -> str | None:
    rows = await reader.read("SELECT hash FROM passwords WHERE user_id = ?", user_id)
    return rows[0][0] if rows else None


async def keep_hash(tx: Transaction, user_id: int, hashed: str, now: datetime) -> None:
    """Store the hash of a user's first or next password."""
    end = "ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_on = excluded.changed_on"
    await tx.run(*PASSWORDS.insert(end, user_id=user_id, hash=hashed, changed_on=to_text(now)))


async def drop_password(tx: Transaction, user_id: int) -> None:
    await tx.run("DELETE FROM passwords WHERE user_id = ?", user_id)
