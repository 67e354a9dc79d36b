"""Groups of a workspace's members."""

from collections.abc import Sequence

from roadstead.domain.apps.installations import get_workspace
from roadstead.domain.host import Host
from roadstead.domain.names import LONGEST_NAME, is_name
from roadstead.domain.people.users import find_user, lock_active
from roadstead.domain.people.workspaces import lock_and_keep
from roadstead.domain.slugs import slug_of
from roadstead.errors import Conflict, InvalidInput, NotFound
from roadstead.model import Group, User, Workspace
from roadstead.storage import groups as rows
from roadstead.storage import members
from roadstead.storage.audit import add_entry
from roadstead.storage.database import Reader, Transaction


class GroupNotFound(NotFound):
    """The workspace has no group of that slug."""

    def __init__(self, slug: str, workspace: Workspace) -> None:
        super().__init__(
            f"There is no group {slug!r} in workspace {workspace.slug!r}.", "List them with: roadstead group list SLUG"
        )


async def create_group(host: Host, slug: str, name: str, usernames: Sequence[str]) -> Group:
    """Create a group with members. Raise `NotFound`, `InvalidInput` and `Conflict`."""
    workspace = await get_workspace(host, slug)
    users = [await find_user(host, username) for username in usernames]
    shown = name.strip()
    if not slug_of(shown) or not is_name(shown):
        raise InvalidInput(
            f"{name!r} cannot be the name of a group.", f"Use letters and digits, at most {LONGEST_NAME} characters."
        )
    async with host.store.database.transaction() as tx:
        await lock_and_keep(tx, workspace)
        group = await rows.add_group(tx, workspace, slug=slug_of(shown), name=shown)
        if group is None:
            raise Conflict(f"There is a group {slug_of(shown)!r} already.", "Nothing was changed.")
        await _log(host, tx, "group created", group, None)
        for user in users:
            await _add(host, tx, group, user)
    return group


async def add_to_group(host: Host, slug: str, group_slug: str, username: str) -> Group:
    """Add a user to a group, and to the workspace if need be. Raise `NotFound` and `Conflict`."""
    workspace, user = await get_workspace(host, slug), await find_user(host, username)
    async with host.store.database.transaction() as tx:
        await lock_and_keep(tx, workspace)
        group = await _get(tx, workspace, group_slug)
        await _add(host, tx, group, user)
    return group


async def remove_from_group(host: Host, slug: str, group_slug: str, username: str) -> Group:
    """Remove a user from a group, who stays in the workspace. Raise `NotFound`."""
    workspace, user = await get_workspace(host, slug), await find_user(host, username)
    async with host.store.database.transaction() as tx:
        group = await _get(tx, workspace, group_slug)
        if not await rows.delete_group_member(tx, group.id, user.id):
            raise NotFound(f"{user.username} is not in the group {group.slug}.", "Nothing was changed.")
        await _log(host, tx, "group member removed", group, user)
    return group


async def list_groups(host: Host, slug: str) -> list[tuple[Group, list[User]]]:
    """Return the groups of a workspace with their members. Raise `WorkspaceNotFound`."""
    return await rows.list_groups(host.store.database, await get_workspace(host, slug))


async def _get(reader: Reader, workspace: Workspace, slug: str) -> Group:
    group = await rows.find_group(reader, workspace, slug)
    if group is None:
        raise GroupNotFound(slug, workspace)
    return group


async def _add(host: Host, tx: Transaction, group: Group, user: User) -> None:
    await lock_active(tx, user.id)
    await members.add_member(tx, group.workspace.id, user.id, host.now())
    await rows.keep_group_member(tx, group.id, user.id)
    await _log(host, tx, "group member added", group, user)


async def _log(host: Host, tx: Transaction, action: str, group: Group, user: User | None) -> None:
    details = {} if user is None else {"user": user.username}
    subject = f"{group.workspace.slug}:{group.slug}"
    await add_entry(tx, actor=host.operator, action=action, subject=subject, details=details, now=host.now())
