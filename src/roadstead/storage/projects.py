"""Projects, and their default reviewers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from roadstead.listing import PageRequest, Slice
from roadstead.model import PLAIN_LIST, PROJECT_LIST, Privilege, Project, User, Workspace
from roadstead.storage.database import AlreadyThere, Reader, Transaction
from roadstead.storage.filters import Clause
from roadstead.storage.listing import Source, read_page
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import DEFAULT_REVIEWERS, PROJECTS, USERS
from roadstead.storage.users import user_of
from roadstead.storage.workspaces import change_project_count, count_projects

COLUMNS = f"{PROJECTS.of(Project, 'p')}, (p.private = 1)"
"""The columns of a project, from `projects p`."""
_REVIEWERS = "default_reviewers x JOIN users u ON u.id = x.user_id"
_TO_USER = "permissions x ON x.project_id = p.id AND x.user_id = ?"
_SEEN = " AND (p.private = 0 OR x.id IS NOT NULL)"
_TO_GROUPS = (
    "permissions x ON x.project_id = p.id AND x.group_id IS NOT NULL "
    "JOIN group_members m ON m.group_id = x.group_id AND m.user_id = ?"
)
_VISIBLE = (
    "(p.private = 0 OR EXISTS (SELECT 1 FROM permissions x WHERE x.project_id = p.id AND x.user_id = ?) "
    "OR EXISTS (SELECT 1 FROM permissions x JOIN group_members m ON m.group_id = x.group_id "
    "WHERE x.project_id = p.id AND x.group_id IS NOT NULL AND m.user_id = ?))"
)


class KeyTaken(Exception):
    """Another project of the workspace has the key."""


async def add_project(
    tx: Transaction,
    workspace: Workspace,
    *,
    uuid: str,
    key: str,
    name: str,
    description: str,
    is_private: bool,
    now: datetime,
) -> Project:
    """Add a project. Raise `KeyTaken`."""
    statement = PROJECTS.insert(
        "RETURNING id",
        workspace_id=workspace.id,
        uuid=uuid,
        key=key,
        name=name,
        description=description,
        private=int(is_private),
        created_on=to_text(now),
        updated_on=to_text(now),
    )
    try:
        identity = await tx.insert(*statement)
    except AlreadyThere as exc:
        raise KeyTaken(key) from exc
    await change_project_count(tx, workspace.id, 1)
    return Project(identity, workspace, uuid, key, name, description, now, now, is_private)


async def find_project(
    reader: Reader, workspace: Workspace, key: str, user_id: int, *, only_seen: bool = False
) -> tuple[Project, list[Privilege]] | None:
    """Return a project, by key or UUID, and what was granted to a user and the user's groups there, in one statement.

    With `only_seen`, a private project without such a grant is not found.

    Its time depends on how many groups have a privilege in the project, not on how many users have one: that would tell
    an invisible project from a missing one.
    """
    found, named = (
        f"SELECT {COLUMNS}, x.privilege FROM projects p",
        f"WHERE p.workspace_id = ? AND p.{_named_by(key)} = ?",
    )
    wanted, seen = (user_id, workspace.id, key), _SEEN if only_seen else ""
    rows = await reader.read(
        f"{found} LEFT JOIN {_TO_USER} {named}{seen} UNION ALL {found} JOIN {_TO_GROUPS} {named}", *wanted, *wanted
    )
    if not rows:
        return None
    return project_of(workspace, rows[0][:-1]), [row[-1] for row in rows if row[-1] is not None]


def _named_by(key_or_uuid: str) -> str:
    return "uuid" if key_or_uuid.startswith("{") else "key"


async def page_of_projects(
    reader: Reader, workspace: Workspace, wanted: PageRequest, *, seen_by: int | None, only: int | None
) -> Slice[Project]:
    """Return a page of a workspace's projects: with `seen_by` of those that this user sees, with `only` of this one."""
    condition, size = Clause("p.workspace_id = ?", (workspace.id,)), None
    if seen_by is not None:
        condition = Clause(f"{condition.sql} AND {_VISIBLE}", (workspace.id, seen_by, seen_by))
        size = await _count_seen(reader, workspace.id, seen_by) if wanted.filter is None else None
    elif only is None and wanted.filter is None:
        size = await count_projects(reader, workspace.id)
    if only is not None:
        condition = Clause(f"{condition.sql} AND p.id = ?", (workspace.id, only))
    # In its own order a page is read from an index, which takes less time than another thread does.
    fetch = reader.read if wanted.filter is None and wanted.sort is None else reader.scan
    page = await read_page(fetch, Source("projects p", COLUMNS, condition), PROJECT_LIST, wanted, size=size)
    return page.of([project_of(workspace, row) for row in page.items])


