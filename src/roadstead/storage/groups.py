"""Groups of a workspace, and their members."""

from roadstead.listing import Field, Listing, PageRequest, Slice
from roadstead.model import Group, User, Workspace
from roadstead.storage.database import AlreadyThere, Reader, Transaction
from roadstead.storage.filters import Clause
from roadstead.storage.listing import Source, read_page
from roadstead.storage.tables import GROUP_MEMBERS, MEMBER_GROUPS, USERS
from roadstead.storage.users import user_of

_BY_SLUG = Listing(Field("slug", str, "g.slug", unique=True), order="slug")
_BY_NAME = Listing(Field("username", str, "u.username", unique=True), order="username")


async def add_group(tx: Transaction, workspace: Workspace, *, slug: str, name: str) -> Group | None:
    """Add a group, or return `None` if the workspace has one of that slug."""
    try:
        identity = await tx.insert(
            *MEMBER_GROUPS.insert("RETURNING id", workspace_id=workspace.id, slug=slug, name=name)
        )
    except AlreadyThere:
        return None
    return Group(identity, workspace, slug, name)


async def find_group(reader: Reader, workspace: Workspace, slug: str) -> Group | None:
    rows = await reader.read(
        "SELECT id, name FROM member_groups WHERE workspace_id = ? AND slug = ?", workspace.id, slug
    )
    return Group(rows[0][0], workspace, slug, rows[0][1]) if rows else None


async def list_groups(reader: Reader, workspace: Workspace) -> list[tuple[Group, list[User]]]:
    """Return the groups of a workspace by their slugs, each with its members by their names."""
    rows = await reader.scan(
        f"SELECT g.id, g.slug, g.name, {USERS.of(User, 'u')} FROM member_groups g "
        "LEFT JOIN group_members m ON m.group_id = g.id LEFT JOIN users u ON u.id = m.user_id "
        "WHERE g.workspace_id = ? ORDER BY g.slug, u.username",
        workspace.id,
    )
    groups: dict[Group, list[User]] = {}
    for identity, slug, name, *user in rows:
        members = groups.setdefault(Group(identity, workspace, slug, name), [])
        if user[0] is not None:
            members.append(user_of(user))
    return list(groups.items())


async def page_of_groups(reader: Reader, workspace: Workspace, wanted: PageRequest) -> Slice[tuple[Group, int]]:
    """Return a page of the groups of a workspace by their slugs, each with the number of its members."""
    members = "(SELECT COUNT(*) FROM group_members m WHERE m.group_id = g.id)"
    source = Source(
        "member_groups g", f"g.slug, g.id, g.name, {members}", Clause("g.workspace_id = ?", (workspace.id,))
    )
    page = await read_page(reader.scan, source, _BY_SLUG, wanted)
    return page.of([(Group(identity, workspace, slug, name), count) for slug, identity, name, count in page.items])


async def page_of_members(reader: Reader, group_id: int, wanted: PageRequest) -> Slice[User]:
    """Return a page of the members of a group by their names."""
    source = Source(
        "group_members m JOIN users u ON u.id = m.user_id",
        f"u.username, {USERS.of(User, 'u')}",
        Clause("m.group_id = ?", (group_id,)),
    )
    page = await read_page(reader.scan, source, _BY_NAME, wanted)
    return page.of([user_of(row[1:]) for row in page.items])


async def delete_group(tx: Transaction, group_id: int) -> None:
    """Delete a group, its memberships, and what was granted to it."""
    await tx.run("DELETE FROM member_groups WHERE id = ?", group_id)


async def keep_group_member(tx: Transaction, group_id: int, user_id: int) -> None:
    """Add a member, unless the group has it."""
    await tx.run(*GROUP_MEMBERS.insert("ON CONFLICT DO NOTHING", group_id=group_id, user_id=user_id))


async def delete_group_member(tx: Transaction, group_id: int, user_id: int) -> bool:
    """Delete a member; return whether there was one."""
    return await tx.run("DELETE FROM group_members WHERE group_id = ? AND user_id = ?", group_id, user_id) > 0


async def leave_groups(tx: Transaction, workspace_id: int, user_id: int) -> None:
    """Delete a user from all groups of a workspace."""
    await tx.run(
        "DELETE FROM group_members WHERE user_id = ? "
        "AND group_id IN (SELECT id FROM member_groups WHERE workspace_id = ?)",
        user_id,
        workspace_id,
    )
