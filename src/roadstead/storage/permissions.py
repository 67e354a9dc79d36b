"""Permissions: what is granted to users and groups in projects."""

from roadstead.listing import PageRequest, Slice
from roadstead.model import PLAIN_LIST, Group, Holder, Privilege, Project, User, Workspace
from roadstead.storage.database import Reader, Transaction
from roadstead.storage.filters import Clause
from roadstead.storage.listing import Source, read_page
from roadstead.storage.tables import PERMISSIONS, USERS
from roadstead.storage.users import user_of


async def keep_permission(tx: Transaction, project: Project, holder: Holder, privilege: Privilege) -> None:
    """Grant a privilege to a user or a group, in place of an earlier one."""
    column = _column(holder)
    cells = {"workspace_id": project.workspace.id, "project_id": project.id, column: holder.id}
    end = f"ON CONFLICT (project_id, {column}) DO UPDATE SET privilege = excluded.privilege"
    await tx.run(*PERMISSIONS.insert(end, **cells, privilege=privilege))


async def find_privilege(reader: Reader, project_id: int, holder: Holder) -> Privilege:
    """Return what is granted to a user alone, not to groups, or to a group."""
    rows = await reader.read(
        f"SELECT privilege FROM permissions WHERE project_id = ? AND {_column(holder)} = ?", project_id, holder.id
    )
    privilege: Privilege = rows[0][0] if rows else "none"
    return privilege


async def delete_permission(tx: Transaction, project_id: int, holder: Holder) -> None:
    await tx.run(f"DELETE FROM permissions WHERE project_id = ? AND {_column(holder)} = ?", project_id, holder.id)


def _column(holder: Holder) -> str:
    return "user_id" if isinstance(holder, User) else "group_id"


async def drop_of_user(tx: Transaction, workspace_id: int, user_id: int) -> None:
    """Delete everything that a workspace granted to a user."""
    await tx.run("DELETE FROM permissions WHERE user_id = ? AND workspace_id = ?", user_id, workspace_id)


async def page_of_users(reader: Reader, project_id: int, wanted: PageRequest) -> Slice[tuple[User, Privilege]]:
    """Return a page of the users with a privilege of their own, in the order in which they got it."""
    source = Source(
        "permissions x JOIN users u ON u.id = x.user_id",
        f"x.id, x.privilege, {USERS.of(User, 'u')}",
        Clause("x.project_id = ?", (project_id,)),
    )
    page = await read_page(reader.scan, source, PLAIN_LIST, wanted)
    return page.of([(user_of(row[2:]), row[1]) for row in page.items])


async def page_of_groups(
    reader: Reader, project_id: int, workspace: Workspace, wanted: PageRequest
) -> Slice[tuple[Group, Privilege]]:
    """Return a page of the groups with a privilege, in the order in which they got it."""
    source = Source(
        "permissions x JOIN member_groups g ON g.id = x.group_id",
        "x.id, x.privilege, g.id, g.slug, g.name",
        Clause("x.project_id = ?", (project_id,)),
    )
    page = await read_page(reader.scan, source, PLAIN_LIST, wanted)
    return page.of([(Group(row[2], workspace, row[3], row[4]), row[1]) for row in page.items])
