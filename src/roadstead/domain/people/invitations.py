"""Invitations: a link, which the inviter passes on, creates one account and its role in a workspace.

Administrators invite to the host and into every workspace, owners into their own. An invitation is as strong as its
maker at the moment of use: it is void once the maker is deactivated or no owner any more.
"""

import secrets
from dataclasses import replace
from datetime import timedelta

from roadstead.accounts import Invitation
from roadstead.domain.access import passwords
from roadstead.domain.access.credentials import CLOCKS_DIFFER, begin_session
from roadstead.domain.apps.installations import get_workspace
from roadstead.domain.host import Host
from roadstead.domain.people.users import add_user, check_email, check_username, lock_active
from roadstead.domain.people.workspaces import NO_ADMIN, lock_and_keep, role_in
from roadstead.errors import Conflict, NotFound, WrongCredential
from roadstead.model import Role, User, Workspace
from roadstead.storage import credentials as credential_rows
from roadstead.storage import invitations as rows
from roadstead.storage import members, users
from roadstead.storage import passwords as password_rows
from roadstead.storage.audit import add_entry
from roadstead.storage.database import Reader, Transaction

LIFETIME = timedelta(days=7)


class NoSuchInvitation(NotFound):
    """A link is used, withdrawn, expired, void or invented: the answer does not tell which."""

    def __init__(self) -> None:
        super().__init__(
            "This invitation is not valid.", "An invitation works once, within seven days. Ask for another one."
        )


async def invite(
    host: Host,
    *,
    by: User | None = None,
    username: str | None = None,
    email: str | None = None,
    workspace: str | None = None,
    role: Role = "member",
) -> tuple[str, Invitation]:
    """Return a link that works once, within seven days, and what it is for. Nothing is sent: pass the link on.

    `by` is who invites, by default the operator at the command line. Raise `InvalidInput`, `WorkspaceNotFound`, and
    `WrongCredential` for one who may not invite there.
    """
    if username is not None:
        check_username(username)
    if email is not None:
        check_email(email)
    into = None if workspace is None else await get_workspace(host, workspace)
    code, inviter = secrets.token_urlsafe(32), by or await host.find_operator()
    async with host.store.database.transaction() as tx:
        if into is not None:
            await lock_and_keep(tx, into)
        inviter = await lock_active(tx, inviter.id)
        await _expect_may_invite(tx, inviter, into)
        made = await rows.add_invitation(
            tx,
            code,
            inviter=inviter,
            username=username,
            email=None if email is None else email.lower(),
            workspace=into,
            role=None if into is None else role,
            now=host.now(),
            expires_on=host.now() + LIFETIME,
        )
        await _log(host, tx, "invitation made", made, by)
    return f"{host.base_url}/-/invitation?code={code}", made


async def list_invitations(host: Host, workspace: Workspace) -> list[Invitation]:
    """Return the open invitations into a workspace, the oldest first."""
    return await rows.list_invitations(host.store.database, workspace.id, host.now())


async def withdraw(host: Host, workspace: Workspace, invitation_id: int, by: User) -> None:
    """Withdraw an invitation into a workspace. Raise `NotFound`, and `WrongCredential` for one who is no owner."""
    found = next((one for one in await list_invitations(host, workspace) if one.id == invitation_id), None)
    async with host.store.database.transaction() as tx:
        await lock_and_keep(tx, workspace)
        await _expect_may_invite(tx, await lock_active(tx, by.id), workspace)
        if found is None or not await rows.delete_invitation(tx, found.id):
            raise NotFound("There is no such invitation.", "It may have been used, or have expired.")
        await _log(host, tx, "invitation withdrawn", found, by)


async def accept(
    host: Host, code: str, *, username: str, display_name: str, password: str, caller: str, ending: str | None
) -> str:
    """Create the account and its role, and return the token of its first session. `ending` is the browser's last one.

    Raise `NoSuchInvitation`, and `InvalidInput` and `Conflict` for what cannot be; the invitation is then still open.
    """
    if await find_open(host, code) is None:
        raise NoSuchInvitation
    hashed = await passwords.hash_new(host, password, caller)
    async with host.store.database.transaction() as tx:
        used = await _use(host, tx, code, None)
        guest = await add_user(
            host,
            tx,
            username,
            display_name=display_name or None,
            email=used.email,
            is_confirmed=used.inviter.is_administrator,
            actor=f"user {username}",
        )
        await password_rows.keep_hash(tx, guest.id, hashed, host.now())
        await _welcome(host, tx, used, guest)
        if ending is not None:
            await credential_rows.delete_session(tx, ending)
        return await begin_session(host, tx, guest)


