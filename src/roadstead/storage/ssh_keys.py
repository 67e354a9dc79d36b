"""Public keys of users."""

from datetime import datetime

from roadstead.listing import PageRequest, Slice
from roadstead.model import User
from roadstead.model.keys import SSH_KEY_LIST, PublicKey, SshKey
from roadstead.storage.database import AlreadyThere, Reader, Row, Transaction
from roadstead.storage.filters import Clause
from roadstead.storage.listing import Source, read_page
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import SSH_KEYS, USERS
from roadstead.storage.users import user_of

_COLUMNS = f"{SSH_KEYS.of(SshKey, 'k')}, {USERS.of(User, 'u')}"
_JOINED = "ssh_keys k JOIN users u ON u.id = k.user_id"


class KeyTaken(Exception):
    """A user has the key."""


async def add_key(
    tx: Transaction,
    user: User,
    public: PublicKey,
    *,
    uuid: str,
    label: str,
    now: datetime,
    expires_on: datetime | None,
) -> SshKey:
    """Add a user's key. Raise `KeyTaken`."""
    statement = SSH_KEYS.insert(
        "RETURNING id",
        uuid=uuid,
        user_id=user.id,
        key=public.key,
        comment=public.comment,
        fingerprint=public.fingerprint,
        label=label,
        created_on=to_text(now),
        expires_on=to_text(expires_on) if expires_on else None,
    )
    try:
        identity = await tx.insert(*statement)
    except AlreadyThere as exc:
        raise KeyTaken from exc
    return SshKey(
        identity, uuid, user, public.key, public.comment, public.fingerprint, label, now, expires_on, last_used_on=None
    )


async def page_of_keys(reader: Reader, user_id: int, wanted: PageRequest) -> Slice[SshKey]:
    """Return a page of a user's keys, in the order in which they were added."""
    source = Source(_JOINED, _COLUMNS, Clause("k.user_id = ?", (user_id,)))
    page = await read_page(reader.scan, source, SSH_KEY_LIST, wanted)
    return page.of([_key(row) for row in page.items])


async def list_keys(reader: Reader, user_id: int | None = None) -> list[SshKey]:
    """Return the keys of a user, or of all users, in the order in which they were added."""
    of_user = Clause("1 = 1") if user_id is None else Clause("k.user_id = ?", (user_id,))
    statement = f"SELECT {_COLUMNS} FROM {_JOINED} WHERE {of_user.sql} ORDER BY k.id"
    return [_key(row) for row in await reader.scan(statement, *of_user.arguments)]


async def find_key(reader: Reader, user_id: int, uuid: str) -> SshKey | None:
    """Return a user's key."""
    rows = await reader.read(f"SELECT {_COLUMNS} FROM {_JOINED} WHERE k.user_id = ? AND k.uuid = ?", user_id, uuid)
    return _key(rows[0]) if rows else None


async def find_by_fingerprint(reader: Reader, fingerprint: str) -> SshKey | None:
    """Return the key with a fingerprint, which may have expired."""
    rows = await reader.read(f"SELECT {_COLUMNS} FROM {_JOINED} WHERE k.fingerprint = ?", fingerprint)
    return _key(rows[0]) if rows else None


async def change_key(tx: Transaction, key: SshKey) -> bool:
    """Store what can change of a key; return whether it is there."""
    statement = "UPDATE ssh_keys SET comment = ?, label = ? WHERE id = ?"
    return await tx.run(statement, key.comment, key.label, key.id) > 0


async def note_use(tx: Transaction, key_id: int, now: datetime) -> None:
    """Store that a key was used."""
    await tx.run("UPDATE ssh_keys SET last_used_on = ? WHERE id = ?", to_text(now), key_id)


async def delete_key(tx: Transaction, key_id: int) -> bool:
    """Delete a key; return whether there was one."""
    return await tx.run("DELETE FROM ssh_keys WHERE id = ?", key_id) > 0


async def delete_keys_of(tx: Transaction, user_id: int) -> None:
    """Delete a user's keys."""
    await tx.run("DELETE FROM ssh_keys WHERE user_id = ?", user_id)


def _key(row: Row) -> SshKey:
    members, user = SSH_KEYS.members(SshKey, row)
    members["created_on"] = from_text(members["created_on"])
    for moment in ("expires_on", "last_used_on"):
        members[moment] = from_text(members[moment]) if members[moment] else None
    return SshKey(**members, user=user_of(user))
