"""The log of requests: a line for each that failed, or for each request, written in batches after the answers.

Lines are made, without secrets, and written every `PAUSE_SECONDS`; requests beyond that rate are counted, and the log
reports their number.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from roadstead.domain.traffic.answered import Answered
from roadstead.domain.traffic.batches import Batches, a_few_at_a_time
from roadstead.domain.traffic.records import stated_size
from roadstead.domain.traffic.redaction import KEPT, cleaned
from roadstead.errors import RoadsteadError
from roadstead.model import Identity
from roadstead.storage import Store
from roadstead.storage.installations import get_installation

MOST_WAITING = 5_000
"""Queued requests at most."""
PAUSE_SECONDS = 0.25
_AT_ONCE = 100
"""Lines made before other requests get their turn."""

log = logging.getLogger("roadstead.requests")


class RequestLine(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A log line about one request. Sizes are bytes of bodies. `app` is the app that has proved to be the caller.

    `reason` is the host's message about its failure.
    """

    time: datetime
    level: str
    logger: str
    message: str
    request_id: str
    method: str
    path: str
    status: int
    duration_ms: float
    request_size: int
    answer_size: int
    reason: str | None = None
    app: str | None = None
    workspace: str | None = None


class RequestLines:
    """The message of one log record: many lines, because a record costs more than they do."""

    def __init__(self, lines: Sequence[RequestLine]) -> None:
        self.lines = lines

    def __str__(self) -> str:
        return "\n".join(line.message for line in self.lines)


class RequestLog(Batches[tuple[Any, ...]]):
    """Writes the log lines of one process: for requests that the host failed (5xx), or for all.

    A request is added as the fields of `Answered`.
    """

    def __init__(self, store: Store, *, which: Literal["failed", "all"], clock: Callable[[], float]) -> None:
        super().__init__(most=MOST_WAITING, batch=MOST_WAITING, pause=PAUSE_SECONDS, log=log, done="logged")
        self._store = store
        self._clock = clock
        self.least = 0 if which == "all" else 500
        """The least status that is logged."""
        self._told_left_out = 0
        self._callers: dict[int, tuple[str, str]] = {}

    async def write_items(self, items: Sequence[tuple[Any, ...]]) -> None:
        """Log requests, and the number of those that were dropped."""
        began = self._clock() - time.perf_counter()
        async for some in a_few_at_a_time(items, _AT_ONCE):
            requests = map(Answered._make, some)
            log.info(RequestLines([self._line(one, began, *await self._caller(one.identity)) for one in requests]))
        left_out = self.left_out - self._told_left_out
        if left_out:
            log.warning("%d requests came too fast to be logged", left_out)
            self._told_left_out += left_out

    def _line(self, one: Answered, began: float, app: str | None, workspace: str | None) -> RequestLine:
        secrets = one.identity.secrets
        path = cleaned(_shown_path(one.path.decode("latin-1"), one.query.decode("latin-1")), secrets)[:KEPT]
        reason = _reason(one.answer_body) if one.status >= 500 and one.answer_body else None
        duration = round((one.ended - one.started) * 1000, 2)
        return RequestLine(
            time=datetime.fromtimestamp(began + one.started, UTC),
            level="ERROR" if one.status >= 500 else "INFO",
            logger=log.name,
            message=f"{one.method} {path} {one.status} {duration:g} ms{f': {reason}' if reason else ''}",
            request_id=one.request_id,
            method=one.method,
            path=path,
            status=one.status,
            duration_ms=duration,
            request_size=stated_size(one.headers),
            answer_size=one.answer_size if one.method != "HEAD" else 0,
            reason=reason,
            app=app,
            workspace=workspace,
        )

    async def _caller(self, identity: Identity) -> tuple[str | None, str | None]:
        """Return the app that has proved to be the caller, and its workspace."""
        number = identity.installation_id
        if number is None or identity.user is not None:
            return None, None
        if number not in self._callers:
            with contextlib.suppress(RoadsteadError):
                installation = await get_installation(self._store, number)
                if installation is not None:
                    self._callers[number] = installation.app_key, installation.workspace.slug
        return self._callers.get(number, (None, None))


class _Content(msgspec.Struct):
    message: str
    detail: str = ""


class _ErrorBody(msgspec.Struct):
    error: _Content


_error_body = msgspec.json.Decoder(_ErrorBody)


def _reason(failure: bytes) -> str | None:
    """Return the sentences of an error's body, which never contain a secret."""
    try:
        error = _error_body.decode(failure).error
    except msgspec.DecodeError:
        return None
    return f"{error.message} {error.detail}".rstrip()


def _shown_path(path: str, query: str) -> str:
    """Return the path, with its query if it is an app's address: the query of a page may contain a sign-in code."""
    return f"{path}?{query}" if query and path.startswith("/2.0/") else path
