"""The log of requests: a line for each that failed, or for each request, written in batches after the answers.

While a request runs, only references are queued, as `recording` does for the record. Lines are made, without secrets,
and written every `PAUSE_SECONDS`; lines beyond that rate are counted, and the log reports their number.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, MutableMapping, Sequence
from contextvars import Context
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import msgspec

from roadstead.domain.traffic import request_id
from roadstead.domain.traffic.records import Headers, stated_size
from roadstead.domain.traffic.redaction import KEPT, cleaned
from roadstead.errors import RoadsteadError
from roadstead.model import AccessToken, Caller
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


class _Answered(NamedTuple):
    """A request that has been answered. Times are readings of `time.perf_counter`."""

    started: float
    ended: float
    request_id: str
    method: str
    path: bytes
    query: bytes
    headers: Headers
    identity: object
    status: int
    size: int
    failure: bytes


class RequestLog:
    """Writes the log lines of one process: for requests that the host failed (5xx), or for all."""

    def __init__(self, store: Store, *, which: Literal["failed", "all"], clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self.least = 0 if which == "all" else 500
        """The least status that is logged."""
        self._waiting: deque[_Answered] = deque()
        self._left_out = 0
        self._callers: dict[int, tuple[str, str]] = {}
        self._writing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def answered(
        self,
        started: float,
        scope: MutableMapping[str, Any],
        identity: object,
        status: int,
        size: int,
        failure: bytes = b"",
    ) -> None:
        """Log a request that has been answered with a body of `size` bytes; of a failure, `failure` is that body."""
        if len(self._waiting) >= MOST_WAITING:
            self._left_out += 1
            return
        self._waiting.append(
            _Answered(
                started,
                time.perf_counter(),
                scope[request_id.IN_SCOPE],
                scope["method"],
                scope["raw_path"],
                scope["query_string"],
                scope["headers"],
                identity,
                status,
                size,
                failure,
            )
        )
        if self._writing is None:
            # In no request's context, because its log messages concern many.
            self._writing = asyncio.create_task(self._write_in_batches(), context=Context())

    async def close(self) -> None:
        """Write the remaining lines."""
        self._closing.set()
        if self._writing is not None:
            await self._writing

    async def _write_in_batches(self) -> None:
        try:
            while self._waiting:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), PAUSE_SECONDS)
                await self._write(len(self._waiting))
        except Exception:
            log.exception("requests were not logged")
        finally:
            self._writing = None

    async def _write(self, due: int) -> None:
        began = self._clock() - time.perf_counter()
        while due > 0:
            batch = [self._waiting.popleft() for _ in range(min(due, _AT_ONCE))]
            log.info(RequestLines([self._line(one, began, *await self._caller(one.identity)) for one in batch]))
            due -= len(batch)
            await asyncio.sleep(0)
        if self._left_out:
            log.warning("%d requests came too fast to be logged", self._left_out)
            self._left_out = 0

    def _line(self, one: _Answered, began: float, app: str | None, workspace: str | None) -> RequestLine:
        secrets = one.identity.secrets if isinstance(one.identity, Caller) else ()
        path = cleaned(_shown_path(one.path.decode("latin-1"), one.query.decode("latin-1")), secrets)[:KEPT]
        reason = _reason(one.failure) if one.failure else None
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
            answer_size=one.size if one.method != "HEAD" else 0,
            reason=reason,
            app=app,
            workspace=workspace,
        )

    async def _caller(self, identity: object) -> tuple[str | None, str | None]:
        """Return the app that has proved to be the caller, and its workspace."""
        if not isinstance(identity, Caller | AccessToken):
            return None, None
        number = identity.installation_id
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
