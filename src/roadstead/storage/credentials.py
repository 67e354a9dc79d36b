"""Tokens and sessions. A presented credential is never stored, only its SHA-256: each has 256 random bits.

A credential that expires later than one made just now was made by a process with a wrong clock, and is invalid:
otherwise it would be valid for as long as the clock was ahead.
"""

import hashlib
from datetime import datetime
from typing import Literal

from roadstead.listing import Field, Listing, PageRequest, Slice
from roadstead.model import AccessToken, ApiToken, ListedToken, TokenOwner, User
from roadstead.storage import Store
from roadstead.storage.database import Reader, Row, Transaction
from roadstead.storage.filters import Clause
from roadstead.storage.listing import Source, read_page
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import ACCESS_TOKENS, API_TOKENS, SESSIONS, USERS
from roadstead.storage.users import user_of

_COLUMNS = f"{API_TOKENS.of(ApiToken, 't')}, {API_TOKENS.of(TokenOwner, 't')}, {USERS.of(User, 'u')}"
_API_TOKENS = "FROM api_tokens t JOIN users u ON u.id = t.user_id"

_BY_ID = Listing(Field("id", int, "t.id", unique=True), order="id")

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
    tx: Transaction,
    token: str,
    *,
    name: str,
    user: User,
    scopes: tuple[str, ...] | None,
    now: datetime,
    expires_on: datetime | None,
    owner: TokenOwner | None,
    creator: User | None,
) -> ApiToken:
    """Add a user's token, or with an owner an access token, which may have a creator."""
    identity = await tx.insert(
        *API_TOKENS.insert(
            "RETURNING id",
            name=name,
            token_hash=hash_token(token),
            user_id=user.id,
            scopes=None if scopes is None else " ".join(scopes),
            created_on=to_text(now),
            expires_on=to_text(expires_on) if expires_on else None,
            workspace_id=owner and owner.workspace_id,
            project_id=owner and owner.project_id,
            repository_id=owner and owner.repository_id,
            creator_id=creator and creator.id,
        )
    )
    return ApiToken(identity, name, user, scopes, now, expires_on, None, owner)


async def find_api_token(reader: Reader, token: str) -> ApiToken | None:
    """Return the token, which may have expired."""
    rows = await reader.read(f"SELECT {_COLUMNS} {_API_TOKENS} WHERE t.token_hash = ?", hash_token(token))
    return _api_token(rows[0]) if rows else None


async def recall_api_token(store: Store, token: str) -> ApiToken | None:
    """Return the result of `find_api_token`, read once until the next commit."""
    known = await store.memory.latest()
    key = ApiToken, hash_token(token)
    found: ApiToken | None = known.get(key)
    if found is None:
        found = await find_api_token(store.database, token)
        if found is not None:
            known[key] = found
    return found


async def list_api_tokens(reader: Reader) -> list[ListedToken]:
    rows = await reader.read(
        f"SELECT w.slug, p.key, r.slug, {_COLUMNS} {_API_TOKENS} LEFT JOIN workspaces w ON w.id = t.workspace_id "
        "LEFT JOIN projects p ON p.id = t.project_id LEFT JOIN repositories r ON r.id = t.repository_id ORDER BY t.id"
    )
    return [ListedToken(_api_token(row[3:]), *row[:3]) for row in rows]


async def list_tokens_of(reader: Reader, user_id: int) -> list[ApiToken]:
    """Return a user's tokens in the order in which they were made."""
    statement = f"SELECT {_COLUMNS} {_API_TOKENS} WHERE t.user_id = ? ORDER BY t.id"
    return [_api_token(row) for row in await reader.read(statement, user_id)]


async def page_of_access_tokens(
    reader: Reader, owner: TokenOwner, wanted: PageRequest
) -> Slice[tuple[ApiToken, str | None]]:
    """Return a page of the access tokens of an owner in the order in which they were made, and the creators' names."""
    source = Source(
        "api_tokens t JOIN users u ON u.id = t.user_id LEFT JOIN users c ON c.id = t.creator_id",
        f"t.id, c.display_name, {_COLUMNS}",
        _owned_by(owner),
    )
    page = await read_page(reader.scan, source, _BY_ID, wanted)
    return page.of([(_api_token(row[2:]), row[1]) for row in page.items])


async def delete_access_token(tx: Transaction, owner: TokenOwner, token_id: int) -> bool:
    """Delete an access token of an owner; return whether there was one."""
    owned = _owned_by(owner)
    return await tx.run(f"DELETE FROM api_tokens AS t WHERE t.id = ? AND {owned.sql}", token_id, *owned.arguments) > 0


