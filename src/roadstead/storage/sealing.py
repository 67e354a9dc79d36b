"""The key that all secrets in the database are sealed with: the one whose fingerprint is in `sealing_key`.

A transaction that seals locks that row until its end, so that a rotation, which changes it and seals everything again
in one transaction, comes wholly before or wholly after. The row is locked before any other, as in a rotation, because
otherwise the two would wait for each other. A process that does not have the new key reads the keys again, or refuses:
it never writes what others cannot read.
"""

from collections.abc import Callable

from roadstead.storage.database import Database, Reader, Transaction
from roadstead.storage.secrets import SecretBox, foreign_key
from roadstead.storage.tables import SEALED, SEALING_KEY

Seal = Callable[[str], bytes]

_SECRETS = " UNION ALL ".join(
    f"SELECT {column} FROM {table.name} WHERE {column} IS NOT NULL" for table, column in SEALED
)


async def key_in_force(reader: Reader) -> str | None:
    """Return the fingerprint of the key in force; `None` in a database in which nothing was ever sealed."""
    rows = await reader.read("SELECT fingerprint FROM sealing_key")
    return rows[0][0] if rows else None


async def hold_key(tx: Transaction) -> None:
    """Lock the key in force for the rest of the transaction, of which this comes first."""
    await tx.read(f"SELECT 1 FROM sealing_key{tx.dialect.for_share}")


async def sealer(secrets: SecretBox, tx: Transaction) -> Seal:
    """Return a function that seals in this transaction. Call this before the transaction locks or reads anything else.

    Raises `StorageUnusable` when we do not have the key in force.
    """
    await hold_key(tx)
    fingerprint = await key_in_force(tx)
    if fingerprint is None or not secrets.has(fingerprint):
        raise foreign_key()
    return lambda secret: secrets.seal(secret, fingerprint)


async def use_key(tx: Transaction, fingerprint: str) -> None:
    """Put another key in force."""
    replace = "ON CONFLICT (only_row) DO UPDATE SET fingerprint = excluded.fingerprint"
    await tx.run(*SEALING_KEY.insert(replace, only_row=1, fingerprint=fingerprint))


async def agree_on_key(database: Database, secrets: SecretBox) -> None:
    """Make sure that we can read the secrets, and that a key is in force.

    Raises `StorageUnusable`, at the start instead of at the first request.
    """
    in_force = await key_in_force(database)
    if in_force is not None and secrets.has(in_force):
        return
    async with database.transaction() as tx:
        found = await tx.read(f"{_SECRETS} LIMIT 1")
        await use_key(tx, secrets.key_of(found[0][0]) if found else secrets.read_again()[0])
