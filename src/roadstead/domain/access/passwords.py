"""Passwords of users: for the pages alone, never for the API or git.

Hashing takes memory and a processor. One password at a time is hashed in a process, in a thread, and callers take
turns, so that one who tries many delays no one else.
"""

import asyncio
import unicodedata
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from roadstead.domain.access.credentials import begin_session, sign_in_link
from roadstead.domain.access.wrong_secrets import check_wait, right_secret, wrong_secret
from roadstead.domain.host import Host
from roadstead.domain.people.users import find_user, lock_active
from roadstead.errors import Conflict, InvalidInput
from roadstead.model import User
from roadstead.storage import credentials, users
from roadstead.storage import passwords as rows
from roadstead.storage.audit import add_entry
from roadstead.storage.database import Transaction

SHORTEST, LONGEST = 12, 256
"""Characters. NIST advises length over rules about characters; a long one costs no more time than a short one."""

P = ParamSpec("P")
R = TypeVar("R")


async def hash_new(host: Host, password: str, caller: str) -> str:
    """Return the hash of a new password. Raise `InvalidInput` for one that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(
            f"A password has {SHORTEST} to {LONGEST} characters.",
            "Several words are easy to remember, and long enough.",
        )
    return await _in_turn(host, caller, _hash, password)


async def sign_in(host: Host, name: str, password: str, caller: str, *, ending: str | None = None) -> str | None:
    """Return the token of a new session for a user name or e-mail address and its password, or `None`.

    The session `ending`, in which the browser was before, ends. An unknown name takes as long as a wrong password.
    Raise `TooManyGuesses`.
    """
    user = await users.find_by_name(host.store.database, name.lower())
    stored = await rows.find_hash(host.store.database, user.id if user else 0)
    account = user.username if user else name.lower()
    if not await _is_right(host, account, stored, password, caller) or user is None or stored is None:
        return None
    better = await _in_turn(host, caller, _hash_again, stored, password)
    async with host.store.database.transaction() as tx:
        if not await _still_holds(tx, user.id, stored):
            return None
        if better is not None:
            await rows.keep_hash(tx, user.id, better, host.now())
        if ending is not None:
            await credentials.delete_session(tx, ending)
        await _log(host, tx, "signed in with password", user)
        return await begin_session(host, tx, user)


async def change(host: Host, user: User, old: str, new: str, caller: str, *, staying: str) -> bool:
    """Give a user another password, and end all sessions but the one that stays. Return whether the old one is right.

    A user without a password needs no old one. Raise `InvalidInput`, `Conflict` and `TooManyGuesses`.
    """
    stored = await rows.find_hash(host.store.database, user.id)
    if stored is not None and not await _is_right(host, user.username, stored, old, caller):
        return False
    hashed = await hash_new(host, new, caller)
    async with host.store.database.transaction() as tx:
        await lock_active(tx, user.id)
        if await rows.find_hash(tx, user.id) != stored:
            raise Conflict("The password was changed meanwhile.", "Nothing was changed.")
        await rows.keep_hash(tx, user.id, hashed, host.now())
        await credentials.end_sessions(tx, user.id, but=staying)
        await _log(host, tx, "password changed", user)
    return True


async def reset(host: Host, name: str) -> str:
    """Remove a user's password, end the user's sessions, and return a link that leads to where another is set.

    Raise `UserNotFound` and `Conflict`.
    """
    user = await find_user(host, name)
    async with host.store.database.transaction() as tx:
        await lock_active(tx, user.id)
        await rows.drop_password(tx, user.id)
        await credentials.end_sessions(tx, user.id)
        await add_entry(
            tx, actor=host.operator, action="password reset", subject=user.username, details={}, now=host.now()
        )
    return await sign_in_link(host, "/-/profile", user_id=user.id)


async def has_password(host: Host, user: User) -> bool:
    """Return whether a user has a password."""
    return await rows.find_hash(host.store.database, user.id) is not None


async def _still_holds(tx: Transaction, user_id: int, stored: str) -> bool:
    """Return whether a user is active and has the same password as when it was checked, until the transaction ends."""
    user = await users.lock_user(tx, user_id)
    return user is not None and user.is_active and await rows.find_hash(tx, user_id) == stored


async def _is_right(host: Host, account: str, stored: str | None, password: str, caller: str) -> bool:
    """Return whether a password is right, and count it if not.

    The wait is checked in the caller's turn, so that guesses which are sent at once are counted one after the other.
    """
    async with host.hashing.turn(caller):
        check_wait(host, "password", account, caller)
        is_right = await asyncio.to_thread(_verify, stored, password)
        if is_right:
            right_secret(host, "password", account, caller)
        else:
            wrong_secret(host, "password", account, caller)
    return is_right


async def _in_turn(host: Host, caller: str, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do work in a thread when it is the caller's turn. Raise `HostBusy` and `TooMuchAtOnce`."""
    async with host.hashing.turn(caller):
        return await asyncio.to_thread(work, *args, **kwargs)


# In the thread, where the import delays no request.


def _verify(stored: str | None, password: str) -> bool:
    from roadstead.domain.access import hashing

    return hashing.verify(stored, _bytes(password))


def _hash(password: str) -> str:
    from roadstead.domain.access import hashing

    return hashing.hash_password(_bytes(password))


def _hash_again(stored: str, password: str) -> str | None:
    """Return a hash with today's parameters if the stored one has others."""
    from roadstead.domain.access import hashing

    return hashing.hash_password(_bytes(password)) if hashing.is_outdated(stored) else None


def _bytes(password: str) -> bytes:
    """Return a password in one form, whichever keyboard it was typed on."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


async def _log(host: Host, tx: Transaction, action: str, user: User) -> None:
    actor = f"user {user.username}"
    await add_entry(tx, actor=actor, action=action, subject=user.username, details={}, now=host.now())
