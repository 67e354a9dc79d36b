"""Workspaces and their members, and which of them a caller sees."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from roadstead.accounts import SessionUser
from roadstead.domain.access.recall import recall
from roadstead.domain.apps.installations import check_workspace_slug, get_installed, get_workspace
from roadstead.domain.host import Host
from roadstead.domain.names import check_name
from roadstead.domain.people.users import find_user, lock_active
from roadstead.errors import (
    Conflict,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    WorkspaceNotFound,
    WrongCredential,
)
from roadstead.listing import Listing, PageRequest, Slice
from roadstead.model import ROLES, Identity, Membership, Role, TokenOwner, User, Workspace
from roadstead.query import Comparison, Scalar, comparisons, in_lower_case
from roadstead.storage import groups, permissions, projects, repositories, workspaces
from roadstead.storage import members as rows
from roadstead.storage.audit import add_entry
from roadstead.storage.database import Reader, Transaction

_EMAIL = "user.email"
MOST_EMAILS = 90
"""In one filter, as on the cloud."""
NOT_BY_ACCESS_TOKENS = "This API is only accessible with the following authentication types: apitoken, oauth2, jwt"
"""In the style of what the cloud answers to a user's token at an address for apps."""
NO_ADMIN = "Access denied. You must have admin access to this workspace."


class NoSuchWorkspace(NotFound):
    """There is no such workspace, or the caller may not know that there is: both have the cloud's answer."""

    def __init__(self, identifier: str) -> None:
        super().__init__(f"No workspace with identifier '{identifier}'.")


@dataclass(frozen=True, slots=True)
class Visible:
    """A workspace that the caller sees, and the caller's role in it. An app and a project's token have none."""

    workspace: Workspace
    role: Role | None


async def find_visible(host: Host, identity: Identity, slug_or_uuid: str, tx: Transaction | None = None) -> Visible:
    """Return a workspace. Raise `NoSuchWorkspace` if there is none, or the caller does not see it.

    With a transaction, an app's installation and an active user stay so until that ends; for the user's role, lock the
    workspace first. Raise `NotAuthenticated` for a user who was deactivated since the credential was checked.
    """
    if tx is not None:
        return await _find_visible(host, identity, slug_or_uuid, tx)
    return await recall(host, identity, (Visible, slug_or_uuid), partial(_find_visible, host, identity, slug_or_uuid))


async def _find_visible(host: Host, identity: Identity, slug_or_uuid: str, tx: Transaction | None = None) -> Visible:
    if identity.installation_id is not None:
        return await _of_app(host, identity, identity.installation_id, slug_or_uuid, tx)
    if identity.user is None:
        raise NoSuchWorkspace(slug_or_uuid)
    if tx is not None:
        await expect_active(tx, identity.user)
    # An OAuth consumer that acts for an administrator is of one workspace, and must not have all others.
    sees_all = identity.user.is_administrator and not identity.is_integration
    found = await rows.find_with_role(
        tx or host.store.database,
        slug_or_uuid,
        identity.user.id,
        without_role=sees_all or identity.owner is not None,
    )
    if identity.owner is not None:
        return _of_token(identity.owner, found and found[0], slug_or_uuid)
    if found is None:
        raise NoSuchWorkspace(slug_or_uuid)
    workspace, role = found
    return Visible(workspace, "owner" if sees_all else role)


def _of_token(owner: TokenOwner, workspace: Workspace | None, slug_or_uuid: str) -> Visible:
    """Return the workspace of an access token. The workspace's own token may do everything there."""
    if workspace is None or workspace.id != owner.workspace_id:
        raise NoSuchWorkspace(slug_or_uuid)
    return Visible(workspace, "owner" if owner.is_workspace else None)


async def _of_app(
    host: Host, identity: Identity, installation_id: int, slug_or_uuid: str, tx: Transaction | None
) -> Visible:
    """Return the workspace of an app, or of the user on its page; a token for one repository sees none."""
    workspace = (await get_installed(host, installation_id, tx)).workspace
    if identity.repository is not None or slug_or_uuid not in (workspace.slug, workspace.uuid):
        raise NoSuchWorkspace(slug_or_uuid)
    if identity.user is None:
        return Visible(workspace, None)
    role = await role_in(tx or host.store.database, identity.user, workspace)
    if role is None:
        raise NoSuchWorkspace(slug_or_uuid)
    return Visible(workspace, role)


async def expect_active(tx: Transaction, user: User) -> None:
    """Keep a user active until the transaction ends. Raise `NotAuthenticated` for one who was deactivated."""
    try:
        await lock_active(tx, user.id)
    except Conflict as exc:
        raise NotAuthenticated("The access token is not valid.", exc.message) from exc


