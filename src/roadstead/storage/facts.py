"""Facts about the host itself, each by its name."""

from roadstead.storage.database import Reader, Transaction


async def find_fact(reader: Reader, name: str) -> str | None:
    rows = await reader.read("SELECT value FROM facts WHERE name = ?", name)
    return rows[0][0] if rows else None


async def keep_fact(tx: Transaction, name: str, value: str) -> None:
    await tx.run(
        "INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name,
        value,
    )


async def add_fact(tx: Transaction, name: str, value: str) -> None:
    """Keep a fact unless it is known already."""
    await tx.run("INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", name, value)