async def _count_seen(reader: Reader, workspace_id: int, user_id: int) -> int:
    """Return how many projects a user sees: those that are not private, and of the others those with a grant.

    So the time depends on the grants, and not on the private projects that the user does not see.
    """
    rows = await reader.read(
        "SELECT (SELECT COUNT(*) FROM projects WHERE workspace_id = ? AND private = 0) + "
        "(SELECT COUNT(*) FROM projects WHERE workspace_id = ? AND private = 1 AND id IN ("
        "SELECT project_id FROM permissions WHERE user_id = ? AND workspace_id = ? UNION "
        "SELECT x.project_id FROM group_members g JOIN permissions x ON x.group_id = g.group_id WHERE g.user_id = ?))",
        workspace_id,
        workspace_id,
        user_id,
        workspace_id,
        user_id,
    )
    count: int = rows[0][0]
    return count


async def change_project(tx: Transaction, project: Project) -> None:
    """Store what can change of a project. Raise `KeyTaken`."""
    taken = "SELECT 1 FROM projects WHERE workspace_id = ? AND key = ? AND id <> ?"
    if await tx.read(taken, project.workspace.id, project.key, project.id):
        raise KeyTaken(project.key)
    await tx.run(
        "UPDATE projects SET key = ?, name = ?, description = ?, private = ?, updated_on = ? WHERE id = ?",
        project.key,
        project.name,
        project.description,
        int(project.is_private),
        to_text(project.updated_on),
        project.id,
    )


async def delete_project(tx: Transaction, project: Project) -> None:
    if await tx.run("DELETE FROM projects WHERE id = ?", project.id):
        await change_project_count(tx, project.workspace.id, -1)


async def oldest_project(reader: Reader, workspace: Workspace) -> Project | None:
    """Return the project of a workspace that was made first."""
    rows = await reader.read(
        f"SELECT {COLUMNS} FROM projects p WHERE p.workspace_id = ? ORDER BY p.id LIMIT 1", workspace.id
    )
    return project_of(workspace, rows[0]) if rows else None


# Default reviewers


async def keep_reviewer(tx: Transaction, project: Project, user_id: int) -> None:
    """Add a default reviewer, unless the project has the user."""
    cells = {"workspace_id": project.workspace.id, "project_id": project.id, "user_id": user_id}
    await tx.run(*DEFAULT_REVIEWERS.insert("ON CONFLICT DO NOTHING", **cells))


async def is_reviewer(reader: Reader, project_id: int, user_id: int) -> bool:
    return bool(
        await reader.read("SELECT 1 FROM default_reviewers WHERE project_id = ? AND user_id = ?", project_id, user_id)
    )


async def delete_reviewer(tx: Transaction, project_id: int, user_id: int) -> bool:
    """Delete a default reviewer; return whether there was one."""
    return await tx.run("DELETE FROM default_reviewers WHERE project_id = ? AND user_id = ?", project_id, user_id) > 0


async def drop_reviewer(tx: Transaction, workspace_id: int, user_id: int) -> None:
    """Delete a user from the default reviewers of all projects of a workspace."""
    await tx.run("DELETE FROM default_reviewers WHERE workspace_id = ? AND user_id = ?", workspace_id, user_id)


async def page_of_reviewers(reader: Reader, project_id: int, wanted: PageRequest) -> Slice[User]:
    """Return a page of a project's default reviewers, in the order in which they were added."""
    source = Source(_REVIEWERS, f"x.id, {USERS.of(User, 'u')}", Clause("x.project_id = ?", (project_id,)))
    page = await read_page(reader.scan, source, PLAIN_LIST, wanted)
    return page.of([user_of(row[1:]) for row in page.items])


def project_of(workspace: Workspace, row: Sequence[Any]) -> Project:
    """Return the project of a row with its columns."""
    cells = [*row]
    cells.insert(_WORKSPACE, workspace)
    cells[_CREATED_ON], cells[_UPDATED_ON] = from_text(cells[_CREATED_ON]), from_text(cells[_UPDATED_ON])
    cells[_IS_PRIVATE] = bool(cells[_IS_PRIVATE])
    return Project(*cells)


_WORKSPACE, _CREATED_ON, _UPDATED_ON, _IS_PRIVATE = map(
    Project.__match_args__.index, ("workspace", "created_on", "updated_on", "is_private")
)
