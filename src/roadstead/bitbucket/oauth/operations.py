"""`/site/oauth2/access_token`: an app exchanges its JWT for a Bearer token, a consumer a code, a refresh token or its
secret. Errors are in the style of OAuth 2.
"""

import re
from collections.abc import Mapping

from roadstead.api.answers import Answer, json_answer
from roadstead.api.auth import JWT_CHALLENGE, app_jwt_for_exchange, basic_credentials, has_credential
from roadstead.api.bodies import MAX_FORM_BYTES, ReadByHandler, expect_body, is_form, read_form
from roadstead.api.needs import ANYONE
from roadstead.api.operation import Call
from roadstead.bitbucket.map import OAUTH as OPERATIONS
from roadstead.bitbucket.oauth import rules
from roadstead.bitbucket.oauth.shapes import AccessTokenResource, OAuthRefusal, TokenRequest
from roadstead.domain.access import credentials, grants
from roadstead.domain.access.grants import OAuthError, Refused
from roadstead.errors import InvalidInput, NotAuthenticated

GRANT = "urn:bitbucket:oauth2:jwt"
_UUID = re.compile(r"\{?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?", re.ASCII)


@OPERATIONS.post(
    "/access_token",
    needs=ANYONE,
    takes=ReadByHandler(TokenRequest),
    gives={200: AccessTokenResource, 400: OAuthRefusal, 401: OAuthRefusal},
    refuses=(429,),
)
async def access_token(call: Call) -> Answer:
    """Exchange the app's JWT, whose `qsh` is ignored, or what a consumer has, for a Bearer token."""
    # It authenticates itself, because its errors have another shape.
    try:
        expect_body(call.request, MAX_FORM_BYTES)
        granted = await _granted(call)
    except NotAuthenticated as exc:
        return _refusal("invalid_client", f"{exc.message} {exc.detail}", 401)
    except Refused as exc:
        return _refusal(exc.error, exc.message)
    except InvalidInput as exc:
        return _refusal("invalid_request", f"{exc.message} {exc.detail}".strip())
    return json_answer(granted, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


async def _granted(call: Call) -> AccessTokenResource:
    """Return the tokens of an app or of a consumer.

    Only a form without a credential is read before its sender is known, because it may contain one.
    """
    if has_credential(call.request):
        basic = basic_credentials(call.request)
        return await (_for_app(call) if basic is None else _for_consumer(call, *basic))
    form = await read_form(call.request) if is_form(call.request) else {}
    if "client_id" not in form:
        return await _for_app(call)
    return await _for_consumer(call, form["client_id"], form.get("client_secret", ""), form)


async def _for_app(call: Call) -> AccessTokenResource:
    caller = await app_jwt_for_exchange(call.request, call.host)
    form = await read_form(call.request)
    if form.get("grant_type") != GRANT:
        raise Refused("unsupported_grant_type", f"grant_type must be {GRANT}.")
    repository, scopes = _repository(form.get("bitbucket_repository")), _scopes(form.get("scope"))
    try:
        token, access = await credentials.exchange(
            call.host, caller.installation_id, scopes=scopes, repository=repository
        )
    except InvalidInput as exc:
        raise Refused("invalid_scope", f"{exc.message} {exc.detail}") from exc
    return {
        "access_token": token,
        "token_type": "bearer",
        "expires_in": int(credentials.ACCESS_TOKEN_LIFETIME.total_seconds()),
        "scopes": " ".join(access.scopes),
    }


async def _for_consumer(
    call: Call, key: str, secret: str, form: Mapping[str, str] | None = None
) -> AccessTokenResource:
    """Return the tokens of a consumer, whose form may have been read already."""
    consumer = await rules.find_client(call.host, key, secret, call.request.scope["client"][0])
    if form is None:
        form = await read_form(call.request)
    if form.get("client_id", key) != key or form.get("client_secret", secret) != secret:
        raise Refused("invalid_request", "The form names another consumer than the Authorization header.")
    grant_type = form.get("grant_type", call.query.get("grant_type"))
    issued = await rules.issue(call.host, consumer, grant_type, form)
    granted: AccessTokenResource = {
        "access_token": issued.access_token,
        "token_type": "bearer",
        "expires_in": int(grants.TOKEN_LIFETIME.total_seconds()),
        "scopes": " ".join(issued.scopes),
        "refresh_token": issued.refresh_token,
    }
    if grant_type == "client_credentials":
        granted["state"] = "client_credentials"
    return granted


def _scopes(text: str | None) -> tuple[str, ...]:
    """Return the scopes that a text names; none without a text. Raise `Refused` for a text that names none."""
    if text is None:
        return ()
    named = tuple(dict.fromkeys(filter(None, re.split(r"[\s,]+", text))))
    if not named:
        raise Refused(
            "invalid_scope", "scope is blank. Name the scopes that the token needs, or leave scope out to get all."
        )
    return named


def _repository(text: str | None) -> str | None:
    """Return a repository's UUID, in braces. Raise `InvalidInput`."""
    if text is None:
        return None
    if not _UUID.fullmatch(text):
        raise InvalidInput("bitbucket_repository must be a repository's UUID.")
    return f"{{{text.strip('{}').lower()}}}"


def _refusal(error: OAuthError, description: str, status: int = 400) -> Answer:
    refusal: OAuthRefusal = {"error": error, "error_description": description}
    return json_answer(refusal, status, headers=JWT_CHALLENGE if status == 401 else None)