async def expect_visible(host: Host, identity: Identity, slug: str) -> None:
    """Raise `WorkspaceNotFound` if the caller is a user who does not see the workspace."""
    if identity.user is not None:
        try:
            await find_visible(host, identity, slug)
        except NoSuchWorkspace as exc:
            raise WorkspaceNotFound(slug) from exc


async def role_in(reader: Reader, user: User, workspace: Workspace) -> Role | None:
    """Return the role of a user in a workspace; an administrator of the host may do what an owner may."""
    if user.is_administrator:
        return "owner"
    found = await rows.find_with_role(reader, workspace.slug, user.id)
    return found[1] if found else None


async def role_of(reader: Reader, workspace: Workspace, user: User) -> Role | None:
    """Return the role that a user has as a member."""
    member = await rows.find_member(reader, workspace.id, user.uuid)
    return None if member is None else member.role


def may_administer(identity: Identity, visible: Visible) -> bool:
    """Return whether the caller may do everything in a workspace: an owner, and an app or the workspace's own token
    within its scopes.
    """
    return identity.user is None or visible.role == "owner"


def refuse_access_tokens(identity: Identity) -> None:
    """Raise `WrongCredential` for an access token, which may not even read who may do what."""
    if identity.owner is not None:
        raise WrongCredential(NOT_BY_ACCESS_TOKENS)


async def administered(host: Host, identity: Identity, slug_or_uuid: str, tx: Transaction | None = None) -> Visible:
    """Return a workspace in which the caller may change everything. Raise `NoSuchWorkspace` and `WrongCredential`."""
    visible = await find_visible(host, identity, slug_or_uuid, tx)
    expect_administrator(identity, visible)
    return visible


def expect_administrator(identity: Identity, visible: Visible) -> None:
    """Raise `WrongCredential` for a caller who may not change everything in a workspace."""
    if not may_administer(identity, visible):
        raise WrongCredential(NO_ADMIN)


async def may_install(host: Host, by: SessionUser, slug: str) -> bool:
    """Return whether a user may install apps into a workspace: an operator into any, also a new one, others as owner.

    Raise `NotAuthenticated` for a user who was deactivated since the session was checked.
    """
    if by.is_operator:
        return True
    try:
        async with host.store.database.transaction() as tx:
            await administered(host, by, slug, tx)
    except (NoSuchWorkspace, WrongCredential):
        return False
    return True


async def page_of_members(host: Host, identity: Identity, visible: Visible, wanted: PageRequest) -> Slice[Membership]:
    """Return a page of the members of a workspace. Of their e-mail addresses it has those that the filter names.

    Raise `WrongCredential` for a caller who asks about e-mail addresses without administering the workspace, and
    `InvalidInput` for one who asks about too many.
    """
    if wanted.filter is not None:
        # Addresses are stored in lower case, so no two users have addresses that differ only in case.
        wanted = msgspec.structs.replace(wanted, filter=in_lower_case(wanted.filter, _EMAIL))
    about_emails = [one for one in comparisons(wanted.filter) if one.field == _EMAIL]
    if about_emails or (wanted.sort and wanted.sort.field == _EMAIL):
        expect_administrator(identity, visible)
    if sum(len(_literals(one)) for one in about_emails) > MOST_EMAILS:
        raise InvalidInput("Too many e-mail addresses.", f"At most {MOST_EMAILS} can be asked about at a time.")
    named = {literal for one in about_emails if one.operator in ("=", "in") for literal in _literals(one)}
    page = await rows.page_of_members(host.store.database, visible.workspace.id, wanted)
    return page.of([one if one.email in named else replace(one, email=None) for one in page.items])


def _literals(comparison: Comparison) -> tuple[Scalar, ...]:
    return comparison.literal if isinstance(comparison.literal, tuple) else (comparison.literal,)


async def get_member(host: Host, workspace: Workspace, selected: str) -> Membership:
    """Return a member, by UUID in braces or account id. Raise `NotFound`."""
    found = await rows.find_member(host.store.database, workspace.id, selected)
    if found is None:
        raise NotFound(f"No member with identifier '{selected}'.")
    return found


async def find_member_named(host: Host, workspace: Workspace, name: str) -> User:
    """Return the member of a user name or a confirmed e-mail address.

    Raise `NotFound` for any other, alike whether or not there is such a user: not every member may learn who has an
    account on this host.
    """
    try:
        return (await get_member(host, workspace, (await find_user(host, name)).uuid)).user
    except NotFound as exc:
        raise NotFound(f"{name!r} is no member of {workspace.slug}.") from exc


