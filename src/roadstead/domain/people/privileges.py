"""What a caller may do in a project: the highest privilege that the caller has there, by any role, grant or group."""

from collections.abc import Iterable

from roadstead.domain.access.recall import recall
from roadstead.domain.host import Host
from roadstead.domain.people.workspaces import Visible, find_visible, may_administer
from roadstead.errors import NotFound, WrongCredential
from roadstead.model import PRIVILEGES, Identity, Privilege, Project
from roadstead.storage import projects as rows
from roadstead.storage.database import Reader, Transaction
from roadstead.storage.workspaces import lock_workspace


class NoSuchProject(NotFound):
    """There is no such project, or the caller may not know that there is."""

    def __init__(self, key: str) -> None:
        super().__init__(f"No project with identifier '{key}'.")


async def find_project(host: Host, identity: Identity, workspace: str, key: str, least: Privilege) -> Project:
    """Return a project in which the caller has at least a privilege.

    Raise `NoSuchWorkspace`, `NoSuchProject`, and `WrongCredential` for a caller who sees the project but may do less.
    """

    async def find() -> Project:
        visible = await find_visible(host, identity, workspace)
        return await project_in(host.store.database, identity, visible, key, least)

    return await recall(host, identity, (Project, workspace, key, least), find)


async def project_in(reader: Reader, identity: Identity, visible: Visible, key: str, least: Privilege) -> Project:
    """Return a project of a workspace that the caller sees. Raise as `find_project` does."""
    user_id = 0 if identity.user is None else identity.user.id
    only_seen = not may_administer(identity, visible) and identity.owner is None
    found = await rows.find_project(reader, visible.workspace, key, user_id, only_seen=only_seen)
    if found is None:
        raise NoSuchProject(key)
    project, granted = found
    held = _held(identity, visible, project, granted)
    if held == "none":
        raise NoSuchProject(key)
    if not includes(held, least):
        raise WrongCredential(f"Access denied. You must have {least} access to this project.")
    return project


async def hold_project(host: Host, tx: Transaction, identity: Identity, project: Project) -> Project:
    """Lock the workspace of a project with its members, and return the project as it is now.

    Raise as `find_project` does: since the first check, the project may be gone, or the caller's role.
    """
    await lock_workspace(tx, project.workspace.id)
    visible = await find_visible(host, identity, project.workspace.slug, tx)
    return await project_in(tx, identity, visible, project.key, "admin")


def _held(identity: Identity, visible: Visible, project: Project, granted: Iterable[Privilege]) -> Privilege:
    """Return what a caller may do in a project, with what was granted to the caller there."""
    if may_administer(identity, visible):
        return "admin"
    if identity.owner is not None:
        return "admin" if identity.owner.project_id == project.id else "none"
    # Everyone else finds only projects that are not private, which all members read, and those with a grant.
    return highest([*granted, "read"])


def highest(held: Iterable[Privilege]) -> Privilege:
    """Return the highest of some privileges."""
    return max(held, key=PRIVILEGES.index, default="none")


def includes(held: Privilege, needed: Privilege) -> bool:
    """Return whether one privilege includes another."""
    return PRIVILEGES.index(held) >= PRIVILEGES.index(needed)
