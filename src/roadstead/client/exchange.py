"""From an operation to its result: signing each attempt, and deciding whether there is another one.

Repeated requests, and why:

- When no connection could be made, everything: nothing has happened yet.
- When the connection broke or timed out, or the answer is 502, 503 or 504: GET, PUT and DELETE, which may be
  carried out twice (RFC 9110, section 9.2.2). A POST that may have arrived is not sent again.
- 429, when it says how long to wait; without `Retry-After` the limit's window may be an hour.

There are at most four attempts. They are as far apart as `Retry-After` says, else as `PAUSES` says.
"""

import re
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar

import httpx

from roadstead import __version__
from roadstead.client.errors import ClientError, ConnectionFailed, UnexpectedResponse, refusal
from roadstead.client.operations import Operation, path_of
from roadstead.connect.jwt import issue
from roadstead.connect.qsh import canonical_request

T = TypeVar("T")

TOKEN_LIFETIME = 180
"""Seconds. The lifetime in atlassian-connect-express: short, because each token is for one request."""

PAUSES = (0.1, 0.4, 1.6)
"""Seconds before the second, third and fourth attempt."""

LONGEST_PAUSE = 30
"""Seconds. The client does not wait longer for a host; the caller decides."""

_USER_AGENT = f"roadstead-client/{__version__}"
_NEVER_CONNECTED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The app's and the host's shared knowledge since the installation."""

    app_key: str
    client_key: str
    shared_secret: str = field(repr=False)

    def __post_init__(self) -> None:
        if not all(part and part.isprintable() for part in (self.app_key, self.client_key, self.shared_secret)):
            raise ValueError("app_key, client_key and shared_secret must be text without control characters.")


Outcome = httpx.Response | httpx.RequestError
"""The outcome of sending: an answer, or why there is none."""


class Exchange(Generic[T]):
    """One operation and its attempts.

    The sender gets a `request`, sends it, and passes the outcome to `pause_after`; after that pause it starts over, or,
    if there is none, `result` returns the operation's result.
    """

    def __init__(self, operation: Operation[T], credentials: Credentials) -> None:
        self._operation = operation
        self._credentials = credentials
        self._pauses = iter(PAUSES)
        self._may_have_been_done = False

    def request(self, now: float) -> httpx.Request:
        """Return the request, signed for the next three minutes. `now` is Unix time."""
        operation = self._operation
        headers = {"Accept": "application/json", "User-Agent": _USER_AGENT}
        if operation.body is not None:
            headers["Content-Type"] = operation.content_type
        request = httpx.Request(operation.method, operation.url, headers=headers, content=operation.body)
        request.headers["Authorization"] = f"JWT {self._token(request, now)}"
        return request

    def pause_after(self, outcome: Outcome, now: float) -> float | None:
        """Return how many seconds to wait before the next attempt, or None if there is none."""
        self._may_have_been_done |= _may_have_been_done(outcome)
        planned = next(self._pauses, None)
        if planned is None or not self._may_be_repeated(outcome):
            return None
        pause = _retry_after(outcome, now, otherwise=planned)
        return pause if pause <= LONGEST_PAUSE else None

    def result(self, outcome: Outcome) -> T:
        """Return the result in the last answer, or raise a `ClientError`."""
        if isinstance(outcome, httpx.RequestError):
            raise self._failure(outcome) from outcome
        operation, status = self._operation, outcome.status_code
        done_before = self._may_have_been_done and status == operation.status_when_repeated
        if status == operation.status or done_before:
            return operation.parse(outcome)
        if status >= 400:
            raise refusal(outcome)
        raise UnexpectedResponse(f"{operation} was answered {status}, not {operation.status}.")

    def _token(self, request: httpx.Request, now: float) -> str:
        # Read the URL back from the request, so that the signed URL is the one that is sent, re-encoded or not.
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        relative_path = path.removeprefix(path_of(self._operation.base))
        return issue(
            issuer=self._credentials.app_key,
            subject=self._credentials.client_key,
            shared_secret=self._credentials.shared_secret,
            now=now,
            lifetime=TOKEN_LIFETIME,
            canonical=canonical_request(request.method, relative_path, query),
        )

    def _may_be_repeated(self, outcome: Outcome) -> bool:
        if self._operation.method == "POST":
            return isinstance(outcome, _NEVER_CONNECTED)
        if isinstance(outcome, httpx.RequestError):
            return isinstance(outcome, httpx.TransportError)
        return outcome.status_code in {502, 503, 504} or (
            outcome.status_code == 429 and "Retry-After" in outcome.headers
        )

    def _failure(self, error: httpx.RequestError) -> ClientError:
        why = str(error) or type(error).__name__
        if not isinstance(error, httpx.TransportError):
            return UnexpectedResponse(f"{self._operation} got an answer that cannot be read: {why}.")
        what = "got no answer, but may have been done" if self._may_have_been_done else "could not be sent"
        return ConnectionFailed(f"{self._operation} {what}: {why}.", may_have_been_done=self._may_have_been_done)


def _may_have_been_done(outcome: Outcome) -> bool:
    if isinstance(outcome, httpx.RequestError):
        return not isinstance(outcome, _NEVER_CONNECTED)
    return outcome.status_code in {502, 504}  # a gateway lost the answer; 429 and 503 turn the request away


def _retry_after(outcome: Outcome, now: float, *, otherwise: float) -> float:
    """Return the seconds that `Retry-After` names, as a number or as a date, or else `otherwise`."""
    text = outcome.headers.get("Retry-After", "") if isinstance(outcome, httpx.Response) else ""
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return otherwise
