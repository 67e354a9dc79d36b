"""Tokens that apps get for their JWT, tokens of users, and sessions on the pages."""

import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from urllib.parse import quote

from roadstead.accounts import Session
from roadstead.connect.scopes import RENAMED, SCOPES, UnknownScope, implied_by, parse_scopes, parse_token_scopes
from roadstead.domain.apps.descriptors import stored_descriptor
from roadstead.domain.apps.installations import get_installed
from roadstead.domain.host import Host
from roadstead.domain.names import check_name
from roadstead.domain.people.users import add_user, lock_active
from roadstead.errors import InvalidInput, NotFound, StorageUnavailable
from roadstead.model import OPERATOR_ID, AccessToken, ApiToken, Identity, ListedToken, TokenOwner, User
from roadstead.storage import credentials as rows
from roadstead.storage import users
from roadstead.storage.audit import add_entry
from roadstead.storage.database import Transaction

ACCESS_TOKEN_LIFETIME = timedelta(hours=1)
SIGN_IN_LIFETIME = timedelta(hours=12)
SESSION_LIFETIME = timedelta(days=7)


_OF_USER = "rst_"
"""The beginning of the tokens of users."""
_WITH_USER = "made with the user"
"""The name of a token that is created together with its user."""
_ANY_USER = ("x-bitbucket-api-token-auth", "x-token-auth")
"""The user names with which git sends the token of any user, and of an app, a workspace, a project or a repository."""
CLOCKS_DIFFER = timedelta(minutes=1)
"""The maximum difference between the clocks of several hosts on one database."""


async def exchange(
    host: Host, installation_id: int, *, scopes: Sequence[str], repository: str | None
) -> tuple[str, AccessToken]:
    """Return a Bearer token for the account the app is installed on; without scopes it has all of the app's.

    Raise `InvalidInput` when a scope is not among the app's.
    """
    installation = await get_installed(host, installation_id)
    granted = stored_descriptor(installation.descriptor).effective_scopes
    wanted = [RENAMED.get(scope, scope) for scope in scopes]
    available = implied_by(granted)
    refused = sorted(set(wanted) - available)
    if refused:
        raise InvalidInput(
            f"The app has no scope {refused[0][:60]!r}.", f"It may ask for: {' '.join(sorted(available))}"
        )
    token = secrets.token_urlsafe(48)
    access = AccessToken(
        installation_id,
        tuple(wanted) or tuple(sorted(granted)),
        repository,
        host.now() + ACCESS_TOKEN_LIFETIME,
    )
    async with host.store.database.transaction() as tx:
        await get_installed(host, installation_id, tx)  # it may have been removed meanwhile, and its tokens with it
        await rows.add_access_token(tx, token, access, host.now())
    return token, access


async def scopes_of(host: Host, identity: Identity) -> Collection[str] | None:
    """Return the scopes that a credential was granted; `None` for a user's without such a limit."""
    if identity.scopes is not None or identity.installation_id is None:
        return identity.scopes
    installation = await get_installed(host, identity.installation_id)
    return stored_descriptor(installation.descriptor).effective_scopes


async def find_access_token(host: Host, token: str) -> AccessToken | None:
    now = host.now()
    return await rows.find_access_token(host.store.database, token, now, now + ACCESS_TOKEN_LIFETIME + CLOCKS_DIFFER)


async def create_api_token(
    host: Host,
    name: str,
    lifetime: timedelta | None,
    *,
    user_id: int = OPERATOR_ID,
    scopes: str | None = None,
    actor: str | None = None,
) -> tuple[str, ApiToken]:
    """Create a user's token for the API; it is shown now and never again. Without scopes it has all of them."""
    check_name(name, "A token needs a name.")
    granted = token_scopes(scopes)
    async with host.store.database.transaction() as tx:
        user = await lock_active(tx, user_id)
        return await _add_api_token(host, tx, user, name, granted, lifetime, actor=actor)


