"""What users let OAuth consumers do: the code of a consent, and the tokens that follow from it.

One consent is one grant. Its code and each of its refresh tokens are used once: a second use means that two parties
have it, and ends the grant with every token.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from roadstead.accounts import Consent
from roadstead.connect.scopes import UnknownScope, implied_by, parse_scopes
from roadstead.domain.access.credentials import CLOCKS_DIFFER
from roadstead.domain.host import Host
from roadstead.domain.people.users import lock_active
from roadstead.errors import Conflict, InvalidInput, NotAuthenticated, NotFound
from roadstead.model import Consumer, Grant, GrantedToken, User
from roadstead.storage import consumers as consumer_rows
from roadstead.storage import grants as rows
from roadstead.storage.audit import add_entry
from roadstead.storage.database import Transaction

CODE_LIFETIME = timedelta(minutes=10)
"""The most that RFC 6749 recommends."""
TOKEN_LIFETIME = timedelta(hours=2)
REFRESH_LIFETIME = timedelta(days=90)
"""Of each refresh token, so a consumer that is not used for so long needs a new consent."""
PREFIX = "roa_"
"""The beginning of an access token, so that only such a token is looked for among those of consumers."""
_LIFETIMES: Mapping[rows.Kind, timedelta] = {
    "code": CODE_LIFETIME,
    "access": TOKEN_LIFETIME,
    "refresh": REFRESH_LIFETIME,
}
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)
"""As RFC 7636 has them."""

OAuthError = Literal[
    "access_denied",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
]


class Refused(InvalidInput):
    """A refusal as OAuth 2 defines it: `error` is its code, and the message its description."""

    def __init__(self, error: OAuthError, description: str) -> None:
        super().__init__(description)
        self.error = error


@dataclass(frozen=True, slots=True)
class Asked:
    """What a consumer asks a user for. `redirect_uri` is `None` if the request names none."""

    consumer: Consumer
    scopes: tuple[str, ...]
    redirect_uri: str | None
    challenge: str | None


@dataclass(frozen=True, slots=True)
class Issued:
    """The tokens that a consumer gets."""

    access_token: str
    refresh_token: str
    scopes: tuple[str, ...]


def read_asked(consumer: Consumer, query: Mapping[str, str]) -> Asked:
    """Return what a request for a code asks for. Raise `Refused`."""
    if "response_type" not in query:
        raise Refused("invalid_request", "response_type is missing.")
    if query["response_type"] != "code":
        raise Refused("unsupported_response_type", "response_type must be code.")
    return Asked(consumer, scopes_for(consumer, query.get("scope")), query.get("redirect_uri"), _challenge(query))


def scopes_for(consumer: Consumer, wanted: str | None) -> tuple[str, ...]:
    """Return the scopes that a text names, or all of the consumer's. Raise `Refused` for one it does not have."""
    if wanted is None:
        return consumer.scopes
    try:
        scopes = tuple(sorted(parse_scopes(wanted)))
    except UnknownScope as exc:
        raise Refused("invalid_scope", str(exc)) from exc
    refused = set(scopes) - implied_by(consumer.scopes)
    if refused or not scopes:
        raise Refused("invalid_scope", f"The consumer may ask for: {' '.join(consumer.scopes)}")
    return scopes


def _challenge(query: Mapping[str, str]) -> str | None:
    """Return the challenge of PKCE. A method without one is a mistake, and `plain` would protect nothing."""
    challenge, method = query.get("code_challenge"), query.get("code_challenge_method")
    if challenge is None and method is None:
        return None
    if method != "S256":
        raise Refused("invalid_request", "code_challenge_method must be S256.")
    if challenge is None or not _CHALLENGE.fullmatch(challenge):
        raise Refused("invalid_request", "code_challenge must be the base64url text of a SHA-256.")
    return challenge


async def list_consents(host: Host, user: User) -> list[Consent]:
    """Return what a user consented to."""
    return await rows.list_consents(host.store.database, user.id, host.now())


async def end_consent(host: Host, user: User, grant_id: int) -> None:
    """End one consent of a user with all its tokens, before this returns. Raise `NotFound`."""
    async with host.store.database.transaction() as tx:
        if not await rows.end_consent(tx, user.id, grant_id):
            raise NotFound("There is no such consent.", "It may have ended.")
        actor, details, now = f"user {user.username}", {"id": grant_id}, host.now()
        await add_entry(tx, actor=actor, action="OAuth consent ended", subject=user.username, details=details, now=now)


async def consent(host: Host, user: User, asked: Asked) -> str:
    """Let a consumer do what it asks for, as this user; return the code. Raise `Conflict`."""
    async with host.store.database.transaction() as tx:
        grant = await _add_grant(host, tx, user, asked, by_consent=True)
        code = await _add_token(host, tx, grant, "code")
        await _log(host, tx, f"user {user.username}", "OAuth access granted", asked.consumer, grant)
    return code


async def _add_grant(host: Host, tx: Transaction, user: User, asked: Asked, *, by_consent: bool) -> Grant:
    await lock_active(tx, user.id)
    # The scopes and the address were judged by the consumer as it was read.
    if not await consumer_rows.lock_consumer(tx, asked.consumer):
        raise Conflict("The consumer was changed or deleted.", "Nothing was changed. Ask again.")
    return await rows.add_grant(
        tx,
        asked.consumer.id,
        user,
        asked.scopes,
        redirect_uri=asked.redirect_uri,
        challenge=asked.challenge,
        by_consent=by_consent,
        now=host.now(),
    )


