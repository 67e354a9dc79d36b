"""`/site/oauth2/access_token`: an app exchanges its JWT for a Bearer token. Errors are in the style of OAuth 2."""

import re

from starlette.requests import Request

from roadstead.api.answers import Answer, json_answer
from roadstead.api.auth import app_jwt_for_exchange
from roadstead.api.bodies import read_form
from roadstead.api.errors import RequestRefused
from roadstead.domain import credentials
from roadstead.domain.host import Host
from roadstead.errors import InvalidInput, NotAuthenticated

GRANT = "urn:bitbucket:oauth2:jwt"
_UUID = re.compile(r"\{?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?", re.ASCII)


async def access_token(request: Request, host: Host, anyone: object) -> Answer:
    """Authenticates by itself, because its errors have another shape."""
    try:
        form = await read_form(request)
        grant = form.get("grant_type")
        if grant != GRANT:
            return _refusal("unsupported_grant_type", f"grant_type must be {GRANT}.")
        caller = await app_jwt_for_exchange(request, host)
        scopes = tuple(dict.fromkeys(re.split(r"[\s,]+", form.get("scope", "").strip()))) if form.get("scope") else ()
        repository = _repository(form.get("bitbucket_repository"))
    except NotAuthenticated as exc:
        return _refusal("invalid_client", f"{exc.message} {exc.detail}", 401)
    except RequestRefused:
        raise
    except InvalidInput as exc:
        return _refusal("invalid_request", f"{exc.message} {exc.detail}".strip())
    try:
        token, access = await credentials.exchange(
            host, caller.installation_id, scopes=tuple(filter(None, scopes)), repository=repository
        )
    except InvalidInput as exc:
        return _refusal("invalid_scope", f"{exc.message} {exc.detail}")
    return json_answer(
        {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": int(credentials.ACCESS_TOKEN_LIFETIME.total_seconds()),
            "scopes": " ".join(access.scopes),
        },
        headers={"Cache-Control": "no-store", "Pragma": "no-cache"},
    )


def _repository(text: str | None) -> str | None:
    """A repository's UUID, in braces. Raises `InvalidInput`."""
    if not text:
        return None
    if not _UUID.fullmatch(text):
        raise InvalidInput("bitbucket_repository must be a repository's UUID.")
    return f"{{{text.strip('{}').lower()}}}"


def _refusal(error: str, description: str, status: int = 400) -> Answer:
    return json_answer({"error": error, "error_description": description}, status)
