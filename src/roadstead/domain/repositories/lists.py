"""Lists of repositories, of their watchers, and of who may do what in them."""

from collections.abc import Sequence

import msgspec

from roadstead.domain.apps.installations import get_workspace
from roadstead.domain.host import Host
from roadstead.domain.people.workspaces import expect_administrator, find_visible, refuse_access_tokens
from roadstead.domain.repositories.access import find_workspace, reach_of
from roadstead.listing import PageRequest, Slice
from roadstead.model import (
    OWN_PERMISSION_LIST,
    PERMISSION_IN_LIST,
    PERMISSION_LIST,
    PRIVILEGES,
    EffectivePermission,
    Identity,
    Reach,
    Repository,
    RepositoryRole,
    User,
)
from roadstead.query import AllOf, AnyOf, Comparison, Expression
from roadstead.storage import permissions
from roadstead.storage import repositories as rows
from roadstead.storage.database import Reader


async def page_of_repositories(
    host: Host, identity: Identity, workspace: str | None, wanted: PageRequest, role: RepositoryRole | None
) -> Slice[Repository]:
    """Return a page of the repositories of a workspace that the caller sees; without one, of all workspaces.

    Raise `NoSuchWorkspace`.
    """
    reader, reach = host.store.database, await reach_of(host, identity)
    within = None if workspace is None else (await find_workspace(host, identity, workspace)).id
    page = await rows.page_of_repositories(reader, reach, wanted, workspace_id=within, role=role)
    return page.of(await without_hidden_parents(reader, reach, page.items))


async def list_repositories(host: Host, workspace: str) -> list[Repository]:
    """Return all repositories of a workspace, for an operator. Raise `WorkspaceNotFound`."""
    return await rows.list_repositories(host.store.database, (await get_workspace(host, workspace)).id)


async def page_of_forks(
    host: Host, identity: Identity, repository: Repository, wanted: PageRequest, role: RepositoryRole | None
) -> Slice[Repository]:
    """Return a page of the forks of a repository that the caller sees."""
    reach = await reach_of(host, identity)
    return await rows.page_of_repositories(host.store.database, reach, wanted, parent_id=repository.id, role=role)


async def with_seen_parent(host: Host, identity: Identity, repository: Repository) -> Repository:
    """Return a repository without its parent if the caller does not see that."""
    reader = host.store.database
    if repository.parent is None or not repository.parent.is_private:
        return repository
    return (await without_hidden_parents(reader, await reach_of(host, identity), [repository]))[0]


async def without_hidden_parents(reader: Reader, reach: Reach, repositories: Sequence[Repository]) -> list[Repository]:
    """Return repositories, without the parents that the caller does not see."""
    private = {one.parent.id for one in repositories if one.parent and one.parent.is_private}
    seen = await rows.find_seen(reader, reach, sorted(private)) if private else set()
    hidden = private - seen
    return [
        msgspec.structs.replace(one, parent=None) if one.parent and one.parent.id in hidden else one
        for one in repositories
    ]


async def page_of_watchers(host: Host, repository: Repository, wanted: PageRequest) -> Slice[User]:
    """Return a page of those who watch a repository."""
    return await rows.page_of_watchers(host.store.database, repository.id, wanted)


# Permissions


async def page_of_own_permissions(
    host: Host, identity: Identity, workspace: str | None, wanted: PageRequest
) -> Slice[EffectivePermission]:
    """Return a page of what was granted to the caller, of one workspace or of all. An app has no grants.

    Raise `NoSuchWorkspace`.
    """
    within = None if workspace is None else (await find_visible(host, identity, workspace)).workspace.id
    if within is None:
        within = (await reach_of(host, identity)).workspace_id
    user_id = 0 if identity.user is None else identity.user.id
    return await permissions.page_of_effective(
        host.store.database, OWN_PERMISSION_LIST, _by_rank(wanted), user_id=user_id, workspace_id=within
    )


async def page_of_permissions(
    host: Host, identity: Identity, workspace: str, wanted: PageRequest
) -> Slice[EffectivePermission]:
    """Return a page of the highest privileges of all users in all repositories of a workspace.

    Raise `NoSuchWorkspace` and `WrongCredential`.
    """
    visible = await find_visible(host, identity, workspace)
    refuse_access_tokens(identity)
    expect_administrator(identity, visible)
    return await permissions.page_of_effective(
        host.store.database, PERMISSION_LIST, _by_rank(wanted), workspace_id=visible.workspace.id
    )


async def page_of_permissions_in(
    host: Host, identity: Identity, repository: Repository, wanted: PageRequest
) -> Slice[EffectivePermission]:
    """Return a page of the highest privileges of all users in a repository. Raise `WrongCredential`."""
    refuse_access_tokens(identity)
    return await permissions.page_of_effective(
        host.store.database,
        PERMISSION_IN_LIST,
        _by_rank(wanted),
        workspace_id=repository.workspace.id,
        repository_id=repository.id,
    )


def _by_rank(wanted: PageRequest) -> PageRequest:
    """Return a request whose filter compares privileges by what they include: `permission > "read"`."""
    return wanted if wanted.filter is None else msgspec.structs.replace(wanted, filter=_ranked(wanted.filter))


def _ranked(expression: Expression) -> Expression:
    match expression:
        case AllOf(parts):
            return AllOf(tuple(map(_ranked, parts)))
        case AnyOf(parts):
            return AnyOf(tuple(map(_ranked, parts)))
        case Comparison("permission", "<" | "<=" | ">" | ">=" as operator, str(literal)) if literal in PRIVILEGES:
            at = PRIVILEGES.index(literal) + (operator in (">", "<="))
            return Comparison("permission", "in", PRIVILEGES[at:] if ">" in operator else PRIVILEGES[:at])
        case _:
            return expression
