"""Facts about the host itself, each by its name."""

from roadstead.storage.database import Reader, Transaction
from roadstead.storage.tables import FACTS


async def find_fact(reader: Reader, name: str) -> str | None:
    rows = await reader.read("SELECT value FROM facts WHERE name = ?", name)
    return rows[0][0] if rows else None


async def keep_fact(tx: Transaction, name: str, value: str) -> None:
    """Keep a fact, in the place of what was known before."""
    await tx.run(*FACTS.insert("ON CONFLICT (name) DO UPDATE SET value = excluded.value", name=name, value=value))


async def add_fact(tx: Transaction, name: str, value: str) -> None:
    """Keep a fact unless it is known already."""
    await tx.run(*FACTS.insert("ON CONFLICT (name) DO NOTHING", name=name, value=value))
