"""Find a repository for a caller: the highest privilege that the caller has there, by any role, grant or group."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from roadstead.domain.access.recall import recall
from roadstead.domain.apps.installations import get_installed
from roadstead.domain.host import Host
from roadstead.domain.people.privileges import highest, includes
from roadstead.domain.people.workspaces import NoSuchWorkspace, expect_active, find_visible
from roadstead.errors import NotFound, WrongCredential
from roadstead.model import Identity, Privilege, Reach, Repository, Workspace
from roadstead.storage import repositories as rows
from roadstead.storage.database import Reader, Transaction
from roadstead.storage.reach import find_grants
from roadstead.storage.workspaces import lock_workspace

NO_ONE = Reach(user_id=0)
"""The reach of a caller without a credential."""


class NoSuchRepository(NotFound):
    """There is no such repository, or the caller may not know that there is: both have the cloud's answer."""

    def __init__(self) -> None:
        super().__init__(
            "You may not have access to this repository or it no longer exists in this workspace. "
            "If you think this repository exists and you have access, make sure you are authenticated."
        )


class RepositoryMoved(NotFound):
    """The repository has another slug now, and the caller sees it."""

    def __init__(self, repository: Repository) -> None:
        super().__init__(f"The repository is now {repository.full_name}.", "Use that name.")
        self.repository = repository


@dataclass(frozen=True, slots=True)
class Held:
    """A repository that a caller sees, and what the caller may do there."""

    repository: Repository
    privilege: Privilege


async def find_repository(
    host: Host, identity: Identity, workspace: str, slug: str, least: Privilege, tx: Transaction | None = None
) -> Held:
    """Return a repository in which the caller has at least a privilege; each is named by slug or UUID.

    Raise `NoSuchWorkspace`, `NoSuchRepository`, `RepositoryMoved`, and `WrongCredential` for a caller who sees the
    repository but may do less. With a transaction, raise `NotAuthenticated` for a user who was deactivated.
    """
    find = partial(_find_held, host, identity, workspace, slug, tx)
    held = await (recall(host, identity, (Held, workspace, slug), find) if tx is None else find())
    expect_privilege(held, least)
    return held


async def _find_held(host: Host, identity: Identity, workspace: str, slug: str, tx: Transaction | None) -> Held:
    """Return a repository that the caller sees. Raise as `find_repository` does."""
    reader = tx or host.store.database
    reach = await reach_of(host, identity, tx)
    held = await held_in(reader, reach, await rows.find_repository(reader, workspace, slug))
    if held is not None:
        return held
    # What is invisible takes the same steps as what is missing.
    moved = await held_in(reader, reach, await rows.find_redirected(reader, workspace, slug))
    if moved is not None:
        raise RepositoryMoved(moved.repository)
    if workspace != rows.ANY_WORKSPACE:
        await find_workspace(host, identity, workspace, tx)
    raise NoSuchRepository


def expect_privilege(held: Held, least: Privilege) -> None:
    """Raise `WrongCredential` for a caller who may do less than that in the repository."""
    if not includes(held.privilege, least):
        raise WrongCredential(f"Access denied. You must have {least} access to this repository.")


async def hold_repository(
    host: Host, tx: Transaction, identity: Identity, repository: Repository, least: Privilege
) -> Repository:
    """Lock a repository's workspace, so that no privilege changes, and return the repository as it is now.

    Raise as `find_repository` does: since the first check, the repository may have been deleted or moved to another
    workspace, or the caller may have lost the privilege.
    """
    await lock_workspace(tx, repository.workspace.id)
    now = (await find_repository(host, identity, rows.ANY_WORKSPACE, repository.uuid, least, tx)).repository
    if now.workspace.id != repository.workspace.id:
        raise RepositoryMoved(now)
    return now


async def reach_of(host: Host, identity: Identity, tx: Transaction | None = None) -> Reach:
    """Return the repositories in which a caller may have a privilege. Raise as `find_visible` does."""
    if identity.installation_id is not None:
        workspace = (await get_installed(host, identity.installation_id, tx)).workspace
        whose = None if identity.user is None or identity.user.is_administrator else identity.user.id
        return Reach(whose, workspace.id, repository_uuid=identity.repository)
    if identity.owner is not None:
        return Reach(None, *msgspec.structs.astuple(identity.owner))
    if identity.user is None:
        return NO_ONE
    if tx is not None:
        await expect_active(tx, identity.user)
    # An OAuth consumer that acts for an administrator is of one workspace, and must not have all others.
    return Reach() if identity.user.is_administrator and not identity.is_integration else Reach(identity.user.id)


async def held_in(reader: Reader, reach: Reach, repository: Repository | None) -> Held | None:
    """Return what a caller may do in a repository that the caller sees."""
    granted: Sequence[Privilege] = ()
    if reach.user_id is not None:
        granted = await find_grants(
            reader,
            reach.user_id,
            workspace_id=repository.workspace.id if repository else 0,
            project_id=repository.project.id if repository else 0,
            repository_id=repository.id if repository else 0,
        )
    if repository is None:
        return None
    privilege = _privilege(reach, repository, granted)
    return None if privilege == "none" else Held(repository, privilege)


def _privilege(reach: Reach, repository: Repository, granted: Iterable[Privilege]) -> Privilege:
    held: list[Privilege] = [] if repository.is_private else ["read"]
    if _is_within(reach, repository):
        held += ["admin"] if reach.user_id is None else granted
    found = highest(held)
    # To create repositories in a project includes writing to all of them.
    return "write" if found == "create-repo" else found


def _is_within(reach: Reach, repository: Repository) -> bool:
    return (
        reach.workspace_id in (None, repository.workspace.id)
        and reach.project_id in (None, repository.project.id)
        and reach.repository_id in (None, repository.id)
        and reach.repository_uuid in (None, repository.uuid)
    )


async def find_workspace(host: Host, identity: Identity, workspace: str, tx: Transaction | None = None) -> Workspace:
    """Return a workspace that the caller sees, or that has a public repository. Raise `NoSuchWorkspace`."""
    try:
        return (await find_visible(host, identity, workspace, tx)).workspace
    except NoSuchWorkspace:
        found = await rows.find_with_public(tx or host.store.database, workspace)
        if found is None:
            raise
        return found
