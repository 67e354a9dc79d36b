"""`/site/oauth2/access_token`: an app exchanges its JWT for a Bearer token. Errors are in the style of OAuth 2."""

import re

from roadstead.api.answers import Answer, json_answer
from roadstead.api.auth import app_jwt_for_exchange
from roadstead.api.bodies import MAX_FORM_BYTES, ReadByHandler, expect_body, read_form
from roadstead.api.errors import CHALLENGE, RequestRefused
from roadstead.api.needs import ANYONE
from roadstead.api.operation import Call
from roadstead.bitbucket.map import OAUTH as OPERATIONS
from roadstead.bitbucket.oauth.shapes import AccessTokenResource, OAuthError, OAuthRefusal, TokenRequest
from roadstead.domain.access import credentials
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
    """Exchange the app's JWT, whose `qsh` is ignored, for a Bearer token that is valid for an hour."""
    # It authenticates itself, because its errors have another shape, and first, so that it never waits for a stranger's
    # body.
    expect_body(call.request, MAX_FORM_BYTES)
    try:
        caller = await app_jwt_for_exchange(call.request, call.host)
        form = await read_form(call.request)
        grant = form.get("grant_type")
        if grant != GRANT:
            return _refusal("unsupported_grant_type", f"grant_type must be {GRANT}.")
        repository = _repository(form.get("bitbucket_repository"))
    except NotAuthenticated as exc:
        return _refusal("invalid_client", f"{exc.message} {exc.detail}", 401)
    except RequestRefused:
        raise
    except InvalidInput as exc:
        return _refusal("invalid_request", f"{exc.message} {exc.detail}".strip())
    try:
        scopes = _scopes(form.get("scope"))
        token, access = await credentials.exchange(
            call.host, caller.installation_id, scopes=scopes, repository=repository
        )
    except InvalidInput as exc:
        return _refusal("invalid_scope", f"{exc.message} {exc.detail}")
    granted: AccessTokenResource = {
        "access_token": token,
        "token_type": "bearer",
        "expires_in": int(credentials.ACCESS_TOKEN_LIFETIME.total_seconds()),
        "scopes": " ".join(access.scopes),
    }
    return json_answer(granted, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


def _scopes(text: str | None) -> tuple[str, ...]:
    """Return the scopes that a text names; none without a text. Raise `InvalidInput` for a text that names none."""
    if text is None:
        return ()
    named = tuple(dict.fromkeys(filter(None, re.split(r"[\s,]+", text))))
    if not named:
        raise InvalidInput("scope is blank.", "Name the scopes that the token needs, or leave scope out to get all.")
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
    return json_answer(refusal, status, headers=CHALLENGE if status == 401 else None)
