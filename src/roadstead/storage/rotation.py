"""Seal every secret again, with a new key."""

from roadstead.storage import Store
from roadstead.storage.database import Transaction
from roadstead.storage.sealing import use_key
from roadstead.storage.tables import SEALED, Table


async def seal_anew(store: Store, tx: Transaction, fingerprint: str) -> int:
    """Seal every secret with another of our keys, which is in force from then on; return their number.

    Raises `StorageUnusable` when one cannot be opened.
    """
    await use_key(tx, fingerprint)
    return sum([await _seal_column(store, tx, table, column, fingerprint) for table, column in SEALED])


async def _seal_column(store: Store, tx: Transaction, table: Table, column: str, fingerprint: str) -> int:
    (key,) = table.key
    found = await tx.scan(f"SELECT {column}, {key} FROM {table.name} WHERE {column} IS NOT NULL")
    sealed = [(store.secrets.seal(store.secrets.open(cell), fingerprint), identity) for cell, identity in found]
    # The secret of a pending call is deleted when the call is made, which may have happened since.
    await tx.run_many(f"UPDATE {table.name} SET {column} = ? WHERE {key} = ? AND {column} IS NOT NULL", sealed)
    return len(sealed)
