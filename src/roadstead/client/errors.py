"""What can go wrong between an app and the API.

    ClientError
    ├── ConnectionFailed          no answer came
    ├── UnexpectedResponse        an answer came, but not one this API gives
    └── ApiError                  the API said no; carries what it said
        ├── BadRequest            400
        ├── Unauthorized          401
        ├── Forbidden             403
        ├── NotFound              404
        ├── Conflict              409
        ├── TooManyRequests       429
        └── ServerError           5xx

Mistakes that show before anything is sent (an empty linker key, a base URL without a host) are `ValueError`
and `TypeError`. No message contains the shared secret or a token.
"""

from collections.abc import Mapping, Sequence

import httpx
import msgspec


class ClientError(Exception):
    """The base of every error that an operation may raise once it has started."""


class ConnectionFailed(ClientError):
    """No answer came, also after the attempts that were safe to make.

    `may_have_been_done` is false when no attempt can have reached the API: then it did nothing.
    """

    def __init__(self, message: str, *, may_have_been_done: bool) -> None:
        super().__init__(message)
        self.may_have_been_done = may_have_been_done


class UnexpectedResponse(ClientError):
    """The answer is not what the API promises: wrong status, wrong body, or a next page on another host."""


class ApiError(ClientError):
    """The API refused the request.

    `message` is one sentence; `detail`, which may be empty, says what to do; `fields` maps the refused members of the
    request to the reasons.
    """

    def __init__(
        self, status: int, message: str, detail: str = "", fields: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        super().__init__(f"{status}: {message} {detail}".rstrip())
        self.status = status
        self.message = message
        self.detail = detail
        self.fields = fields or {}


class BadRequest(ApiError):
    """The input was refused and nothing changed."""


class Unauthorized(ApiError):
    """The token was refused: wrong secret, wrong clock, or the app is no longer installed."""


class Forbidden(ApiError):
    """The credential is valid, but not for this operation."""


class NotFound(ApiError):
    """There is no such linker or value."""


class Conflict(ApiError):
    """The linker already has the value."""


class TooManyRequests(ApiError):
    """The rate limit is exceeded, and waiting for its end would take too long."""


class ServerError(ApiError):
    """The host failed, also after the attempts that were safe to make."""


_BY_STATUS: Mapping[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: TooManyRequests,
}


def refusal(response: httpx.Response) -> ApiError:
    """Return the error of an answer of status 400 or more, with any body."""
    kind = ServerError if response.status_code >= 500 else _BY_STATUS.get(response.status_code, ApiError)
    return kind(response.status_code, *_explanation(response))


def _explanation(response: httpx.Response) -> tuple[str, str, Mapping[str, Sequence[str]]]:
    """Return message, detail and fields of an error body, in Bitbucket's form or in that of OAuth."""
    match _json(response.content):
        case {"error": {"message": str(message), **more}}:
            return message, _text(more.get("detail")), _messages_by_field(more.get("fields"))
        case {"error": str(), "error_description": str(message)} | {"error": str(message)}:
            return message, "", {}
    # A server in between answered, such as a proxy; its page would not fit into a message.
    return response.reason_phrase or "The host gave no reason.", "", {}


def _json(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _messages_by_field(fields: object) -> Mapping[str, Sequence[str]]:
    if not isinstance(fields, dict):
        return {}
    return {name: [_text(m) for m in (told if isinstance(told, list) else [told])] for name, told in fields.items()}
