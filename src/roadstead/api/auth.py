"""Authentication of callers. Each kind of access has one rule, which reads the `Authorization` header and returns an
identity or raises.

Handlers never read headers, and a test refuses an operation without a rule.
"""

import base64
import binascii
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache

from starlette.requests import Request
from starlette.types import Scope

from roadstead.api.errors import RequestRefused
from roadstead.api.origins import is_from_another_site, is_from_here
from roadstead.connect import InvalidToken, canonical_request, read
from roadstead.connect.scopes import GRANULAR, SCOPES, satisfy
from roadstead.domain.access import credentials, grants
from roadstead.domain.access.git_places import account_of
from roadstead.domain.access.signers import find_signer
from roadstead.domain.access.wrong_secrets import wrong_secret
from roadstead.domain.host import Host
from roadstead.errors import NotAuthenticated, RateLimitExceeded, ScopeMissing, WrongCredential
from roadstead.model import UNIDENTIFIED, Caller, Identity, Viewer

VIEWER = "roadstead.viewer"
"""The key of the `Viewer` in the scope of a request that `on_behalf` makes; no client can put it there."""
SEND_A_TOKEN = "Send an API token: Authorization: Bearer <token>. Make one with: roadstead token-create NAME"
OPERATOR_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="Roadstead"'}
"""The challenge of a 401 at an operator's address."""
JWT_CHALLENGE = {"WWW-Authenticate": 'JWT realm="Bitbucket"'}
_CHALLENGES = {"jwt": JWT_CHALLENGE, "basic": {"WWW-Authenticate": 'Basic realm="Bitbucket.org HTTP"'}}
_OAUTH_CHALLENGE = {"WWW-Authenticate": 'OAuth realm="Bitbucket.org HTTP"'}
"""The cloud's, for a Bearer token and for a request without a credential."""
_SEND_JWT = "Send the app's token in the header: Authorization: JWT <token>."
_SEND_FOR_EXCHANGE = (
    "Send the key and the secret of an OAuth consumer as Basic, or as client_id and client_secret in the form, "
    "or the token of an app in the header: Authorization: JWT <token>."
)
_SEND_ANY = "Send a token in the header: Authorization: JWT <token> for an app's, Bearer <token> for a user's."
CALLER = "roadstead.caller"
"""The key of the scope that an operation needs, if it needs one, and the identified caller, in the scope of a
request.
"""
NOT_SUPPORTED = "Token is invalid, expired, or not supported for this endpoint."
"""The cloud's answer to a token that is not good, and to an access token where a user is needed."""
JWT_ONLY = "This API is only accessible with the following authentication types: jwt"
"""Observed on the cloud in 2026-05, for a valid credential of another kind."""


def challenge(scope: Scope, taken: Sequence[str]) -> Mapping[str, str]:
    """Return the challenge of a 401: of the scheme that the request has, or of the only kind of credential `taken`."""
    if taken == ("jwt",):
        return JWT_CHALLENGE
    sent = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    return _CHALLENGES.get(sent.decode("latin-1").strip().partition(" ")[0].lower(), _OAUTH_CHALLENGE)


def sharer_of(identity: Identity, request: Request) -> Hashable:
    """Return to whom a share of what is limited belongs: an account, an app, or an address without a credential."""
    return account_of(identity) or str(request.scope["client"][0])


async def anyone(request: Request, host: Host) -> Identity:
    """Admit everyone: no credential is needed, and none is read."""
    return UNIDENTIFIED


async def app_jwt(request: Request, host: Host) -> Caller:
    """Return the installed app of a JWT; no other credential is accepted."""
    if VIEWER in request.scope:
        raise WrongCredential(JWT_ONLY)
    scheme, credential = _authorization(request, _SEND_JWT)
    if scheme == "JWT":
        return await _verified_caller(host, credential, _canonical(request))
    await _other_identity(request, host, scheme, credential)
    raise WrongCredential(JWT_ONLY)


