"""What users let consumers do, and the codes and tokens that follow from it, each stored as its SHA-256."""

from datetime import datetime
from typing import Literal

import msgspec

from roadstead.accounts import Consent
from roadstead.model import Grant, GrantedToken, User
from roadstead.storage.credentials import hash_token
from roadstead.storage.database import Reader, Transaction
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import OAUTH_GRANTS, OAUTH_TOKENS, USERS
from roadstead.storage.users import user_of

Kind = Literal["code", "access", "refresh"]

_USER = USERS.of(User, "u")


class Presented(msgspec.Struct, frozen=True):
    """A code or a refresh token that a consumer presents, and the grant that it is of."""

    grant: Grant
    is_used: bool
    expires_on: datetime


async def add_grant(
    tx: Transaction,
    consumer_id: int,
    user: User,
    scopes: tuple[str, ...],
    *,
    redirect_uri: str | None,
    challenge: str | None,
    by_consent: bool,
    now: datetime,
) -> Grant:
    """Add a grant without tokens, and delete the consumer's grants whose tokens have all expired."""
    await tx.run("DELETE FROM oauth_grants WHERE consumer_id = ? AND expires_on < ?", consumer_id, to_text(now))
    identity = await tx.insert(
        *OAUTH_GRANTS.insert(
            "RETURNING id",
            consumer_id=consumer_id,
            user_id=user.id,
            scopes=" ".join(scopes),
            redirect_uri=redirect_uri,
            challenge=challenge,
            expires_on=to_text(now),
            by_consent=int(by_consent),
        )
    )
    return Grant(identity, consumer_id, user, scopes, redirect_uri, challenge)


async def add_token(tx: Transaction, grant: Grant, token: str, kind: Kind, expires_on: datetime) -> None:
    """Add a token to a grant, which lasts at least as long."""
    until = to_text(expires_on)
    await tx.run("UPDATE oauth_grants SET expires_on = ? WHERE id = ? AND expires_on < ?", until, grant.id, until)
    await tx.run(
        *OAUTH_TOKENS.insert(token_hash=hash_token(token), grant_id=grant.id, kind=kind, is_used=0, expires_on=until)
    )


async def lock_presented(tx: Transaction, token: str, kind: Kind) -> Presented | None:
    """Return a code or a refresh token, whose grant no other transaction uses or ends until this one ends."""
    # Without the user: an owner who changes or deletes a consumer locks the own row before the grants.
    locked = f"{tx.dialect.for_update} OF g, t" if tx.dialect.for_update else ""
    rows = await tx.read(
        f"SELECT t.is_used, t.expires_on, g.id, g.consumer_id, g.scopes, g.redirect_uri, g.challenge, {_USER} "
        "FROM oauth_grants g JOIN oauth_tokens t ON t.grant_id = g.id JOIN users u ON u.id = g.user_id "
        f"WHERE t.token_hash = ? AND t.kind = ?{locked}",
        hash_token(token),
        kind,
    )
    if not rows:
        return None
    is_used, expires_on, identity, consumer_id, scopes, redirect_uri, challenge, *user = rows[0]
    grant = Grant(identity, consumer_id, user_of(user), tuple(scopes.split()), redirect_uri, challenge)
    return Presented(grant, bool(is_used), from_text(expires_on))


async def use_token(tx: Transaction, grant: Grant, token: str, now: datetime) -> None:
    """Note that a code or a refresh token is used, and delete the expired tokens of its grant."""
    await tx.run("UPDATE oauth_tokens SET is_used = 1 WHERE token_hash = ?", hash_token(token))
    await tx.run("DELETE FROM oauth_tokens WHERE grant_id = ? AND expires_on < ?", grant.id, to_text(now))


async def find_granted(reader: Reader, token: str) -> GrantedToken | None:
    """Return an access token, also one that has expired."""
    rows = await reader.read(
        f"SELECT t.expires_on, g.scopes, {_USER} FROM oauth_tokens t "
        "JOIN oauth_grants g ON g.id = t.grant_id JOIN users u ON u.id = g.user_id "
        "WHERE t.token_hash = ? AND t.kind = 'access'",
        hash_token(token),
    )
    if not rows:
        return None
    expires_on, scopes, *user = rows[0]
    return GrantedToken(user_of(user), tuple(scopes.split()), from_text(expires_on))


async def list_consents(reader: Reader, user_id: int, now: datetime) -> list[Consent]:
    """Return what a user consented to, as far as its tokens have not expired."""
    rows = await reader.read(
        "SELECT g.id, c.name, w.name, g.scopes, g.expires_on FROM oauth_grants g "
        "JOIN consumers c ON c.id = g.consumer_id JOIN workspaces w ON w.id = c.workspace_id "
        "WHERE g.user_id = ? AND g.by_consent = 1 AND g.expires_on > ? ORDER BY g.id",
        user_id,
        to_text(now),
    )
    return [
        Consent(identity, consumer, workspace, tuple(scopes.split()), from_text(expires_on))
        for identity, consumer, workspace, scopes, expires_on in rows
    ]


async def scopes_of_grants(tx: Transaction, consumer_id: int) -> list[tuple[str, ...]]:
    """Return the different scopes that the grants of a consumer have."""
    rows = await tx.read("SELECT DISTINCT scopes FROM oauth_grants WHERE consumer_id = ?", consumer_id)
    return [tuple(scopes.split()) for (scopes,) in rows]


async def change_scopes(tx: Transaction, consumer_id: int, old: tuple[str, ...], new: tuple[str, ...]) -> None:
    """Give the grants of a consumer that have some scopes others; without any, delete them with all their tokens."""
    which, named = "WHERE consumer_id = ? AND scopes = ?", (consumer_id, " ".join(old))
    if new:
        await tx.run(f"UPDATE oauth_grants SET scopes = ? {which}", " ".join(new), *named)
    else:
        await tx.run(f"DELETE FROM oauth_grants {which}", *named)


async def end_consent(tx: Transaction, user_id: int, grant_id: int) -> bool:
    """Delete a user's grant with all its tokens; return whether there was one."""
    return await tx.run("DELETE FROM oauth_grants WHERE id = ? AND user_id = ?", grant_id, user_id) > 0


async def end_grant(tx: Transaction, grant: Grant) -> None:
    """Delete a grant with all its tokens."""
    await tx.run("DELETE FROM oauth_grants WHERE id = ?", grant.id)


async def end_grants_of(tx: Transaction, user_id: int) -> None:
    """Delete all that a user let consumers do."""
    await tx.run("DELETE FROM oauth_grants WHERE user_id = ?", user_id)