async def create_user_with_token(
    host: Host, username: str, *, display_name: str | None = None, email: str | None = None
) -> tuple[User, str]:
    """Create a user and a token with all scopes, both or neither. Raise as `create_user` does."""
    async with host.store.database.transaction() as tx:
        user = await add_user(host, tx, username, display_name=display_name, email=email)
        token, _ = await _add_api_token(host, tx, user, _WITH_USER, None, None)
    return user, token


async def _add_api_token(
    host: Host,
    tx: Transaction,
    user: User,
    name: str,
    scopes: tuple[str, ...] | None,
    lifetime: timedelta | None,
    *,
    actor: str | None = None,
) -> tuple[str, ApiToken]:
    token, made = await add_token(host, tx, user, name, scopes, lifetime)
    await _log(host, tx, "API token made", f"{made.id} {name}", user, actor=actor)
    return token, made


async def add_token(
    host: Host,
    tx: Transaction,
    account: User,
    name: str,
    scopes: tuple[str, ...] | None,
    lifetime: timedelta | None,
    owner: TokenOwner | None = None,
    creator: User | None = None,
) -> tuple[str, ApiToken]:
    """Add a token of an account: a user's, or with an owner an access token, which may have a creator."""
    token = f"{_OF_USER}{secrets.token_urlsafe(32)}"
    now = host.now()
    expires_on = now + lifetime if lifetime else None
    return token, await rows.add_api_token(
        tx,
        token,
        name=name,
        user=account,
        scopes=scopes,
        now=now,
        expires_on=expires_on,
        owner=owner,
        creator=creator,
    )


def token_scopes(text: str | None) -> tuple[str, ...] | None:
    """Return the scopes that an operator names for a token, which may be granular ones, or `None` for all.

    Raise `InvalidInput`.
    """
    return None if text is None else granted_scopes(text, parse_token_scopes)


def granted_scopes(text: str, parse: Callable[[str], Iterable[str]] = parse_scopes) -> tuple[str, ...]:
    """Return the scopes that an operator names, by their present names. Raise `InvalidInput`."""
    try:
        scopes = tuple(sorted(parse(text)))
    except UnknownScope as exc:
        raise InvalidInput(
            str(exc),
            f"Did you mean {exc.suggestion}?" if exc.suggestion else f"There are: {', '.join(sorted(SCOPES))}.",
        ) from exc
    if not scopes:
        raise InvalidInput("No scope is named.", "Name the scopes that the token needs, or none for all.")
    return scopes


async def find_api_token(host: Host, token: str) -> ApiToken | None:
    """Return the token if it is valid, and note its use."""
    found = await rows.recall_api_token(host.store, token)
    if found is None or not _is_in_force(found, host.now()):
        return None
    if not host.token_uses.take(found.id):
        host.run_later(_note_use(host, found.id))
    return found


def _is_in_force(token: ApiToken, now: datetime) -> bool:
    """Return whether a token has not expired. If it expires, it must not be made in the future, as after a clock that
    was wrong.
    """
    return token.expires_on is None or (now < token.expires_on and token.created_on <= now + CLOCKS_DIFFER)


async def find_token(host: Host, token: str) -> Identity | None:
    """Return the app's or the user's token. Its beginning tells where it is likely to be, which is read first."""
    if token.startswith(_OF_USER):
        return await find_api_token(host, token) or await find_access_token(host, token)
    return await find_access_token(host, token) or await find_api_token(host, token)


async def _note_use(host: Host, token_id: int) -> None:
    with suppress(StorageUnavailable):
        async with host.store.database.transaction() as tx:
            await rows.note_use(tx, token_id, host.now())


async def goes_by(host: Host, identity: Identity, name: str) -> bool:
    """Return whether a credential may be sent with a user name: that of its user, or an e-mail address.

    The operator's tokens and those of apps are sent with any, and git sends every token with a name for all.
    """
    user = identity.user
    if user is None or user.id == OPERATOR_ID or name in _ANY_USER:
        return True
    found = await users.find_by_name(host.store.database, name.lower())
    return found is not None and found.id == user.id


async def list_api_tokens(host: Host) -> list[ListedToken]:
    """Return the tokens of all users, and the access tokens of workspaces and projects."""
    return await rows.list_api_tokens(host.store.database)


