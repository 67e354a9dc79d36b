"""Repositories, the slugs that they had before, and their watchers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from roadstead.listing import PageRequest, Slice
from roadstead.model import (
    PLAIN_LIST,
    REPOSITORY_LIST,
    BriefRepository,
    Project,
    Reach,
    Repository,
    RepositoryRole,
    User,
    Workspace,
)
from roadstead.storage.database import AlreadyThere, Reader, Transaction
from roadstead.storage.filters import Clause
from roadstead.storage.listing import Source, read_page
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.projects import COLUMNS as PROJECT_COLUMNS
from roadstead.storage.projects import project_of
from roadstead.storage.reach import seen
from roadstead.storage.tables import REPOSITORIES, REPOSITORY_REDIRECTS, USERS, WATCHERS, WORKSPACES
from roadstead.storage.users import user_of
from roadstead.storage.workspaces import workspace_of

_OWN, _WORKSPACE = REPOSITORIES.of(Repository, "r"), WORKSPACES.of(Workspace, "w")
COLUMNS = f"{_OWN}, {_WORKSPACE}, {PROJECT_COLUMNS}, f.id, fw.slug, f.slug, f.uuid, f.name, f.is_private"
"""The columns of a repository, from `JOINED`."""
JOINED = (
    "repositories r JOIN workspaces w ON w.id = r.workspace_id JOIN projects p ON p.id = r.project_id "
    "LEFT JOIN repositories f ON f.id = r.parent_id LEFT JOIN workspaces fw ON fw.id = f.workspace_id"
)
_SORTED_BY = "(r.is_private = 1), (r.has_issues = 1), (r.has_wiki = 1), (w.slug || '/' || r.slug)"
_OF_WORKSPACE = _OWN.count(",") + 1
_OF_PROJECT = _OF_WORKSPACE + _WORKSPACE.count(",") + 1
_OF_PARENT = _OF_PROJECT + PROJECT_COLUMNS.count(",") + 1
WIDTH = COLUMNS.count(",") + 1
"""The number of these columns."""
_FLAGS = ("is_private", "has_issues", "has_wiki", "own_merge_strategy", "own_branching_model")
_MOMENTS = ("created_on", "updated_on")
_FIXED = ("id", "workspace", "project", "parent", "uuid", "created_on", "updated_on", "mainbranch", "size", "pushes")
"""What `change_repository` does not write. A push that runs beside a change may set the main branch and the size."""

ANY_WORKSPACE = "{}"
"""In an address in the place of a workspace, before the UUID of a repository."""


class SlugTaken(Exception):
    """Another repository of the workspace has the slug."""


async def find_repository(reader: Reader, workspace: str, slug_or_uuid: str) -> Repository | None:
    """Return a repository of a workspace, each by slug or UUID. In `ANY_WORKSPACE`, the UUID alone names it."""
    named, arguments = f"r.{_named_by(slug_or_uuid)} = ?", [slug_or_uuid]
    if workspace != ANY_WORKSPACE or named == "r.slug = ?":
        named, arguments = f"{named} AND w.{_named_by(workspace)} = ?", [slug_or_uuid, workspace]
    rows = await reader.read(f"SELECT {COLUMNS} FROM {JOINED} WHERE {named}", *arguments)
    return repository_of(rows[0]) if rows else None


async def find_by_id(reader: Reader, repository_id: int) -> Repository | None:
    """Return a repository by its id."""
    rows = await reader.read(f"SELECT {COLUMNS} FROM {JOINED} WHERE r.id = ?", repository_id)
    return repository_of(rows[0]) if rows else None


async def find_redirected(reader: Reader, workspace: str, slug: str) -> Repository | None:
    """Return the repository that had a slug in a workspace before."""
    rows = await reader.read(
        f"SELECT {COLUMNS} FROM {JOINED} JOIN repository_redirects d ON d.repository_id = r.id "
        f"JOIN workspaces dw ON dw.id = d.workspace_id WHERE dw.{_named_by(workspace)} = ? AND d.slug = ?",
        workspace,
        slug,
    )
    return repository_of(rows[0]) if rows else None


def _named_by(slug_or_uuid: str) -> str:
    return "uuid" if slug_or_uuid.startswith("{") else "slug"


async def find_with_public(reader: Reader, workspace: str) -> Workspace | None:
    """Return a workspace, by slug or UUID, if it has a public repository."""
    rows = await reader.read(
        f"SELECT {_WORKSPACE} FROM workspaces w WHERE w.{_named_by(workspace)} = ? "
        "AND EXISTS (SELECT 1 FROM repositories r WHERE r.workspace_id = w.id AND r.is_private = 0)",
        workspace,
    )
    return workspace_of(rows[0]) if rows else None


async def page_of_repositories(
    reader: Reader,
    reach: Reach,
    wanted: PageRequest,
    *,
    workspace_id: int | None = None,
    parent_id: int | None = None,
    role: RepositoryRole | None = None,
) -> Slice[Repository]:
    """Return a page of the repositories that a caller sees: of one workspace, or the forks of one repository.

    With a `role`, only those in which the caller has it.
    """
    condition = seen(reach, role)
    for column, value in (("r.workspace_id", workspace_id), ("r.parent_id", parent_id)):
        if value is not None:
            condition = Clause(f"{column} = ? AND {condition.sql}", (value, *condition.arguments))
    source = Source(JOINED, f"{COLUMNS}, {_SORTED_BY}", condition)
    page = await read_page(reader.scan, source, REPOSITORY_LIST, wanted)
    return page.of([repository_of(row[:WIDTH]) for row in page.items])


async def list_repositories(reader: Reader, workspace_id: int) -> list[Repository]:
    """Return all repositories of a workspace by their slugs."""
    rows = await reader.scan(f"SELECT {COLUMNS} FROM {JOINED} WHERE r.workspace_id = ? ORDER BY r.slug", workspace_id)
    return [repository_of(row) for row in rows]


async def list_all(reader: Reader) -> list[Repository]:
    """Return all repositories of the host by workspace and slug."""
    rows = await reader.scan(f"SELECT {COLUMNS} FROM {JOINED} ORDER BY w.slug, r.slug")
    return [repository_of(row) for row in rows]


async def find_seen(reader: Reader, reach: Reach, ids: Sequence[int]) -> set[int]:
    """Return those of some repositories that a caller sees."""
    clause = seen(reach)
    rows = await reader.read(
        f"SELECT r.id FROM repositories r WHERE r.id IN ({', '.join('?' * len(ids))}) AND {clause.sql}",
        *ids,
        *clause.arguments,
    )
    return {row[0] for row in rows}


async def are_there_any(reader: Reader) -> bool:
    """Return whether there are repositories."""
    return bool(await reader.read("SELECT 1 FROM repositories LIMIT 1"))


async def has_repositories(reader: Reader, project: Project) -> bool:
    """Return whether a project has a repository."""
    return bool(await reader.read("SELECT 1 FROM repositories WHERE project_id = ? LIMIT 1", project.id))


async def find_projects_with_public(reader: Reader, project_ids: Sequence[int]) -> set[int]:
    """Return those of some projects that have a public repository."""
    rows = await reader.read(
        f"SELECT p.id FROM projects p WHERE p.id IN ({', '.join('?' * len(project_ids))}) "
        "AND EXISTS (SELECT 1 FROM repositories r WHERE r.project_id = p.id AND r.is_private = 0)",
        *project_ids,
    )
    return {row[0] for row in rows}


async def add_repository(tx: Transaction, repository: Repository) -> Repository:
    """Add a repository, whose id is not known yet, and return it with its id. Raise `SlugTaken`."""
    cells = {
        "workspace_id": repository.workspace.id,
        "project_id": repository.project.id,
        "uuid": repository.uuid,
        "parent_id": repository.parent and repository.parent.id,
        "created_on": to_text(repository.created_on),
        "mainbranch": repository.mainbranch,
        "size": repository.size,
        **_changing(repository),
    }
    try:
        identity = await tx.insert(*REPOSITORIES.insert("RETURNING id", **cells))
    except AlreadyThere as exc:
        raise SlugTaken(repository.slug) from exc
    await _drop_redirect(tx, repository)
    return msgspec.structs.replace(repository, id=identity)


async def change_repository(tx: Transaction, before: Repository, after: Repository) -> None:
    """Store what can change of a repository; its earlier address leads to it from now on. Raise `SlugTaken`."""
    if (after.workspace.id, after.slug) != (before.workspace.id, before.slug):
        taken = "SELECT 1 FROM repositories WHERE workspace_id = ? AND slug = ?"
        if await tx.read(taken, after.workspace.id, after.slug):
            raise SlugTaken(after.slug)
        await _drop_redirect(tx, after)
        redirect = {"workspace_id": before.workspace.id, "slug": before.slug, "repository_id": before.id}
        await tx.run(*REPOSITORY_REDIRECTS.insert(**redirect))
    cells = {**_changing(after), "workspace_id": after.workspace.id, "project_id": after.project.id}
    changes = ", ".join(f"{name} = ?" for name in cells)
    await tx.run(f"UPDATE repositories SET {changes} WHERE id = ?", *cells.values(), after.id)


def _changing(repository: Repository) -> dict[str, Any]:
    """Return the cells of what can change of a repository."""
    members = {name: getattr(repository, name) for name in Repository.__match_args__ if name not in _FIXED}
    flags = {name: int(members[name]) for name in _FLAGS}
    return {**members, **flags, "updated_on": to_text(repository.updated_on)}


async def _drop_redirect(tx: Transaction, repository: Repository) -> None:
    """Delete what a slug led to before this repository took it."""
    await tx.run(
        "DELETE FROM repository_redirects WHERE workspace_id = ? AND slug = ?",
        repository.workspace.id,
        repository.slug,
    )


async def lock_repository(tx: Transaction, repository_id: int) -> None:
    """Keep other transactions from deleting a repository until this one ends."""
    await tx.read(f"SELECT 1 FROM repositories WHERE id = ?{tx.dialect.for_update}", repository_id)


async def note_push(tx: Transaction, repository_id: int, now: datetime) -> Repository | None:
    """Note that a repository was pushed to, and return it. Until the transaction ends, no other can note a push."""
    await tx.run(
        "UPDATE repositories SET updated_on = ?, pushes = pushes + 1 WHERE id = ?", to_text(now), repository_id
    )
    return await find_by_id(tx, repository_id)


async def set_mainbranch(tx: Transaction, repository_id: int, name: str) -> None:
    """Store the name of a repository's main branch."""
    await tx.run("UPDATE repositories SET mainbranch = ? WHERE id = ?", name, repository_id)


