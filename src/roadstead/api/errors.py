"""Errors of the domain as answers: one table, one body."""

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired, TypedDict

from roadstead.api.answers import Answer, json_answer
from roadstead.errors import (
    Conflict,
    GitFailed,
    GitLimit,
    HostBusy,
    InstallationFailed,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    OutgoingCallFailed,
    RateLimitExceeded,
    Removed,
    RepositoryFull,
    RoadsteadError,
    ScopeMissing,
    StorageUnavailable,
    TooManyGuesses,
    TooMuchAtOnce,
    WrongCredential,
)


class RequestRefused(RoadsteadError):
    """HTTP itself refuses the request: the method, the size, the encoding."""

    def __init__(
        self, status: int, message: str, detail: str = "", *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, detail)
        self.status = status
        self.headers = headers or {}


def expect_method(method: str, *taken: str) -> None:
    """Raise `RequestRefused` for a method that an address does not take."""
    if method not in taken:
        raise RequestRefused(405, f"This address takes {taken[0]}.", headers={"Allow": ", ".join(taken)})


class ScopesOfCall(TypedDict):
    """The scopes that an operation needs, of the kind that the credential has, and those that it was granted."""

    required: Sequence[str]
    granted: Sequence[str]


class ErrorContent(TypedDict):
    """`message` says in one sentence what is wrong, `detail` what to do, or which scopes are missing, `fields` which
    members, of webhooks in sentences; `data` is more.
    """

    message: str
    detail: NotRequired[str | ScopesOfCall]
    fields: NotRequired[Mapping[str, str | Sequence[str]] | Sequence[str]]
    data: NotRequired[Mapping[str, str]]


class ErrorBody(TypedDict):
    """A refusal, in Bitbucket's form."""

    type: Literal["error"]
    error: ErrorContent


STATUS: Mapping[type[RoadsteadError], int] = {
    InvalidInput: 400,
    NotAuthenticated: 401,
    WrongCredential: 403,
    NotFound: 404,
    Removed: 410,
    Conflict: 409,
    RateLimitExceeded: 429,
    TooManyGuesses: 429,
    TooMuchAtOnce: 429,
    OutgoingCallFailed: 502,  # for a page of an app about its proxy, within a 200
    InstallationFailed: 424,  # not a 5xx: an app's answer, or a link's target, is not a failure of this host
    HostBusy: 503,
    RepositoryFull: 413,
    GitFailed: 503,
    GitLimit: 555,  # the cloud's own, for what would take too long
    StorageUnavailable: 503,
}


STOPPING = RequestRefused(
    503,
    "Roadstead is stopping and cannot wait for this request any longer.",
    "Send it again in a moment. It may or may not have been carried out.",
    headers={"Retry-After": "1", "Connection": "close"},
)
"""For a request that the server cancels, because the time for running requests is over."""


def error_answer(error: RoadsteadError) -> Answer:
    """Return Bitbucket's error body, with the status of the error."""
    return json_answer(error_body(error), status_of(error), headers=headers_of(error))


def status_of(error: RoadsteadError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, RequestRefused):
        return error.status
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def headers_of(error: RoadsteadError) -> Mapping[str, str]:
    """Return the headers that an answer with the error must have, except the challenge of a 401, which depends on the
    request.
    """
    match error:
        case RequestRefused(headers=headers):
            return headers
        case (
            RateLimitExceeded(retry_after=seconds)
            | TooManyGuesses(retry_after=seconds)
            | TooMuchAtOnce(retry_after=seconds)
        ):
            return {"Retry-After": str(seconds)}
        case HostBusy() | StorageUnavailable():
            return {"Retry-After": "1"}
        case _:
            return {}


def error_body(error: RoadsteadError) -> ErrorBody:
    content: ErrorContent = {"message": error.message}
    if isinstance(error, ScopeMissing):
        content["detail"] = {"required": error.required, "granted": error.granted}
    elif error.detail:
        content["detail"] = error.detail
    if error.fields or error.sentences:
        content["fields"] = error.fields or error.sentences
    if error.data:
        content["data"] = error.data
    return {"type": "error", "error": content}
