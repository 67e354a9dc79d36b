"""Users: create, find and deactivate them."""

import re
import secrets
import uuid
from collections.abc import Mapping

from roadstead.domain.host import Host
from roadstead.domain.names import check_name
from roadstead.errors import Conflict, InvalidInput, NotFound
from roadstead.model import OPERATOR_ID, Email, User
from roadstead.storage import credentials, grants, invitations, passwords
from roadstead.storage import users as rows
from roadstead.storage.audit import add_entry
from roadstead.storage.database import Transaction

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,61}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


class UserNotFound(NotFound):
    """There is no user of that name, or with that id."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no user {name!r}.", "List them with: roadstead user list")


async def create_user(host: Host, username: str, *, display_name: str | None = None, email: str | None = None) -> User:
    """Create a user. Raise `InvalidInput`, and `Conflict` when another user has the name or the e-mail address."""
    async with host.store.database.transaction() as tx:
        return await add_user(host, tx, username, display_name=display_name, email=email)


async def add_user(
    host: Host,
    tx: Transaction,
    username: str,
    *,
    display_name: str | None,
    email: str | None,
    is_confirmed: bool = True,
    actor: str | None = None,
) -> User:
    """Create a user in a transaction that does more. Raise as `create_user` does.

    `is_confirmed` tells whether an operator vouches for the address; `actor` is who creates, by default the operator.
    """
    shown = username if display_name is None else display_name.strip()
    _check(username, shown, email)
    try:
        user = await rows.add_user(
            tx,
            uuid=f"{{{uuid.uuid4()}}}",
            account_id=secrets.token_hex(12),
            username=username,
            display_name=shown,
            now=host.now(),
        )
        if email is not None:
            await rows.add_email(tx, user.id, email.lower(), is_confirmed=is_confirmed)
    except rows.AlreadyUsed as exc:
        raise Conflict(f"There is a user {exc.args[0]!r} already.", "Nothing was changed.") from exc
    await _log(host, tx, "user created", user, actor)
    return user


def _check(username: str, display_name: str, email: str | None) -> None:
    check_username(username)
    check_name(display_name, "A user needs a display name.")
    if email is not None:
        check_email(email)


def check_username(username: str) -> None:
    """Raise `InvalidInput` if a text cannot be a user name."""
    if not _USERNAME.fullmatch(username):
        raise InvalidInput(
            f"{username!r} cannot be a user name.",
            "Use lower-case letters, digits, '-', '_' and '.', at most 62, beginning with a letter or digit.",
        )


def check_email(email: str) -> None:
    """Raise `InvalidInput` if a text is not an e-mail address."""
    if not (_EMAIL.fullmatch(email) and email.isprintable()):
        raise InvalidInput(f"{email!r} is not an e-mail address.", "Write it as in ann@acme.example.")


async def find_user(host: Host, name: str) -> User:
    """Return the user of a user name or a confirmed e-mail address. Raise `UserNotFound`.

    Otherwise an owner who invited a person with the address of another would get the roles that are given to the other.
    """
    user = await rows.find_by_name(host.store.database, name.lower(), only_confirmed=True)
    if user is None:
        raise UserNotFound(name)
    return user


async def find_account(host: Host, selected: str) -> User | None:
    """Return the user of a UUID in braces or an account id."""
    return await rows.find_account(host.store.database, selected)


async def get_account(host: Host, selected: str) -> User:
    """Return the user of a UUID in braces or an account id. Raise `NotFound`."""
    user = await find_account(host, selected)
    if user is None:
        raise NotFound(f"No user with identifier '{selected}'.", "Name the user by UUID in braces, or by account id.")
    return user


async def list_users(host: Host) -> list[User]:
    """Return all users by their names."""
    return await rows.list_users(host.store.database)


async def primary_emails(host: Host) -> Mapping[int, str]:
    """Return the primary e-mail address of each user who has one, by the user's id."""
    return await rows.primary_emails(host.store.database)


async def list_emails(host: Host, user: User | None) -> list[Email]:
    """Return a user's e-mail addresses. An app's account has none."""
    return [] if user is None else await rows.list_emails(host.store.database, user.id)


async def deactivate_user(host: Host, name: str) -> User:
    """End a user's password, tokens, SSH keys, sessions, OAuth grants and invitations; the user gets no others.

    Raise `UserNotFound` and `Conflict`.
    """
    from roadstead.storage import ssh_keys  # a start needs none of it

    user = await find_user(host, name)
    if user.id == OPERATOR_ID:
        raise Conflict("The operator cannot be deactivated.", "Revoke a token with: roadstead token-revoke ID")
    async with host.store.database.transaction() as tx:
        await rows.lock_user(tx, user.id)
        await rows.deactivate(tx, user.id)
        await credentials.end_all(tx, user.id)
        await ssh_keys.delete_keys_of(tx, user.id)
        await grants.end_grants_of(tx, user.id)
        await invitations.delete_invitations_of(tx, user.id)
        await passwords.drop_password(tx, user.id)
        await _log(host, tx, "user deactivated", user)
    return await find_user(host, name)


async def lock_active(tx: Transaction, user_id: int) -> User:
    """Return a user who stays active until the transaction ends. Raise `Conflict`."""
    user = await rows.lock_user(tx, user_id)
    if user is None or not user.is_active:
        raise Conflict("The user is deactivated.", "Only an active user gets tokens, sessions and roles.")
    return user


async def rename(host: Host, user: User, *, display_name: str, nickname: str) -> None:
    """Give a user other names that people see. Raise `InvalidInput`, and `Conflict` for one who is deactivated."""
    check_name(display_name.strip(), "A user needs a display name.")
    check_name(nickname.strip(), "A user needs a nickname.")
    async with host.store.database.transaction() as tx:
        await lock_active(tx, user.id)
        await rows.rename(tx, user.id, display_name=display_name.strip(), nickname=nickname.strip())
        await _log(host, tx, "user renamed", user, f"user {user.username}")


async def _log(host: Host, tx: Transaction, action: str, user: User, actor: str | None = None) -> None:
    await add_entry(tx, actor=actor or host.operator, action=action, subject=user.username, details={}, now=host.now())