async def set_size(tx: Transaction, uuid: str, size: int) -> None:
    """Store how many bytes a repository has."""
    await tx.run("UPDATE repositories SET size = ? WHERE uuid = ? AND size <> ?", size, uuid, size)


async def delete_repository(tx: Transaction, repository_id: int) -> None:
    """Delete a repository with the rows that belong to it. Its forks lose their parent, its events stay."""
    await tx.run("DELETE FROM repositories WHERE id = ?", repository_id)


# Watchers


async def keep_watcher(tx: Transaction, repository: Repository, user_id: int) -> None:
    """Add a watcher, unless the repository has the user."""
    cells = {"workspace_id": repository.workspace.id, "repository_id": repository.id, "user_id": user_id}
    await tx.run(*WATCHERS.insert("ON CONFLICT DO NOTHING", **cells))


async def drop_watcher(tx: Transaction, workspace_id: int, user_id: int) -> None:
    """Delete a user from the watchers of all repositories of a workspace."""
    await tx.run("DELETE FROM watchers WHERE workspace_id = ? AND user_id = ?", workspace_id, user_id)


async def move_watchers(tx: Transaction, repository: Repository) -> None:
    """Keep those watchers of a repository that are members of its workspace, to which it has just come."""
    await tx.run(
        "DELETE FROM watchers WHERE repository_id = ? AND user_id NOT IN "
        "(SELECT m.user_id FROM members m WHERE m.workspace_id = ?)",
        repository.id,
        repository.workspace.id,
    )
    await tx.run("UPDATE watchers SET workspace_id = ? WHERE repository_id = ?", repository.workspace.id, repository.id)


