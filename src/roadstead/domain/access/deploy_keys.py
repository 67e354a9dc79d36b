"""Public keys that read a repository, or the repositories of a project, over SSH. Its administrators manage them."""

import msgspec

from roadstead.domain.access.public_keys import read_key
from roadstead.domain.access.ssh_keys import checked, expect_same, taken
from roadstead.domain.host import Host
from roadstead.domain.names import LONGEST_NAME
from roadstead.domain.people.changes import log_change
from roadstead.domain.people.privileges import hold_project
from roadstead.domain.repositories.access import hold_repository
from roadstead.errors import InvalidInput, NotFound
from roadstead.listing import PageRequest, Slice
from roadstead.model import Identity, Place, Project
from roadstead.model.keys import DeployKey
from roadstead.storage import deploy_keys as rows
from roadstead.storage import ssh_keys
from roadstead.storage.database import Transaction


class NoSuchDeployKey(NotFound):
    """The repository or the project has no such key."""

    def __init__(self) -> None:
        super().__init__("There is no such deploy key.")


async def add_key(host: Host, identity: Identity, place: Place, text: str, label: str) -> DeployKey:
    """Add a key. Raise `InvalidInput`, and as `hold_repository` does if the caller no longer administers the place."""
    public, label = read_key(text), checked("label", label, LONGEST_NAME)
    async with host.store.database.transaction() as tx:
        place = await _hold(host, tx, identity, place)
        if await ssh_keys.find_by_fingerprint(tx, public.fingerprint) is not None:
            raise taken()
        try:
            made = await rows.add_key(tx, place, public, label=label, now=host.now(), creator=identity.user)
        except rows.KeyTaken as exc:
            raise _taken_here(place) from exc
        await _log(host, tx, identity, "deploy key added", place, made)
    return made


async def page_of_keys(host: Host, place: Place, wanted: PageRequest) -> Slice[DeployKey]:
    """Return a page of the keys."""
    return await rows.page_of_keys(host.store.database, place, wanted)


async def find_key(host: Host, place: Place, key_id: int) -> DeployKey:
    """Return a key. Raise `NoSuchDeployKey`."""
    found = await rows.find_key(host.store.database, place, key_id)
    if found is None:
        raise NoSuchDeployKey
    return found


async def change_key(
    host: Host, identity: Identity, place: Place, key: DeployKey, text: str | None, label: str | None
) -> DeployKey:
    """Change how a key is called: its comment is that of the text, which must be of the same key. Raise as others."""
    public = expect_same(key.fingerprint, text)
    changed = msgspec.structs.replace(
        key,
        label=key.label if label is None else checked("label", label, LONGEST_NAME),
        comment=key.comment if public is None else public.comment,
    )
    async with host.store.database.transaction() as tx:
        await _hold(host, tx, identity, place)
        if not await rows.change_key(tx, changed):
            raise NoSuchDeployKey
    return changed


async def remove_key(host: Host, identity: Identity, place: Place, key_id: int) -> None:
    """Remove a key, with which no one connects any more. Raise as the others do."""
    async with host.store.database.transaction() as tx:
        place = await _hold(host, tx, identity, place)
        key = await rows.find_key(tx, place, key_id)
        if key is None:
            raise NoSuchDeployKey
        await rows.delete_key(tx, key.id)
        await _log(host, tx, identity, "deploy key removed", place, key)


async def _hold(host: Host, tx: Transaction, identity: Identity, place: Place) -> Place:
    """Lock the workspace, and return the place as it is now. Raise as `hold_repository` does."""
    if isinstance(place, Project):
        return await hold_project(host, tx, identity, place)
    return await hold_repository(host, tx, identity, place, "admin")


def _taken_here(place: Place) -> InvalidInput:
    what = "project" if isinstance(place, Project) else "repository"
    message = f"Someone has already added that access key to this {what}."
    return InvalidInput(message, fields={"key": [message]})


async def _log(host: Host, tx: Transaction, identity: Identity, action: str, place: Place, key: DeployKey) -> None:
    kind, name = ("project", place.key) if isinstance(place, Project) else ("repository", place.slug)
    details = {"key": f"SHA256:{key.fingerprint}"}
    await log_change(host, tx, identity, action, place.workspace, kind, name, details)
