"""Members of workspaces, by user and by workspace."""

from collections.abc import Sequence
from datetime import datetime

from roadstead.listing import Listing, PageRequest, Slice
from roadstead.model import MEMBER_LIST, OPERATOR_ID, Membership, Role, User, Workspace
from roadstead.storage.database import Argument, Reader, Row, Transaction
from roadstead.storage.filters import Clause
from roadstead.storage.listing import Source, read_page
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import MEMBERS, USERS, WORKSPACES
from roadstead.storage.users import user_of
from roadstead.storage.workspaces import workspace_of

_WORKSPACE_COLUMNS = WORKSPACES.of(Workspace, "w")
_COLUMNS = f"{USERS.of(User, 'u')}, {_WORKSPACE_COLUMNS}, {MEMBERS.of(Membership, 'm')}"
_JOINED = "members m JOIN users u ON u.id = m.user_id JOIN workspaces w ON w.id = m.workspace_id"
_WITH_EMAIL = "LEFT JOIN emails e ON e.user_id = u.id AND e.is_primary = 1"
_OF_USER = len(User.__match_args__)
_OF_WORKSPACE = _OF_USER + len(Workspace.__match_args__)


async def find_with_role(
    reader: Reader, slug_or_uuid: str, user_id: int, *, without_role: bool = True
) -> tuple[Workspace, Role | None] | None:
    """Return a workspace and a user's role in it; unless `without_role`, only a workspace in which the user has one.

    The condition is in the statement, so that one without a role takes as long as one that does not exist.
    """
    join = "LEFT JOIN" if without_role else "JOIN"
    rows = await reader.read(
        f"SELECT {_WORKSPACE_COLUMNS}, m.role FROM workspaces w {join} members m "
        "ON m.workspace_id = w.id AND m.user_id = ? WHERE w.slug = ? OR w.uuid = ?",
        user_id,
        slug_or_uuid,
        slug_or_uuid,
    )
    if not rows:
        return None
    *workspace, role = rows[0]
    return workspace_of(workspace), role


async def find_member(reader: Reader, workspace_id: int, uuid_or_account_id: str) -> Membership | None:
    rows = await reader.read(
        f"SELECT {_COLUMNS} FROM {_JOINED} WHERE m.workspace_id = ? AND (u.uuid = ? OR u.account_id = ?)",
        workspace_id,
        uuid_or_account_id,
        uuid_or_account_id,
    )
    return _membership(rows[0]) if rows else None


async def keep_member(tx: Transaction, workspace_id: int, user_id: int, role: Role, now: datetime) -> None:
    """Add a member, or give one another role."""
    end = "ON CONFLICT (workspace_id, user_id) DO UPDATE SET role = excluded.role"
    await tx.run(*MEMBERS.insert(end, workspace_id=workspace_id, user_id=user_id, role=role, added_on=to_text(now)))


async def add_member(tx: Transaction, workspace_id: int, user_id: int, now: datetime) -> bool:
    """Add a user as a member, unless the user has a role already; return whether the user was added."""
    end = "ON CONFLICT (workspace_id, user_id) DO NOTHING"
    cells = {"workspace_id": workspace_id, "user_id": user_id, "role": "member", "added_on": to_text(now)}
    return await tx.run(*MEMBERS.insert(end, **cells)) > 0


async def delete_member(tx: Transaction, workspace_id: int, user_id: int) -> bool:
    """Delete a member; return whether there was one."""
    return await tx.run("DELETE FROM members WHERE workspace_id = ? AND user_id = ?", workspace_id, user_id) > 0


async def has_active_owner(tx: Transaction, workspace_id: int) -> bool:
    active_owners = (
        "SELECT 1 FROM members m JOIN users u ON u.id = m.user_id "
        "WHERE m.workspace_id = ? AND m.role = 'owner' AND u.is_active = 1 LIMIT 1"
    )
    return bool(await tx.read(active_owners, workspace_id))


async def ensure_owners(tx: Transaction) -> None:
    """Make the operator the owner of each workspace that has none, such as one that an installation just made."""
    await tx.run(
        f"{MEMBERS.into} SELECT w.id, ?, 'owner', w.created_on FROM workspaces w "
        "WHERE NOT EXISTS (SELECT 1 FROM members m WHERE m.workspace_id = w.id AND m.role = 'owner')",
        OPERATOR_ID,
    )


async def list_members(reader: Reader, workspace_id: int) -> list[Membership]:
    rows = await reader.scan(f"SELECT {_COLUMNS} FROM {_JOINED} WHERE m.workspace_id = ? ORDER BY u.id", workspace_id)
    return [_membership(row) for row in rows]


async def page_of_members(reader: Reader, workspace_id: int, wanted: PageRequest) -> Slice[Membership]:
    """Return a page of a workspace's members with their addresses, in the order of their accounts."""
    of_workspace = Clause("m.workspace_id = ?", (workspace_id,))
    source = Source(f"{_JOINED} {_WITH_EMAIL}", f"{_COLUMNS}, e.address", of_workspace)
    page = await read_page(reader.scan, source, MEMBER_LIST, wanted)
    return page.of([_membership(row[:-1], row[-1]) for row in page.items])


async def page_of_memberships(
    reader: Reader, user_id: int, listing: Listing, wanted: PageRequest, *, within: int | None, roles: Sequence[Role]
) -> Slice[Membership]:
    """Return a page of the memberships of a user with one of some roles; of one workspace alone, if it is given."""
    condition = f"m.user_id = ? AND m.role IN ({', '.join('?' * len(roles))})"
    arguments: tuple[Argument, ...] = (user_id, *roles)
    if within is not None:
        condition, arguments = f"{condition} AND m.workspace_id = ?", (*arguments, within)
    source = Source(_JOINED, _COLUMNS, Clause(condition, arguments))
    page = await read_page(reader.scan, source, listing, wanted)
    return page.of([_membership(row) for row in page.items])


def _membership(row: Row, email: str | None = None) -> Membership:
    role, added_on = row[_OF_WORKSPACE:]
    user, workspace = user_of(row[:_OF_USER]), workspace_of(row[_OF_USER:_OF_WORKSPACE])
    return Membership(user, workspace, role, from_text(added_on), email)