async def page_of_watchers(reader: Reader, repository_id: int, wanted: PageRequest) -> Slice[User]:
    """Return a page of a repository's watchers, in the order in which they began."""
    source = Source(
        "watchers x JOIN users u ON u.id = x.user_id",
        f"x.id, {USERS.of(User, 'u')}",
        Clause("x.repository_id = ?", (repository_id,)),
    )
    page = await read_page(reader.scan, source, PLAIN_LIST, wanted)
    return page.of([user_of(row[1:]) for row in page.items])


def repository_of(row: Sequence[Any]) -> Repository:
    """Return the repository of a row with its columns."""
    members, _ = REPOSITORIES.members(Repository, tuple(row))
    members.update((name, bool(members[name])) for name in _FLAGS)
    members.update((name, from_text(members[name])) for name in _MOMENTS)
    workspace = workspace_of(row[_OF_WORKSPACE:_OF_PROJECT])
    project = project_of(workspace, row[_OF_PROJECT:_OF_PARENT])
    return Repository(workspace=workspace, project=project, parent=_parent_of(row[_OF_PARENT:]), **members)


def _parent_of(row: Sequence[Any]) -> BriefRepository | None:
    identity, workspace_slug, slug, uuid, name, is_private = row
    return None if identity is None else BriefRepository(identity, workspace_slug, slug, uuid, name, bool(is_private))