async def page_of_memberships(
    host: Host, identity: Identity, listing: Listing, wanted: PageRequest, *, roles: Sequence[Role] = ROLES
) -> Slice[Membership]:
    """Return a page of the caller's memberships: on an app's page of that in its workspace, and none for an app."""
    within = None
    if identity.installation_id is not None:
        within = (await get_installed(host, identity.installation_id)).workspace.id
    user_id = 0 if identity.user is None else identity.user.id
    return await rows.page_of_memberships(host.store.database, user_id, listing, wanted, within=within, roles=roles)


# For owners, and for operators at the command line: there, no user is given


async def find_changeable(host: Host, slug_or_uuid: str, by: SessionUser | None) -> Workspace:
    """Return a workspace that a user may change. Raise as `administered` does, and `WorkspaceNotFound`."""
    if by is None:
        return await get_workspace(host, slug_or_uuid)
    return (await administered(host, by, slug_or_uuid)).workspace


async def hold_workspace(host: Host, tx: Transaction, workspace: Workspace, by: SessionUser | None) -> None:
    """Lock a workspace, and check again that the user may change it. Raise as `administered` does."""
    await lock_and_keep(tx, workspace)
    if by is not None:
        await administered(host, by, workspace.slug, tx)


def actor_of(host: Host, by: SessionUser | None) -> str:
    """Return the name of who acts, for the audit log."""
    return host.operator if by is None else f"user {by.user.username}"


async def create_workspace(host: Host, slug: str, *, name: str | None, owner: str) -> Workspace:
    """Create a workspace with its first owner. Raise `InvalidInput`, `UserNotFound` and `Conflict`."""
    check_workspace_slug(slug)
    shown = slug if name is None else name.strip()
    check_name(shown, "A workspace needs a name.")
    first = await find_user(host, owner)
    async with host.store.database.transaction() as tx:
        await lock_active(tx, first.id)
        workspace = await workspaces.add_workspace(
            tx, slug=slug, uuid=f"{{{uuid.uuid4()}}}", name=shown, now=host.now()
        )
        if workspace is None:
            raise Conflict(f"There is a workspace {slug!r} already.", "Nothing was changed.")
        await rows.keep_member(tx, workspace.id, first.id, "owner", host.now())
        await _log(host, tx, "workspace created", workspace, first, "owner", None)
    return workspace


async def add_member(host: Host, slug: str, username: str, role: Role, *, by: SessionUser | None = None) -> Workspace:
    """Add a member, or give one another role. Raise `NotFound`, `WrongCredential` and `Conflict`."""
    workspace, user = await find_changeable(host, slug, by), await find_user(host, username)
    async with host.store.database.transaction() as tx:
        await hold_workspace(host, tx, workspace, by)
        await lock_active(tx, user.id)
        await rows.keep_member(tx, workspace.id, user.id, role, host.now())
        await _expect_owner(tx, workspace)
        await _log(host, tx, "member added", workspace, user, role, by)
    return workspace


async def remove_member(host: Host, slug: str, username: str, *, by: SessionUser | None = None) -> Workspace:
    """Remove a member, and what was granted there.

    Raise `NotFound`, `WrongCredential`, and `Conflict` for the last owner.
    """
    workspace, user = await find_changeable(host, slug, by), await find_user(host, username)
    async with host.store.database.transaction() as tx:
        await hold_workspace(host, tx, workspace, by)
        if not await rows.delete_member(tx, workspace.id, user.id):
            raise NotFound(f"{user.username} is no member of {slug}.", "List them with: roadstead workspace show SLUG")
        await groups.leave_groups(tx, workspace.id, user.id)
        await permissions.drop_of_user(tx, workspace.id, user.id)
        await projects.drop_reviewer(tx, workspace.id, user.id)
        await repositories.drop_watcher(tx, workspace.id, user.id)
        await _expect_owner(tx, workspace)
        await _log(host, tx, "member removed", workspace, user, None, by)
    return workspace


async def list_members(host: Host, workspace: Workspace) -> list[Membership]:
    """Return all members of a workspace."""
    return await rows.list_members(host.store.database, workspace.id)


async def lock_and_keep(tx: Transaction, workspace: Workspace) -> None:
    """Lock a workspace whose people change. It stays from now on, even if the installation that made it is undone."""
    await workspaces.lock_workspace(tx, workspace.id)
    await workspaces.keep_workspace(tx, workspace.id)


async def _expect_owner(tx: Transaction, workspace: Workspace) -> None:
    if not await rows.has_active_owner(tx, workspace.id):
        raise Conflict(f"The workspace {workspace.slug} needs an active owner.", "Make another member an owner first.")


async def _log(
    host: Host,
    tx: Transaction,
    action: str,
    workspace: Workspace,
    user: User,
    role: Role | None,
    by: SessionUser | None,
) -> None:
    details = {"user": user.username, **({"role": role} if role else {})}
    actor = actor_of(host, by)
    await add_entry(tx, actor=actor, action=action, subject=workspace.slug, details=details, now=host.now())
