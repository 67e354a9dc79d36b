"""Public keys that read a repository, or the repositories of a project."""

from datetime import datetime

from roadstead.listing import PageRequest, Slice
from roadstead.model import Place, Project, Repository, User
from roadstead.model.keys import DEPLOY_KEY_LIST, DeployKey, PublicKey
from roadstead.storage.database import AlreadyThere, Reader, Row, Transaction
from roadstead.storage.filters import Clause
from roadstead.storage.listing import Source, read_page
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import DEPLOY_KEYS, USERS
from roadstead.storage.users import user_of

_COLUMNS = f"{DEPLOY_KEYS.of(DeployKey, 'k')}, {USERS.of(User, 'u')}"
_JOINED = "deploy_keys k LEFT JOIN users u ON u.id = k.creator_id"


class KeyTaken(Exception):
    """The repository or the project has the key."""


async def add_key(
    tx: Transaction, place: Place, public: PublicKey, *, label: str, now: datetime, creator: User | None
) -> DeployKey:
    """Add a key of a repository or a project. Raise `KeyTaken`."""
    statement = DEPLOY_KEYS.insert(
        "RETURNING id",
        project_id=place.id if isinstance(place, Project) else None,
        repository_id=place.id if isinstance(place, Repository) else None,
        key=public.key,
        comment=public.comment,
        fingerprint=public.fingerprint,
        label=label,
        created_on=to_text(now),
        creator_id=creator and creator.id,
    )
    try:
        identity = await tx.insert(*statement)
    except AlreadyThere as exc:
        raise KeyTaken from exc
    return DeployKey(
        identity, public.key, public.comment, public.fingerprint, label, now, last_used_on=None, creator=creator
    )


async def page_of_keys(reader: Reader, place: Place, wanted: PageRequest) -> Slice[DeployKey]:
    """Return a page of the keys of a repository or a project, in the order in which they were added."""
    page = await read_page(reader.scan, Source(_JOINED, _COLUMNS, _of(place)), DEPLOY_KEY_LIST, wanted)
    return page.of([_key(row) for row in page.items])


async def find_key(reader: Reader, place: Place, key_id: int) -> DeployKey | None:
    """Return a key of a repository or a project."""
    owned = _of(place)
    rows = await reader.read(
        f"SELECT {_COLUMNS} FROM {_JOINED} WHERE {owned.sql} AND k.id = ?", *owned.arguments, key_id
    )
    return _key(rows[0]) if rows else None


async def find_for(reader: Reader, fingerprint: str, repository: Repository) -> tuple[DeployKey, bool] | None:
    """Return the key with a fingerprint that reads a repository, and whether it is of the whole project."""
    rows = await reader.read(
        f"SELECT k.project_id, {_COLUMNS} FROM {_JOINED} "
        "WHERE k.fingerprint = ? AND (k.repository_id = ? OR k.project_id = ?) ORDER BY k.id",
        fingerprint,
        repository.id,
        repository.project.id,
    )
    return (_key(rows[0][1:]), rows[0][0] is not None) if rows else None


async def is_known(reader: Reader, fingerprint: str) -> bool:
    """Return whether a repository or a project has the key with a fingerprint."""
    return bool(await reader.read("SELECT 1 FROM deploy_keys WHERE fingerprint = ? LIMIT 1", fingerprint))


async def change_key(tx: Transaction, key: DeployKey) -> bool:
    """Store what can change of a key; return whether it is there."""
    statement = "UPDATE deploy_keys SET comment = ?, label = ? WHERE id = ?"
    return await tx.run(statement, key.comment, key.label, key.id) > 0


async def note_use(tx: Transaction, key_id: int, now: datetime) -> None:
    """Store that a key was used."""
    await tx.run("UPDATE deploy_keys SET last_used_on = ? WHERE id = ?", to_text(now), key_id)


async def delete_key(tx: Transaction, key_id: int) -> bool:
    """Delete a key; return whether there was one."""
    return await tx.run("DELETE FROM deploy_keys WHERE id = ?", key_id) > 0


async def drop_keys(tx: Transaction, repository_id: int) -> None:
    """Delete the keys of a repository."""
    await tx.run("DELETE FROM deploy_keys WHERE repository_id = ?", repository_id)


def _of(place: Place) -> Clause:
    column = "project_id" if isinstance(place, Project) else "repository_id"
    return Clause(f"k.{column} = ?", (place.id,))


def _key(row: Row) -> DeployKey:
    members, creator = DEPLOY_KEYS.members(DeployKey, row)
    members["created_on"] = from_text(members["created_on"])
    members["last_used_on"] = from_text(members["last_used_on"]) if members["last_used_on"] else None
    return DeployKey(**members, creator=None if creator[0] is None else user_of(creator))
