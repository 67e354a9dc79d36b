"""Permissions: what is granted to users and groups in projects and repositories."""

from roadstead.listing import Listing, PageRequest, Slice
from roadstead.model import (
    PERMISSION_RANK,
    PLAIN_LIST,
    BriefRepository,
    EffectivePermission,
    Group,
    Holder,
    Place,
    Privilege,
    Project,
    User,
)
from roadstead.storage.database import Reader, Row, Transaction
from roadstead.storage.filters import Clause
from roadstead.storage.listing import Source, read_page
from roadstead.storage.reach import grants
from roadstead.storage.tables import PERMISSIONS, USERS
from roadstead.storage.users import user_of


async def keep_permission(tx: Transaction, place: Place, holder: Holder, privilege: Privilege) -> None:
    """Grant a privilege to a user or a group, in place of an earlier one."""
    where, whose = _where(place), _whose(holder)
    cells = {"workspace_id": place.workspace.id, where: place.id, whose: holder.id}
    end = f"ON CONFLICT ({where}, {whose}) DO UPDATE SET privilege = excluded.privilege"
    await tx.run(*PERMISSIONS.insert(end, **cells, privilege=privilege))


async def find_privilege(reader: Reader, place: Place, holder: Holder) -> Privilege:
    """Return what is granted to a user alone, not to groups, or to a group."""
    rows = await reader.read(
        f"SELECT privilege FROM permissions WHERE {_where(place)} = ? AND {_whose(holder)} = ?", place.id, holder.id
    )
    privilege: Privilege = rows[0][0] if rows else "none"
    return privilege


async def delete_permission(tx: Transaction, place: Place, holder: Holder) -> None:
    await tx.run(f"DELETE FROM permissions WHERE {_where(place)} = ? AND {_whose(holder)} = ?", place.id, holder.id)


async def page_of_effective(
    reader: Reader,
    listing: Listing,
    wanted: PageRequest,
    *,
    user_id: int | None = None,
    workspace_id: int | None = None,
    repository_id: int | None = None,
) -> Slice[EffectivePermission]:
    """Return a page of the highest privileges that were granted in repositories: of one user, there, or of all."""
    granted = grants(user_id=user_id, workspace_id=workspace_id, repository_id=repository_id)
    highest = (
        "CASE WHEN MAX(CASE WHEN g.privilege = 'admin' THEN 1 ELSE 0 END) = 1 THEN 'admin' "
        "WHEN MAX(CASE WHEN g.privilege IN ('write', 'create-repo') THEN 1 ELSE 0 END) = 1 THEN 'write' "
        "ELSE 'read' END"
    )
    held = (
        f"(SELECT g.repository_id, g.user_id, {highest} AS permission FROM ({granted.sql}) g "
        "GROUP BY g.repository_id, g.user_id)"
    )
    source = Source(
        f"{held} x JOIN repositories r ON r.id = x.repository_id JOIN workspaces w ON w.id = r.workspace_id "
        "JOIN users u ON u.id = x.user_id",
        f"x.permission, r.id, w.slug, r.slug, r.uuid, r.name, r.is_private, {USERS.of(User, 'u')}, "
        f"(w.slug || '/' || r.slug), (x.repository_id || '-' || x.user_id), {PERMISSION_RANK}",
        arguments=granted.arguments,
    )
    page = await read_page(reader.scan, source, listing, wanted)
    return page.of([_effective(row) for row in page.items])


def _effective(row: Row) -> EffectivePermission:
    permission, identity, workspace_slug, slug, uuid, name, is_private = row[:7]
    repository = BriefRepository(identity, workspace_slug, slug, uuid, name, bool(is_private))
    return EffectivePermission(user_of(row[7:-3]), repository, permission)


def _where(place: Place) -> str:
    return "project_id" if isinstance(place, Project) else "repository_id"


def _whose(holder: Holder) -> str:
    return "user_id" if isinstance(holder, User) else "group_id"


async def drop_of_user(tx: Transaction, workspace_id: int, user_id: int) -> None:
    """Delete everything that a workspace granted to a user."""
    await tx.run("DELETE FROM permissions WHERE user_id = ? AND workspace_id = ?", user_id, workspace_id)


async def drop_in_repository(tx: Transaction, repository_id: int) -> None:
    """Delete everything that was granted in a repository."""
    await tx.run("DELETE FROM permissions WHERE repository_id = ?", repository_id)


async def page_of_users(reader: Reader, place: Place, wanted: PageRequest) -> Slice[tuple[User, Privilege]]:
    """Return a page of the users with a privilege of their own, in the order in which they got it."""
    source = Source(
        "permissions x JOIN users u ON u.id = x.user_id",
        f"x.id, x.privilege, {USERS.of(User, 'u')}",
        Clause(f"x.{_where(place)} = ?", (place.id,)),
    )
    page = await read_page(reader.scan, source, PLAIN_LIST, wanted)
    return page.of([(user_of(row[2:]), row[1]) for row in page.items])


async def page_of_groups(reader: Reader, place: Place, wanted: PageRequest) -> Slice[tuple[Group, Privilege]]:
    """Return a page of the groups with a privilege, in the order in which they got it."""
    source = Source(
        "permissions x JOIN member_groups g ON g.id = x.group_id",
        "x.id, x.privilege, g.id, g.slug, g.name",
        Clause(f"x.{_where(place)} = ?", (place.id,)),
    )
    page = await read_page(reader.scan, source, PLAIN_LIST, wanted)
    return page.of([(Group(row[2], place.workspace, row[3], row[4]), row[1]) for row in page.items])