async def join(host: Host, code: str, user: User) -> Workspace:
    """Give a user who has an account the role in the workspace.

    Raise `NoSuchInvitation`, and `Conflict` for a member, who would lose the present role.
    """
    async with host.store.database.transaction() as tx:
        used = await _use(host, tx, code, user)
        if used.workspace is None:
            raise Conflict("You have an account already.", "Sign out to create another one.")
        found = await members.find_with_role(tx, used.workspace.slug, user.id)
        if found is None or found[1] is not None:
            raise Conflict(f"You are a member of {used.workspace.slug} already.", "The invitation can still be used.")
        await _welcome(host, tx, used, user)
    return used.workspace


async def _use(host: Host, tx: Transaction, code: str, guest: User | None) -> Invitation:
    """Take an invitation out of the open ones, for a guest who has an account or none.

    Raise `NoSuchInvitation`, and `Conflict` for a guest who is deactivated.
    """
    found = await _find(host, tx, code)
    if found is None:
        raise NoSuchInvitation
    if found.workspace is not None:
        await lock_and_keep(tx, found.workspace)
    inviter = await _lock_both(tx, found.inviter, guest)
    if not await _is_in_force(tx, replace(found, inviter=inviter)):
        raise NoSuchInvitation
    if not await rows.delete_invitation(tx, found.id):
        raise NoSuchInvitation  # another guest was faster
    return found


async def _lock_both(tx: Transaction, inviter: User, guest: User | None) -> User:
    """Lock the people of an invitation, and return the inviter as of now.

    They are locked by id: two who invite each other must not wait for each other.
    """
    if guest is not None and guest.id < inviter.id:
        await lock_active(tx, guest.id)
    present = await users.lock_user(tx, inviter.id)
    if guest is not None and guest.id > inviter.id:
        await lock_active(tx, guest.id)
    return present or inviter


async def _welcome(host: Host, tx: Transaction, used: Invitation, guest: User) -> None:
    if used.workspace is not None and used.role is not None:
        await members.keep_member(tx, used.workspace.id, guest.id, used.role, host.now())
    await _log(host, tx, "invitation used", used, guest)


async def find_open(host: Host, code: str) -> Invitation | None:
    """Return the invitation of a link, or `None` if it is used, withdrawn, expired, void or invented."""
    found = await _find(host, host.store.database, code)
    return found if found is not None and await _is_in_force(host.store.database, found) else None


async def _find(host: Host, reader: Reader, code: str) -> Invitation | None:
    now = host.now()
    return await rows.find_invitation(reader, code, now, now + LIFETIME + CLOCKS_DIFFER)


async def _is_in_force(reader: Reader, invitation: Invitation) -> bool:
    """Return whether the maker of an invitation may still invite there."""
    return invitation.inviter.is_active and await _may_invite(reader, invitation.inviter, invitation.workspace)


async def _may_invite(reader: Reader, user: User, workspace: Workspace | None) -> bool:
    """Return whether a user invites into a workspace; without one, to the host alone."""
    return user.is_administrator if workspace is None else await role_in(reader, user, workspace) == "owner"


async def _expect_may_invite(tx: Transaction, user: User, workspace: Workspace | None) -> None:
    if not await _may_invite(tx, user, workspace):
        raise WrongCredential(NO_ADMIN)


async def _log(host: Host, tx: Transaction, action: str, invitation: Invitation, user: User | None) -> None:
    details = {"id": invitation.id, "email": invitation.email, "role": invitation.role}
    subject = "host" if invitation.workspace is None else invitation.workspace.slug
    actor = host.operator if user is None else f"user {user.username}"
    given = {name: value for name, value in details.items() if value is not None}
    await add_entry(tx, actor=actor, action=action, subject=subject, details=given, now=host.now())
