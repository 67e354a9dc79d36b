"""Projects: create, change and delete them, and their default reviewers."""

import re
import uuid
from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass, replace

import msgspec

from roadstead.domain.happened import actor_of, changes_of, happened
from roadstead.domain.host import Host
from roadstead.domain.names import LONGEST_DESCRIPTION, LONGEST_NAME, is_name, is_text
from roadstead.domain.people.changes import log_change
from roadstead.domain.people.privileges import NoSuchProject, find_project, hold_project, project_in
from roadstead.domain.people.workspaces import (
    Visible,
    administered,
    expect_administrator,
    find_visible,
    lock_and_keep,
    may_administer,
    role_of,
)
from roadstead.errors import InvalidInput, WrongCredential
from roadstead.listing import PageRequest, Slice
from roadstead.model import Identity, Project, User, Workspace
from roadstead.storage import projects as rows
from roadstead.storage.audit import Details
from roadstead.storage.database import Transaction
from roadstead.storage.repositories import find_projects_with_public, has_repositories

_TOLD = ("key", "name", "description", "is_private")
"""The members that an event of a change tells."""
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class ProjectChanges:
    """The members that a body gives of a project."""

    key: str | None = None
    name: str | None = None
    description: str | None = None
    is_private: bool | None = None


async def page_of_projects(host: Host, identity: Identity, workspace: str, wanted: PageRequest) -> Slice[Project]:
    """Return a page of the projects that the caller sees. Raise `NoSuchWorkspace`."""
    visible = await find_visible(host, identity, workspace)
    only = seen_by = None
    if identity.owner is not None:
        # A repository's token sees no project: there is none with the id 0.
        only = None if identity.owner.is_workspace else identity.owner.project_id or 0
    elif identity.user is not None and not may_administer(identity, visible):
        seen_by = identity.user.id
    return await rows.page_of_projects(host.store.database, visible.workspace, wanted, seen_by=seen_by, only=only)


async def find_project_of(host: Host, workspace: Workspace, uuid: str) -> Project | None:
    """Return the project of a UUID. No caller asks for it here, so no permission is checked: an event names it."""
    found = await rows.find_project(host.store.database, workspace, uuid, 0)
    return None if found is None else found[0]


async def find_with_public(host: Host, found: Sequence[Project]) -> Set[int]:
    """Return the ids of those projects that have a public repository, which a private one cannot have."""
    public = [one.id for one in found if not one.is_private]
    return await find_projects_with_public(host.store.database, public) if public else frozenset()


async def create_project(host: Host, identity: Identity, workspace: str, given: ProjectChanges) -> Project:
    """Create a project. Raise `NoSuchWorkspace`, `WrongCredential` and `InvalidInput`."""
    visible = await administered(host, identity, workspace)
    async with host.store.database.transaction() as tx:
        await lock_and_keep(tx, visible.workspace)
        visible = await administered(host, identity, workspace, tx)
        return await _add(host, tx, identity, visible.workspace, given)


async def add_default_project(host: Host, tx: Transaction, identity: Identity, workspace: Workspace) -> Project:
    """Add the project that the cloud gives to a workspace whose first repository names none.

    It is public, so that any repository can be in it.
    """
    return await _add(host, tx, identity, workspace, ProjectChanges("PROJ", "Untitled project", is_private=False))


async def put_project(
    host: Host, identity: Identity, workspace: str, key: str, given: ProjectChanges
) -> tuple[Project, bool]:
    """Change a project, or create one with that key. Return it, and whether it is new. Raise as the others do."""
    visible, _ = await _to_put(host, identity, workspace, key)
    async with host.store.database.transaction() as tx:
        await lock_and_keep(tx, visible.workspace)
        # Read again under the lock: another request may have changed the project, or the caller's role.
        visible, project = await _to_put(host, identity, workspace, key, tx)
        if project is None:
            return await _add(host, tx, identity, visible.workspace, replace(given, key=key)), True
        return await _change(host, tx, identity, project, given), False


async def delete_project(host: Host, identity: Identity, workspace: str, key: str) -> None:
    """Delete a project without repositories, and what was granted in it. Raise as `find_project` does."""
    project = await find_project(host, identity, workspace, key, "admin")
    async with host.store.database.transaction() as tx:
        project = await hold_project(host, tx, identity, project)
        if await has_repositories(tx, project):
            raise WrongCredential(
                "You cannot delete a project that still contains repositories.",
                "Delete the repositories first, or move them to another project.",
            )
        await rows.delete_project(tx, project)
        await _log(host, tx, "project deleted", project, identity)


