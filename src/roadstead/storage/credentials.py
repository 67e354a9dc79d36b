"""Tokens and sessions. A presented credential is never stored, only its SHA-256: each has 256 random bits.

A credential that expires later than one made just now was made by a process with a wrong clock, and is invalid:
otherwise it would be valid for as long as the clock was ahead.
"""

import hashlib
from datetime import datetime
from typing import Literal

from roadstead.model import AccessToken, ApiToken
from roadstead.storage.database import Reader, Transaction
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import ACCESS_TOKENS, API_TOKENS, SESSIONS

_API_TOKEN = API_TOKENS.of(ApiToken)

SessionKind = Literal["sign-in", "session"]


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


async def add_access_token(tx: Transaction, token: str, granted: AccessToken, now: datetime) -> None:
    # The row first: it locks the installation, which an uninstallation locks before the tokens.
    await tx.run(
        *ACCESS_TOKENS.insert(
            token_hash=hash_token(token),
            installation_id=granted.installation_id,
            scopes=" ".join(granted.scopes),
            repository=granted.repository,
            expires_on=to_text(granted.expires_on),
        )
    )
    await tx.run(
        "DELETE FROM access_tokens WHERE installation_id = ? AND expires_on < ?", granted.installation_id, to_text(now)
    )


async def drop_access_tokens(tx: Transaction, installation_id: int) -> None:
    await tx.run("DELETE FROM access_tokens WHERE installation_id = ?", installation_id)


async def find_access_token(reader: Reader, token: str, now: datetime, latest: datetime) -> AccessToken | None:
    rows = await reader.read(
        f"SELECT {ACCESS_TOKENS.of(AccessToken)} FROM access_tokens "
        "WHERE token_hash = ? AND expires_on > ? AND expires_on <= ?",
        hash_token(token),
        to_text(now),
        to_text(latest),
    )
    if not rows:
        return None
    installation_id, scopes, repository, expires_on = rows[0]
    return AccessToken(installation_id, tuple(scopes.split()), repository, from_text(expires_on))


async def add_api_token(
    tx: Transaction, token: str, *, name: str, now: datetime, expires_on: datetime | None
) -> ApiToken:
    identity = await tx.insert(
        *API_TOKENS.insert(
            "RETURNING id",
            name=name,
            token_hash=hash_token(token),
            created_on=to_text(now),
            expires_on=to_text(expires_on) if expires_on else None,
        )
    )
    return ApiToken(identity, name, now, expires_on)


async def find_api_token(reader: Reader, token: str, now: datetime, latest: datetime) -> ApiToken | None:
    """Return the token if it is valid. `latest` is the latest moment at which it may have been made."""
    rows = await reader.read(
        f"SELECT {_API_TOKEN} FROM api_tokens "
        "WHERE token_hash = ? AND (expires_on IS NULL OR (expires_on > ? AND created_on <= ?))",
        hash_token(token),
        to_text(now),
        to_text(latest),
    )
    return _api_token(*rows[0]) if rows else None


async def list_api_tokens(reader: Reader) -> list[ApiToken]:
    rows = await reader.read(f"SELECT {_API_TOKEN} FROM api_tokens ORDER BY id")
    return [_api_token(*row) for row in rows]


async def delete_api_token(tx: Transaction, token_id: int) -> bool:
    """Delete a token; return whether it existed."""
    return await tx.run("DELETE FROM api_tokens WHERE id = ?", token_id) > 0


async def add_session(tx: Transaction, token: str, kind: SessionKind, *, now: datetime, expires_on: datetime) -> None:
    await tx.run("DELETE FROM sessions WHERE expires_on < ?", to_text(now))
    await tx.run(*SESSIONS.insert(token_hash=hash_token(token), kind=kind, expires_on=to_text(expires_on)))


async def session_exists(reader: Reader, token: str, kind: SessionKind, now: datetime, latest: datetime) -> bool:
    return bool(
        await reader.read(
            "SELECT 1 FROM sessions WHERE token_hash = ? AND kind = ? AND expires_on > ? AND expires_on <= ?",
            hash_token(token),
            kind,
            to_text(now),
            to_text(latest),
        )
    )


async def use_sign_in_code(tx: Transaction, code: str) -> bool:
    """Use a one-time code; return whether it was unused."""
    return await tx.run("DELETE FROM sessions WHERE token_hash = ? AND kind = 'sign-in'", hash_token(code)) > 0


async def delete_session(tx: Transaction, token: str) -> None:
    await tx.run("DELETE FROM sessions WHERE token_hash = ?", hash_token(token))


def _api_token(identity: int, name: str, created_on: str, expires_on: str | None) -> ApiToken:
    return ApiToken(identity, name, from_text(created_on), from_text(expires_on) if expires_on else None)