async def app_jwt_for_exchange(request: Request, host: Host) -> Caller:
    """Return the installed app at the token endpoint, where real clients send no `qsh` or a wrong one."""
    scheme, credential = _authorization(request, _SEND_FOR_EXCHANGE)
    if scheme != "JWT":
        raise NotAuthenticated("The token endpoint takes no such credential.", _SEND_FOR_EXCHANGE)
    return await _verified_caller(host, credential, canonical=None)


async def person_of(scope: str, granular: Sequence[str], request: Request, host: Host) -> Identity:
    """Return as `holder_of` a caller that is not an access token."""
    identity = await identify(request, host)
    if identity.owner is not None:
        request.scope[CALLER] = scope, identity
        raise NotAuthenticated(NOT_SUPPORTED)
    return await _with_scope(scope, granular, request, host, identity)


async def holder_of(scope: str | None, granular: Sequence[str], request: Request, host: Host) -> Identity:
    """Return the caller with any valid credential that has the scope; a user's token may have all scopes."""
    return await _with_scope(scope, granular, request, host, await identify(request, host))


async def holder_or_anyone(scope: str, granular: Sequence[str], request: Request, host: Host) -> Identity:
    """Return as `holder_of` a caller with a credential, and admit a caller without one."""
    if VIEWER not in request.scope and not has_credential(request):
        return UNIDENTIFIED
    return await holder_of(scope, granular, request, host)


async def _with_scope(
    scope: str | None, granular: Sequence[str], request: Request, host: Host, identity: Identity
) -> Identity:
    """Return the caller, if the credential has the scope. From now on any answer describes it."""
    request.scope[CALLER] = scope, identity
    granted = await credentials.scopes_of(host, identity)
    if granted is not None and not satisfy(granted, scope, granular):
        if scope is None or (granular and not GRANULAR.isdisjoint(granted)):
            raise ScopeMissing(granular, granted)
        raise ScopeMissing(scope.split(), granted)
    return identity


def scope_headers(needed: str | None, identity: Identity) -> Sequence[tuple[bytes, bytes]]:
    """Return the headers that say which scope an operation needs, and the kind and the scopes of a credential."""
    has_scopes = identity.scopes is not None or identity.user is not None
    return _scope_headers(needed, identity.kind, identity.scopes, has_scopes)


@lru_cache(maxsize=1024)
def _scope_headers(
    needed: str | None, kind: str, scopes: tuple[str, ...] | None, has_scopes: bool
) -> Sequence[tuple[bytes, bytes]]:
    headers = [(b"x-credential-type", kind.encode())]
    if needed is not None:
        headers.append((b"x-accepted-oauth-scopes", needed.replace(" ", ", ").encode()))
    if has_scopes:
        headers.append((b"x-oauth-scopes", ", ".join(sorted(SCOPES if scopes is None else scopes)).encode()))
    return headers


async def any_credential_or_local(request: Request, host: Host) -> Identity:
    """Admit anyone on this machine while the host serves only it; require a valid credential from elsewhere.

    A page of another site in a browser on this machine is elsewhere.
    """
    if host.is_for_this_machine and is_from_here(request):
        if not is_from_another_site(request):
            return UNIDENTIFIED
        if not has_credential(request):
            raise RequestRefused(403, "A page of another site may not use this address.", SEND_A_TOKEN)
    if not has_credential(request):
        raise RequestRefused(401, "Authentication is required.", SEND_A_TOKEN, headers=OPERATOR_CHALLENGE)
    try:
        return await identify(request, host)
    except NotAuthenticated as exc:
        raise RequestRefused(401, exc.message, f"{exc.detail} {SEND_A_TOKEN}", headers=OPERATOR_CHALLENGE) from exc


async def operator(request: Request, host: Host) -> Identity:
    """Admit as `any_credential_or_local`, but of the credentials only an administrator's API token with all scopes."""
    identity = await any_credential_or_local(request, host)
    if identity is not UNIDENTIFIED and not identity.is_operator:
        raise WrongCredential("This address is for operators.", SEND_A_TOKEN)
    return identity