def _owned_by(owner: TokenOwner) -> Clause:
    if owner.repository_id is not None:
        return Clause("t.repository_id = ?", (owner.repository_id,))
    if owner.project_id is None:
        of_itself = "t.workspace_id = ? AND t.project_id IS NULL AND t.repository_id IS NULL"
        return Clause(of_itself, (owner.workspace_id,))
    return Clause("t.project_id = ?", (owner.project_id,))


async def delete_token_of(tx: Transaction, user_id: int, token_id: int) -> bool:
    """Delete a user's token; return whether there was one."""
    return await tx.run("DELETE FROM api_tokens WHERE id = ? AND user_id = ?", token_id, user_id) > 0


async def delete_api_token(tx: Transaction, token_id: int) -> bool:
    """Delete a token; return whether it existed."""
    return await tx.run("DELETE FROM api_tokens WHERE id = ?", token_id) > 0


async def drop_tokens_of_repository(tx: Transaction, repository_id: int) -> None:
    """Delete the access tokens of a repository."""
    await tx.run("DELETE FROM api_tokens WHERE repository_id = ?", repository_id)


async def note_use(tx: Transaction, token_id: int, now: datetime) -> None:
    await tx.run("UPDATE api_tokens SET last_used_on = ? WHERE id = ?", to_text(now), token_id)


async def end_all(tx: Transaction, user_id: int) -> None:
    """Delete a user's tokens, sessions and sign-in codes."""
    await tx.run("DELETE FROM api_tokens WHERE user_id = ?", user_id)
    await tx.run("DELETE FROM sessions WHERE user_id = ?", user_id)


async def end_sessions(tx: Transaction, user_id: int, *, but: str = "") -> None:
    """Delete a user's sessions and sign-in codes, but for one session."""
    await tx.run("DELETE FROM sessions WHERE user_id = ? AND token_hash <> ?", user_id, hash_token(but))


async def add_session(
    tx: Transaction, token: str, kind: SessionKind, user_id: int, *, now: datetime, expires_on: datetime
) -> None:
    await tx.run("DELETE FROM sessions WHERE expires_on < ?", to_text(now))
    await tx.run(
        *SESSIONS.insert(token_hash=hash_token(token), kind=kind, expires_on=to_text(expires_on), user_id=user_id)
    )


async def find_session(reader: Reader, token: str, kind: SessionKind, now: datetime, latest: datetime) -> User | None:
    """Return the user of a session, or of a sign-in code, if it is valid."""
    rows = await reader.read(
        f"SELECT {USERS.of(User, 'u')} FROM sessions s JOIN users u ON u.id = s.user_id "
        "WHERE s.token_hash = ? AND s.kind = ? AND s.expires_on > ? AND s.expires_on <= ?",
        hash_token(token),
        kind,
        to_text(now),
        to_text(latest),
    )
    return user_of(rows[0]) if rows else None


async def list_sessions(reader: Reader, user_id: int, current: str, now: datetime) -> list[tuple[datetime, bool]]:
    """Return the end of each of a user's sessions, the latest first, and whether it is the current one."""
    rows = await reader.read(
        "SELECT expires_on, token_hash FROM sessions WHERE user_id = ? AND kind = 'session' AND expires_on > ? "
        "ORDER BY expires_on DESC",
        user_id,
        to_text(now),
    )
    return [(from_text(expires_on), hashed == hash_token(current)) for expires_on, hashed in rows]


async def use_sign_in_code(tx: Transaction, code: str) -> bool:
    """Use a one-time code; return whether it was unused."""
    return await tx.run("DELETE FROM sessions WHERE token_hash = ? AND kind = 'sign-in'", hash_token(code)) > 0


async def delete_session(tx: Transaction, token: str) -> None:
    await tx.run("DELETE FROM sessions WHERE token_hash = ?", hash_token(token))


def _api_token(row: Row) -> ApiToken:
    identity, name, scopes, created_on, expires_on, last_used_on, workspace_id, project_id, repository_id, *user = row
    return ApiToken(
        identity,
        name,
        user_of(user),
        None if scopes is None else tuple(scopes.split()),
        from_text(created_on),
        from_text(expires_on) if expires_on else None,
        from_text(last_used_on) if last_used_on else None,
        None if workspace_id is None else TokenOwner(workspace_id, project_id, repository_id),
    )