async def _to_put(
    host: Host, identity: Identity, workspace: str, key: str, tx: Transaction | None = None
) -> tuple[Visible, Project | None]:
    """Return the project that the caller may change, or none if the caller may create it. Raise as `put_project`."""
    visible = await find_visible(host, identity, workspace, tx)
    try:
        return visible, await project_in(tx or host.store.database, identity, visible, key, "admin")
    except NoSuchProject:
        expect_administrator(identity, visible)
        return visible, None


async def _add(host: Host, tx: Transaction, identity: Identity, workspace: Workspace, given: ProjectChanges) -> Project:
    missing = {name: "required key not provided" for name in ("name", "key") if getattr(given, name) is None}
    if missing:
        raise InvalidInput("Bad request", fields=missing)
    _check(given)
    try:
        project = await rows.add_project(
            tx,
            workspace,
            uuid=f"{{{uuid.uuid4()}}}",
            key=given.key or "",
            name=given.name or "",
            description=given.description or "",
            is_private=given.is_private is not False,
            now=host.now(),
        )
    except rows.KeyTaken as exc:
        raise _taken() from exc
    await _log(host, tx, "project created", project, identity)
    return project


async def _change(host: Host, tx: Transaction, identity: Identity, project: Project, given: ProjectChanges) -> Project:
    _check(given)
    members_given = {name: value for name, value in asdict(given).items() if value is not None}
    changed = msgspec.structs.replace(project, **members_given, updated_on=host.now())
    if changed.is_private and await find_projects_with_public(tx, [project.id]):
        raise InvalidInput("Bad request", fields={"is_private": "The project has public repositories."})
    try:
        await rows.change_project(tx, changed)
    except rows.KeyTaken as exc:
        raise _taken() from exc
    await _log(host, tx, "project changed", changed, identity)
    told = {"project": project.uuid, "changes": changes_of(project, changed, _TOLD)}
    await happened(host, tx, "project:updated", actor_of(identity), changed, told)
    return changed


def _check(given: ProjectChanges) -> None:
    wrong: dict[str, str] = {}
    if given.key is not None and not _KEY.fullmatch(given.key):
        wrong["key"] = "Use letters, digits and underscores, at most 63, beginning with a letter."
    if given.name is not None and not is_name(given.name):
        wrong["name"] = f"Use 1 to {LONGEST_NAME} printable characters."
    if not is_text(given.description or "", LONGEST_DESCRIPTION):
        wrong["description"] = f"Use at most {LONGEST_DESCRIPTION} characters, and no NUL."
    if wrong:
        raise InvalidInput("Bad request", fields=wrong)


def _taken() -> InvalidInput:
    return InvalidInput("Bad request", fields={"__all__": ["Project with this Owner and Key already exists."]})


# Default reviewers


async def page_of_reviewers(host: Host, project: Project, wanted: PageRequest) -> Slice[User]:
    """Return a page of the default reviewers."""
    return await rows.page_of_reviewers(host.store.database, project.id, wanted)


async def expect_reviewer(host: Host, project: Project, user: User) -> None:
    """Raise `InvalidInput` if the user is no default reviewer."""
    if not await rows.is_reviewer(host.store.database, project.id, user.id):
        raise _no_reviewer(user)


async def add_reviewer(host: Host, identity: Identity, project: Project, user: User) -> None:
    """Add a member to the default reviewers. Raise `InvalidInput`."""
    async with host.store.database.transaction() as tx:
        project = await hold_project(host, tx, identity, project)
        if await role_of(tx, project.workspace, user) is None:
            raise InvalidInput(f"{user.display_name} is no member of the workspace.")
        await rows.keep_reviewer(tx, project, user.id)
        await _log(host, tx, "default reviewer added", project, identity, {"user": user.username})


async def remove_reviewer(host: Host, identity: Identity, project: Project, user: User) -> None:
    """Remove a user from the default reviewers. Raise `InvalidInput`."""
    async with host.store.database.transaction() as tx:
        project = await hold_project(host, tx, identity, project)
        if not await rows.delete_reviewer(tx, project.id, user.id):
            raise _no_reviewer(user)
        await _log(host, tx, "default reviewer removed", project, identity, {"user": user.username})


def _no_reviewer(user: User) -> InvalidInput:
    return InvalidInput(f"{user.display_name} is not a default reviewer of the project.")


async def _log(
    host: Host, tx: Transaction, action: str, project: Project, identity: Identity, details: Details | None = None
) -> None:
    await log_change(host, tx, identity, action, project.workspace, "project", project.key, details)