async def redeem(
    host: Host, consumer: Consumer, code: str, *, redirect_uri: str | None, verifier: str | None
) -> Issued:
    """Return tokens for a code. Raise `Refused`."""

    def fits(grant: Grant) -> bool:
        return _same_address(grant, consumer, redirect_uri) and _proves(verifier, grant.challenge)

    return await _exchange(host, consumer, code, "code", fits)


async def refresh(host: Host, consumer: Consumer, token: str, wanted: str | None) -> Issued:
    """Return new tokens for a refresh token, which is used up. Raise `Refused`, also for other scopes than before."""

    def fits(grant: Grant) -> bool:
        if wanted is not None and scopes_for(consumer, wanted) != grant.scopes:
            raise Refused("invalid_scope", f"The token has: {' '.join(grant.scopes)}")
        return True

    return await _exchange(host, consumer, token, "refresh", fits)


async def act_as_owner(host: Host, consumer: Consumer, wanted: str | None) -> Issued:
    """Return tokens of the consumer's owner, who need not consent. Raise `Refused`."""
    asked = Asked(consumer, scopes_for(consumer, wanted), None, None)
    try:
        async with host.store.database.transaction() as tx:
            grant = await _add_grant(host, tx, consumer.owner, asked, by_consent=False)
            return await _issue(host, tx, consumer, grant, "client_credentials")
    except Conflict as exc:
        raise Refused("unauthorized_client", f"{exc.message} {exc.detail}") from exc


async def keep_within(tx: Transaction, consumer: Consumer) -> None:
    """Take from the grants of a changed consumer what it may not ask for any more; one that has nothing left ends."""
    allowed = implied_by(consumer.scopes)
    for scopes in await rows.scopes_of_grants(tx, consumer.id):
        if not allowed.issuperset(scopes):
            await rows.change_scopes(tx, consumer.id, scopes, tuple(sorted(implied_by(scopes) & allowed)))


_GRANT_TYPES: Mapping[rows.Kind, str] = {"code": "authorization_code", "refresh": "refresh_token"}
_NOT_VALID: Mapping[rows.Kind, str] = {
    "code": "The specified code is not valid.",
    "refresh": "The specified refresh token is not valid.",
}


async def _exchange(
    host: Host, consumer: Consumer, token: str, kind: rows.Kind, fits: Callable[[Grant], bool]
) -> Issued:
    """Exchange what is used once. A second use commits the end of the grant before it is refused."""
    async with host.store.database.transaction() as tx:
        found = await rows.lock_presented(tx, token, kind)
        if found and found.grant.consumer_id == consumer.id and _is_current(host, found.expires_on, kind):
            if found.is_used:
                await _end(host, tx, consumer, found.grant, kind)
            elif fits(found.grant):
                await rows.use_token(tx, found.grant, token, host.now())
                return await _issue(host, tx, consumer, found.grant, _GRANT_TYPES[kind])
    raise Refused("invalid_grant", _NOT_VALID[kind])


def _same_address(grant: Grant, consumer: Consumer, redirect_uri: str | None) -> bool:
    """Return whether a consumer names the address that its request for the code named, or names none twice."""
    if grant.redirect_uri is None:
        return redirect_uri in (None, consumer.callback_url)
    return redirect_uri == grant.redirect_uri


def _proves(verifier: str | None, challenge: str | None) -> bool:
    """Return whether a verifier fits the challenge. One without the other is a mistake or a downgrade."""
    if verifier is None or challenge is None:
        return verifier is challenge
    digest = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return _VERIFIER.fullmatch(verifier) is not None and hmac.compare_digest(digest, challenge)


def _is_current(host: Host, expires_on: datetime, kind: rows.Kind) -> bool:
    """Return whether a token is valid now. One that lasts longer than a new one was made by a wrong clock."""
    return host.now() < expires_on <= host.now() + _LIFETIMES[kind] + CLOCKS_DIFFER


async def _issue(host: Host, tx: Transaction, consumer: Consumer, grant: Grant, grant_type: str) -> Issued:
    access, new = await _add_token(host, tx, grant, "access"), await _add_token(host, tx, grant, "refresh")
    await _log(host, tx, f"consumer {consumer.key}", "OAuth tokens issued", consumer, grant, grant_type)
    return Issued(access, new, grant.scopes)


async def _add_token(host: Host, tx: Transaction, grant: Grant, kind: rows.Kind) -> str:
    token = f"{PREFIX if kind == 'access' else ''}{secrets.token_urlsafe(32)}"
    await rows.add_token(tx, grant, token, kind, host.now() + _LIFETIMES[kind])
    return token


async def _end(host: Host, tx: Transaction, consumer: Consumer, grant: Grant, kind: rows.Kind) -> None:
    await rows.end_grant(tx, grant)
    action = "OAuth access ended, because a code or token came twice"
    await _log(host, tx, f"consumer {consumer.key}", action, consumer, grant, _GRANT_TYPES[kind])


async def find_token(host: Host, token: str) -> GrantedToken | None:
    """Return the access token if it is valid. Raise `NotAuthenticated`, with the cloud's text, if it has expired."""
    found = await rows.find_granted(host.store.database, token)
    if found is None or _is_current(host, found.expires_on, "access"):
        return found
    raise NotAuthenticated("Access token expired. Use your refresh token to obtain a new access token.")


async def _log(
    host: Host,
    tx: Transaction,
    actor: str,
    action: str,
    consumer: Consumer,
    grant: Grant,
    grant_type: str | None = None,
) -> None:
    details = {"consumer": consumer.key, "user": grant.user.username, "scopes": " ".join(grant.scopes)}
    if grant_type is not None:
        details["grant_type"] = grant_type
    await add_entry(tx, actor=actor, action=action, subject=consumer.workspace.slug, details=details, now=host.now())
