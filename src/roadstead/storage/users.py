"""People, and their e-mail addresses."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from roadstead.model import OPERATOR_ID, AccountKind, Email, User
from roadstead.storage.database import AlreadyThere, Reader, Transaction
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import EMAILS, USERS

_COLUMNS = USERS.of(User)
_SELECT = f"SELECT {_COLUMNS} FROM users"


class AlreadyUsed(Exception):
    """Another user has this user name or e-mail address."""


async def add_user(
    tx: Transaction,
    *,
    uuid: str,
    account_id: str,
    username: str,
    display_name: str,
    now: datetime,
    kind: AccountKind = "user",
) -> User:
    """Add an active account that is no administrator's. Raise `AlreadyUsed`."""
    cells = {
        "uuid": uuid,
        "account_id": account_id,
        "username": username,
        "nickname": username,
        "display_name": display_name,
        "created_on": to_text(now),
        "is_active": 1,
        "is_administrator": 0,
        "kind": kind,
    }
    try:
        identity = await tx.insert(*USERS.insert("RETURNING id", **cells))
    except AlreadyThere as exc:
        raise AlreadyUsed(username) from exc
    return user_of((identity, *cells.values()))


async def add_email(tx: Transaction, user_id: int, address: str, *, is_confirmed: bool) -> None:
    """Add a user's first address, which is the primary one. Raise `AlreadyUsed`."""
    cells = {"user_id": user_id, "address": address, "is_primary": 1, "is_confirmed": int(is_confirmed)}
    try:
        await tx.insert(*EMAILS.insert("RETURNING id", **cells))
    except AlreadyThere as exc:
        raise AlreadyUsed(address) from exc


async def find_user(reader: Reader, user_id: int) -> User | None:
    return _first(await reader.read(f"{_SELECT} WHERE id = ?", user_id))


async def find_account(reader: Reader, uuid_or_account_id: str) -> User | None:
    return _first(
        await reader.read(f"{_SELECT} WHERE uuid = ? OR account_id = ?", uuid_or_account_id, uuid_or_account_id)
    )


async def find_accounts(reader: Reader, account_ids: Sequence[str]) -> list[User]:
    """Return the accounts with these ids, of which there are at most some hundreds."""
    wanted = ", ".join("?" * len(account_ids))
    return [user_of(row) for row in await reader.read(f"{_SELECT} WHERE account_id IN ({wanted})", *account_ids)]


async def find_by_name(reader: Reader, username_or_email: str, *, only_confirmed: bool = False) -> User | None:
    """Return the person of a name, or of an e-mail address: the account of an access token goes by none."""
    return _first(
        await reader.read(
            f"{_SELECT} WHERE kind = 'user' AND "
            "(username = ? OR id = (SELECT user_id FROM emails WHERE address = ? AND is_confirmed >= ?))",
            username_or_email,
            username_or_email,
            int(only_confirmed),
        )
    )


async def find_by_emails(reader: Reader, addresses: Sequence[str]) -> Mapping[str, User]:
    """Return the people who have confirmed some of these e-mail addresses, by address."""
    if not addresses:
        return {}
    rows = await reader.read(
        f"SELECT e.address, {USERS.of(User, 'u')} FROM emails e JOIN users u ON u.id = e.user_id "
        f"WHERE e.is_confirmed = 1 AND e.address IN ({', '.join('?' * len(addresses))})",
        *addresses,
    )
    return {address: user_of(row) for address, *row in rows}


async def lock_user(tx: Transaction, user_id: int) -> User | None:
    """Return a user, whom no other transaction changes until this one ends."""
    return _first(await tx.read(f"{_SELECT} WHERE id = ?{tx.dialect.for_update}", user_id))


async def list_users(reader: Reader) -> list[User]:
    return [user_of(row) for row in await reader.scan(f"{_SELECT} WHERE kind = 'user' ORDER BY username")]


async def list_emails(reader: Reader, user_id: int) -> list[Email]:
    """Return a user's addresses in the order in which they were added."""
    rows = await reader.read(f"SELECT {EMAILS.of(Email)} FROM emails WHERE user_id = ? ORDER BY id", user_id)
    return [Email(address, bool(is_primary), bool(is_confirmed)) for address, is_primary, is_confirmed in rows]


async def primary_emails(reader: Reader) -> Mapping[int, str]:
    """Return the primary address of each user who has one, by the user's id."""
    return dict(await reader.scan("SELECT user_id, address FROM emails WHERE is_primary = 1"))


async def rename(tx: Transaction, user_id: int, *, display_name: str, nickname: str) -> None:
    await tx.run("UPDATE users SET display_name = ?, nickname = ? WHERE id = ?", display_name, nickname, user_id)


async def deactivate(tx: Transaction, user_id: int) -> None:
    await tx.run("UPDATE users SET is_active = 0 WHERE id = ?", user_id)


async def deactivate_account_of(tx: Transaction, token_id: int) -> None:
    """Deactivate the account of an access token, so that no request of the token changes anything any more."""
    await tx.run(
        "UPDATE users SET is_active = 0 WHERE kind <> 'user' AND id = (SELECT user_id FROM api_tokens WHERE id = ?)",
        token_id,
    )


async def adopt_operator(tx: Transaction) -> None:
    """Give the operator the identity that is among the facts, as in a state from before there were users."""
    await tx.run(
        "UPDATE users SET uuid = COALESCE((SELECT value FROM facts WHERE name = 'operator_uuid'), uuid), "
        "account_id = COALESCE((SELECT value FROM facts WHERE name = 'operator_account_id'), account_id) WHERE id = ?",
        OPERATOR_ID,
    )


def user_of(row: Sequence[Any]) -> User:
    """Return the user of a row with the columns of the model."""
    cells = [*row]
    cells[_CREATED_ON] = from_text(cells[_CREATED_ON])
    cells[_IS_ACTIVE], cells[_IS_ADMINISTRATOR] = bool(cells[_IS_ACTIVE]), bool(cells[_IS_ADMINISTRATOR])
    return User(*cells)


_CREATED_ON, _IS_ACTIVE, _IS_ADMINISTRATOR = map(
    User.__match_args__.index, ("created_on", "is_active", "is_administrator")
)


def _first(rows: Sequence[Sequence[Any]]) -> User | None:
    return user_of(rows[0]) if rows else None
