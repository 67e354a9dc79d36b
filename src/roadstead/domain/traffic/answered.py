"""The work after an answer: count the request, log it, and record it.

Here, log and record only queue references. The rest happens later, in batches (`batches.py`).
"""

import time
from collections.abc import Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from roadstead.domain.traffic import request_id
from roadstead.domain.traffic.redaction import RAW_BYTES
from roadstead.model import UNIDENTIFIED, Identity

if TYPE_CHECKING:
    from roadstead.domain.host import Host

Headers = Iterable[tuple[bytes, bytes]]

BODY = "roadstead.body"
"""The key in a request's scope of the first `RAW_BYTES` of its body, once they have been read."""


class Answered(NamedTuple):
    """A call to this host. Times are readings of `time.perf_counter`; bodies are the first `RAW_BYTES`."""

    started: float
    ended: float
    method: str
    path: bytes
    query: bytes
    headers: Headers
    body: bytes
    identity: Identity
    status: int
    answer_headers: Headers
    answer_body: bytes
    answer_size: int
    request_id: str


class Outcome(Protocol):
    """An answer; `headers` and `body` as far as they are logged and recorded, `size` that of the whole body."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def body(self) -> bytes: ...
    @property
    def size(self) -> int: ...


def answered(
    host: "Host",
    scope: MutableMapping[str, Any],
    started: float,
    answer: Outcome,
    *,
    route: str | None,
    recorded: bool = False,
    identity: Identity = UNIDENTIFIED,
) -> None:
    """Count, log and record a request.

    `started` is a reading of `time.perf_counter`, `route` the address as the map of routes writes it. Without a route,
    the request is neither counted nor logged: it is part of one that is.
    """
    ended, status = time.perf_counter(), answer.status
    logged = False
    if route is not None:
        host.metrics.answered(scope["method"], route, status, ended - started)
        logged = status >= host.request_log.least
    if not (logged or recorded):
        return
    # The fields of `Answered`: a plain tuple is made in half the time.
    request = (
        started,
        ended,
        scope["method"],
        scope["raw_path"],
        scope["query_string"],
        scope["headers"],
        scope.get(BODY, b""),
        identity,
        status,
        answer.headers,
        answer.body[:RAW_BYTES],
        answer.size,
        scope[request_id.IN_SCOPE],
    )
    if logged:
        host.request_log.add(request)
    if recorded:
        host.recorder.add(request)