async def identify(request: Request, host: Host) -> Identity:
    """Return the identity behind the `Authorization` header, or the viewer. Raise `NotAuthenticated`."""
    viewer: Viewer | None = request.scope.get(VIEWER)
    if viewer is not None:
        _count(host, viewer)
        return viewer
    scheme, credential = _authorization(request)
    if scheme == "JWT":
        return await _verified_caller(host, credential, _canonical(request))
    return await _other_identity(request, host, scheme, credential)


def _canonical(request: Request) -> str:
    """Return the canonical request that the host hashes: method, path and query as they were sent."""
    scope = request.scope
    return canonical_request(
        scope["method"], scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    )


async def _other_identity(request: Request, host: Host, scheme: str, credential: str) -> Identity:
    match scheme.lower():
        case "bearer":
            return await _token_identity(request, host, credential)
        case "basic":
            name, password = _name_and_password(credential)
            return await _token_identity(request, host, password, name)
        case "jwt":
            raise NotAuthenticated("The scheme must be written JWT, in capitals.", "Send: Authorization: JWT <token>")
        case _:
            raise NotAuthenticated(
                f"The authentication scheme {scheme[:20]!r} is not known.",
                "Send JWT, Bearer or Basic credentials.",
            )


def _authorization(request: Request, wanted: str = _SEND_ANY) -> tuple[str, str]:
    sent = [value for name, value in request.scope["headers"] if name == b"authorization"]
    if not sent:
        raise NotAuthenticated("Authentication is required.", f"{wanted} A jwt query parameter is not read here.")
    if len(sent) > 1:
        # A proxy that checks one of them must not be led to believe that it is the one we read.
        raise NotAuthenticated("There is more than one Authorization header.", "Send one.")
    scheme, _, credential = sent[0].decode("latin-1").strip().partition(" ")
    return scheme, credential.strip()


async def _verified_caller(host: Host, credential: str, canonical: str | None) -> Caller:
    try:
        token = read(credential)
        client_key = token.claims.get("sub")
        if not isinstance(client_key, str):
            raise InvalidToken("sub", "The claim sub is missing; it names the installation by its clientKey.")
        caller = await find_signer(host, token, client_key, canonical)
    except InvalidToken as exc:
        raise NotAuthenticated("The token is not valid.", exc.detail) from exc
    _count(host, caller)
    return caller


async def _token_identity(request: Request, host: Host, token: str, name: str | None = None) -> Identity:
    """Return whose token it is; `name` is the user name that came with it. Raise `TooManyGuesses` if it is wrong."""
    granted = await grants.find_token(host, token) if token.startswith(grants.PREFIX) else None
    identity: Identity | None = granted or await credentials.find_token(host, token)
    if identity is None or not (name is None or await credentials.goes_by(host, identity, name)):
        wrong_secret(host, "token", name, request.scope["client"][0])
        raise NotAuthenticated(
            NOT_SUPPORTED,
            "It has expired, was revoked, was never issued here, or belongs to another user than the one named. "
            "An access token goes with the user name x-token-auth, or as: Authorization: Bearer <token>.",
        )
    _count(host, identity)
    return identity


def _count(host: Host, identity: Identity) -> None:
    """Count a request. Raise `RateLimitExceeded`. Only an authenticated app is counted, so that no one can use up its
    limit.
    """
    if host.rate_limit is not None and identity.installation_id is not None:
        wait = host.rate_limit.take(identity.installation_id)
        if wait:
            raise RateLimitExceeded(host.rate_limit.limit, wait)


def has_credential(request: Request) -> bool:
    """Return whether a request has an `Authorization` header."""
    return any(name == b"authorization" for name, _ in request.scope["headers"])


def basic_credentials(request: Request) -> tuple[str, str] | None:
    """Return the name and the password of Basic, or `None` for another scheme. Raise `NotAuthenticated` without any."""
    scheme, credential = _authorization(request)
    return _name_and_password(credential) if scheme.lower() == "basic" else None


def _name_and_password(credential: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(credential, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return name, password