async def revoke_api_token(host: Host, token_id: int) -> None:
    """Revoke a user's token or an access token. Raise `NotFound`."""
    async with host.store.database.transaction() as tx:
        await users.deactivate_account_of(tx, token_id)
        if not await rows.delete_api_token(tx, token_id):
            raise NotFound(f"There is no token {token_id}.", "List them with: roadstead token-list")
        await _log(host, tx, "API token revoked", str(token_id))


async def list_tokens_of(host: Host, user: User) -> list[ApiToken]:
    """Return a user's tokens in the order in which they were made."""
    return await rows.list_tokens_of(host.store.database, user.id)


async def revoke_token_of(host: Host, user: User, token_id: int) -> None:
    """Revoke a user's own token. Raise `NotFound`, also for another user's."""
    async with host.store.database.transaction() as tx:
        if not await rows.delete_token_of(tx, user.id, token_id):
            raise NotFound(f"You have no token {token_id}.", "It may have been revoked.")
        await _log(host, tx, "API token revoked", str(token_id), user, actor=f"user {user.username}")


async def sign_in_link(host: Host, path: str = "/", *, user_id: int = OPERATOR_ID) -> str:
    """Return a link that signs a user in once, within 12 hours, and leads to the page at `path`."""
    code = secrets.token_urlsafe(24)
    now = host.now()
    async with host.store.database.transaction() as tx:
        user = await lock_active(tx, user_id)
        await rows.add_session(tx, code, "sign-in", user.id, now=now, expires_on=now + SIGN_IN_LIFETIME)
        await _log(host, tx, "sign-in link made", "pages", user)
    return f"{host.base_url}/-/sign-in?code={code}{'' if path == '/' else f'&next={quote(path)}'}"


async def sign_in(host: Host, code: str) -> str | None:
    """Exchange a one-time code for a session's token; return `None` if the code is used, old or invented."""
    now = host.now()
    latest = now + SIGN_IN_LIFETIME + CLOCKS_DIFFER
    user = await rows.find_session(host.store.database, code, "sign-in", now, latest)
    if user is None:
        return None  # before it costs a write, which anyone could cause
    async with host.store.database.transaction() as tx:
        await users.lock_user(tx, user.id)
        if not await rows.use_sign_in_code(tx, code):
            return None
        actor = None if user.id == OPERATOR_ID else f"user {user.username}"
        await _log(host, tx, "sign-in link used", "pages", user, actor=actor)
        return await begin_session(host, tx, user)


async def begin_session(host: Host, tx: Transaction, user: User) -> str:
    """Return the token of a new session of a user, whom the transaction has locked."""
    session, now = secrets.token_urlsafe(32), host.now()
    await rows.add_session(tx, session, "session", user.id, now=now, expires_on=now + SESSION_LIFETIME)
    return session


async def find_session_user(host: Host, session: str) -> User | None:
    """Return the user who is signed in with a session."""
    now = host.now()
    latest = now + SESSION_LIFETIME + CLOCKS_DIFFER
    return await rows.find_session(host.store.database, session, "session", now, latest)


async def list_sessions(host: Host, user: User, current: str) -> list[Session]:
    """Return a user's sessions, the latest first."""
    found = await rows.list_sessions(host.store.database, user.id, current, host.now())
    return [Session(ends - SESSION_LIFETIME, ends, is_current) for ends, is_current in found]


async def end_other_sessions(host: Host, user: User, current: str) -> None:
    """End all sessions of a user but one, and the sign-in links that are not used."""
    async with host.store.database.transaction() as tx:
        await rows.end_sessions(tx, user.id, but=current)
        await _log(host, tx, "other sessions ended", user.username, user, actor=f"user {user.username}")


async def sign_out(host: Host, session: str) -> None:
    async with host.store.database.transaction() as tx:
        await rows.delete_session(tx, session)


async def _log(
    host: Host, tx: Transaction, action: str, subject: str, user: User | None = None, *, actor: str | None = None
) -> None:
    details = {} if user is None or user.id == OPERATOR_ID else {"user": user.username}
    await add_entry(tx, actor=actor or host.operator, action=action, subject=subject, details=details, now=host.now())
