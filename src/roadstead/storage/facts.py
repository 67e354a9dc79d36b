"""Facts about the host itself, by name."""

from roadstead.storage.database import Reader, Transaction
from roadstead.storage.tables import FACTS


async def find_fact(reader: Reader, name: str) -> str | None:
    rows = await reader.read("SELECT value FROM facts WHERE name = ?", name)
    return rows[0][0] if rows else None


async def keep_fact(tx: Transaction, name: str, value: str) -> None:
    """Store a fact, replacing the previous value."""
    await tx.run(*FACTS.insert("ON CONFLICT (name) DO UPDATE SET value = excluded.value", name=name, value=value))


async def add_fact(tx: Transaction, name: str, value: str) -> None:
    """Store a fact unless it exists."""
    await tx.run(*FACTS.insert("ON CONFLICT (name) DO NOTHING", name=name, value=value))
