"""Groups of a workspace's members."""

from collections.abc import Sequence

from roadstead.accounts import SessionUser
from roadstead.domain.host import Host
from roadstead.domain.names import LONGEST_NAME, is_name
from roadstead.domain.people.users import find_user, lock_active
from roadstead.domain.people.workspaces import actor_of, find_changeable, hold_workspace
from roadstead.domain.slugs import slug_of
from roadstead.errors import Conflict, InvalidInput, NotFound
from roadstead.listing import PageRequest, Slice
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


async def create_group(
    host: Host, slug: str, name: str, usernames: Sequence[str], *, by: SessionUser | None = None
) -> Group:
    """Create a group with members. Raise `NotFound`, `WrongCredential`, `InvalidInput` and `Conflict`."""
    workspace = await find_changeable(host, slug, by)
    users = [await find_user(host, username) for username in usernames]
    shown = name.strip()
    # A slug of dots alone is a step up in an address: no browser would open the group's page.
    if not slug_of(shown).strip(".-") or not is_name(shown):
        raise InvalidInput(
            f"{name!r} cannot be the name of a group.", f"Use letters and digits, at most {LONGEST_NAME} characters."
        )
    async with host.store.database.transaction() as tx:
        await hold_workspace(host, tx, workspace, by)
        group = await rows.add_group(tx, workspace, slug=slug_of(shown), name=shown)
        if group is None:
            raise Conflict(f"There is a group {slug_of(shown)!r} already.", "Nothing was changed.")
        await _log(host, tx, "group created", group, None, by)
        for user in users:
            await _add(host, tx, group, user, by)
    return group


async def add_to_group(
    host: Host, slug: str, group_slug: str, username: str, *, by: SessionUser | None = None
) -> tuple[Group, bool]:
    """Add a user to a group, and to the workspace if need be; return the group, and whether the user joined that.

    Raise `NotFound`, `WrongCredential` and `Conflict`.
    """
    workspace, user = await find_changeable(host, slug, by), await find_user(host, username)
    async with host.store.database.transaction() as tx:
        await hold_workspace(host, tx, workspace, by)
        group = await _get(tx, workspace, group_slug)
        joined = await _add(host, tx, group, user, by)
    return group, joined


async def remove_from_group(
    host: Host, slug: str, group_slug: str, username: str, *, by: SessionUser | None = None
) -> Group:
    """Remove a user from a group, who stays in the workspace. Raise `NotFound` and `WrongCredential`."""
    workspace, user = await find_changeable(host, slug, by), await find_user(host, username)
    async with host.store.database.transaction() as tx:
        await hold_workspace(host, tx, workspace, by)
        group = await _get(tx, workspace, group_slug)
        if not await rows.delete_group_member(tx, group.id, user.id):
            raise NotFound(f"{user.username} is not in the group {group.slug}.", "Nothing was changed.")
        await _log(host, tx, "group member removed", group, user, by)
    return group


async def delete_group(host: Host, slug: str, group_slug: str, *, by: SessionUser | None = None) -> None:
    """Delete a group, and what was granted to it. Its members stay. Raise `NotFound` and `WrongCredential`."""
    workspace = await find_changeable(host, slug, by)
    async with host.store.database.transaction() as tx:
        await hold_workspace(host, tx, workspace, by)
        group = await _get(tx, workspace, group_slug)
        await rows.delete_group(tx, group.id)
        await _log(host, tx, "group deleted", group, None, by)


async def list_groups(host: Host, slug: str, *, by: SessionUser | None = None) -> list[tuple[Group, list[User]]]:
    """Return the groups of a workspace with their members. Raise `NotFound` and `WrongCredential`."""
    return await rows.list_groups(host.store.database, await find_changeable(host, slug, by))


async def page_of_groups(host: Host, slug: str, wanted: PageRequest, *, by: SessionUser) -> Slice[tuple[Group, int]]:
    """Return a page of the groups, each with the number of its members. Raise `NotFound` and `WrongCredential`."""
    return await rows.page_of_groups(host.store.database, await find_changeable(host, slug, by), wanted)


async def get_group(
    host: Host, slug: str, group_slug: str, wanted: PageRequest, *, by: SessionUser
) -> tuple[Group, Slice[User]]:
    """Return a group with a page of its members. Raise `NotFound` and `WrongCredential`."""
    workspace = await find_changeable(host, slug, by)
    group = await _get(host.store.database, workspace, group_slug)
    return group, await rows.page_of_members(host.store.database, group.id, wanted)


async def _get(reader: Reader, workspace: Workspace, slug: str) -> Group:
    group = await rows.find_group(reader, workspace, slug)
    if group is None:
        raise GroupNotFound(slug, workspace)
    return group


async def _add(host: Host, tx: Transaction, group: Group, user: User, by: SessionUser | None) -> bool:
    await lock_active(tx, user.id)
    joined = await members.add_member(tx, group.workspace.id, user.id, host.now())
    await rows.keep_group_member(tx, group.id, user.id)
    await _log(host, tx, "group member added", group, user, by)
    return joined


async def _log(
    host: Host, tx: Transaction, action: str, group: Group, user: User | None, by: SessionUser | None
) -> None:
    details = {} if user is None else {"user": user.username}
    subject = f"{group.workspace.slug}:{group.slug}"
    await add_entry(tx, actor=actor_of(host, by), action=action, subject=subject, details=details, now=host.now())
