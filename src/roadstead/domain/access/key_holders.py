"""Who connects with an SSH key: the user whose key it is, or what it is a deploy key of."""

from contextlib import suppress
from datetime import datetime

from roadstead.domain.access.credentials import CLOCKS_DIFFER
from roadstead.domain.host import Host
from roadstead.domain.repositories.access import NoSuchRepository
from roadstead.errors import StorageUnavailable
from roadstead.model import Repository, TokenOwner
from roadstead.model.keys import DeployKey, KeyHolder, SshKey
from roadstead.storage import deploy_keys, repositories, ssh_keys


async def is_known(host: Host, fingerprint: str) -> bool:
    """Return whether anyone may connect with a key."""
    reader = host.store.database
    return await find_user_of(host, fingerprint) is not None or await deploy_keys.is_known(reader, fingerprint)


async def find_user_of(host: Host, fingerprint: str) -> KeyHolder | None:
    """Return the user whose key it is, unless it has expired, and note its use."""
    key = await ssh_keys.find_by_fingerprint(host.store.database, fingerprint)
    if key is None or not _is_in_force(key, host.now()):
        return None
    _note(host, key)
    return KeyHolder(key.user, None)


async def find_holder(host: Host, fingerprint: str, workspace: str, slug: str) -> KeyHolder:
    """Return who connects with a key to a repository. Raise `NoSuchRepository` if it is no deploy key of that one."""
    user = await find_user_of(host, fingerprint)
    if user is not None:
        return user
    repository = await _find_named(host, workspace, slug)
    found = repository and await deploy_keys.find_for(host.store.database, fingerprint, repository)
    if not repository or not found:
        raise NoSuchRepository
    key, of_project = found
    _note(host, key)
    project_id, repository_id = (repository.project.id, None) if of_project else (None, repository.id)
    return KeyHolder(None, TokenOwner(repository.workspace.id, project_id, repository_id))


async def _find_named(host: Host, workspace: str, slug: str) -> Repository | None:
    """Return the repository that has, or had, a name."""
    reader = host.store.database
    found = await repositories.find_repository(reader, workspace, slug)
    return found or await repositories.find_redirected(reader, workspace, slug)


def _is_in_force(key: SshKey, now: datetime) -> bool:
    """Return whether a key has not expired. If it expires, it must not be made in the future: see `credentials`."""
    return key.expires_on is None or (now < key.expires_on and key.created_on <= now + CLOCKS_DIFFER)


def _note(host: Host, key: SshKey | DeployKey) -> None:
    """Note the use of a key, once an hour."""
    if not host.token_uses.take((type(key).__name__, key.id)):
        host.run_later(_note_use(host, key))


async def _note_use(host: Host, key: SshKey | DeployKey) -> None:
    rows = ssh_keys if isinstance(key, SshKey) else deploy_keys
    with suppress(StorageUnavailable):
        async with host.store.database.transaction() as tx:
            await rows.note_use(tx, key.id, host.now())
