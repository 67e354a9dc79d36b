"""`/-/traffic`: the last calls in both directions, as they come in, and each with all that was kept of it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from roadstead.domain import requests
from roadstead.domain.curl import as_curl
from roadstead.model import Message, RecordedRequest, RequestDetails
from roadstead.query import AllOf, AnyOf, Comparison, Expression
from roadstead.web.page import Visit, render

_SHOWN = 50
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
DIRECTIONS = {"in": "to us", "out": "to apps"}
STATUSES = {
    "good": "below 400",
    "refused": "refused (401, 403)",
    "4xx": "400 to 499",
    "5xx": "500 and more",
    "none": "none",
}

_OF_STATUS: Mapping[str, Expression] = {
    "good": Comparison("status", "<", 400),
    "refused": AnyOf((Comparison("status", "=", 401), Comparison("status", "=", 403))),
    "4xx": AllOf((Comparison("status", ">=", 400), Comparison("status", "<", 500))),
    "5xx": Comparison("status", ">=", 500),
    "none": Comparison("status", "=", None),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What to show. An empty text stands for everything."""

    app: str = ""
    direction: str = ""
    method: str = ""
    status: str = ""
    path: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filter":
        return cls(**{name: query.get(name, "").strip()[:200] for name in asdict(cls())})

    def expression(self) -> Expression | None:
        """The filter for the record; `None` for everything."""
        parts = tuple(self._parts())
        return AllOf(parts) if parts else None

    def _parts(self) -> Iterator[Expression]:
        if self.app:
            yield Comparison("app", "=", self.app)
        if self.direction in DIRECTIONS:
            yield Comparison("direction", "=", self.direction)
        if self.method in METHODS:
            yield Comparison("method", "=", self.method)
        if self.status in _OF_STATUS:
            yield _OF_STATUS[self.status]
        if self.path:
            yield Comparison("url", "~", self.path)


@dataclass(frozen=True, slots=True)
class Call:
    """A recorded call as it stands in the list. `verdict` is a class of the stylesheet."""

    id: int
    day: str
    time: str
    to_us: bool
    app: str
    method: str
    url: str
    outcome: str
    verdict: str
    refused: bool
    duration: str
    request_size: int
    answer_size: int


@dataclass(frozen=True, slots=True)
class TrafficPage:
    """Context of `traffic.html`.

    `size` is how many there are of that kind, from these on. `watched` is where to ask for what has come since, on the
    newest page; `older` is the next page, if there is one.
    """

    chosen: Filter
    methods: tuple[str, ...]
    directions: dict[str, str]
    statuses: dict[str, str]
    calls: list[Call]
    size: int
    kept: int
    watched: str | None
    older: str | None


@dataclass(frozen=True, slots=True)
class CallPage:
    """Context of `call.html`."""

    call: Call
    error: str | None
    request: Message
    answer: Message
    curl: str
    has_token: bool


async def show(visit: Visit) -> Response:
    query = visit.request.query_params
    chosen = Filter.read(query)
    before = query.get("before", "")
    wanted = chosen.expression()
    if re.fullmatch(r"[1-9][0-9]{0,17}", before):
        wanted = AllOf((*((wanted,) if wanted else ()), Comparison("id", "<", int(before))))
    else:
        before = ""
    found, size = await requests.page_of_requests(visit.host, wanted, limit=_SHOWN)
    newest = str(found[0].id) if found else "0"
    if "HX-Request" in visit.request.headers and query.get("seen") == newest:
        return Response(status_code=204)
    page = TrafficPage(
        chosen=chosen,
        methods=METHODS,
        directions=DIRECTIONS,
        statuses=STATUSES,
        calls=[_call(one) for one in found],
        size=size,
        kept=visit.host.settings.keep_requests,
        watched=None if before else _address(chosen, seen=newest),
        older=_address(chosen, before=str(found[-1].id)) if size > len(found) else None,
    )
    return render("traffic.html", page, visit=visit)


async def show_call(visit: Visit) -> Response:
    details = await requests.get_request(visit.host, visit.request.path_params["call"])
    page = CallPage(
        call=_call(details.summary),
        error=details.summary.error,
        request=details.request,
        answer=details.answer,
        curl=await as_curl(visit.host, details),
        has_token=_has_token(details),
    )
    return render("call.html", page, visit=visit)


def _has_token(details: RequestDetails) -> bool:
    """Whether there is something to examine: a token that came to us."""
    return details.summary.direction == "in" and details.credential is not None


def _address(chosen: Filter, **more: str) -> str:
    query = {name: value for name, value in asdict(chosen).items() if value}
    return f"/-/traffic?{urlencode({**query, **more})}"


def _call(call: RecordedRequest) -> Call:
    return Call(
        id=call.id,
        day=f"{call.time:%Y-%m-%d}",
        time=f"{call.time:%H:%M:%S}",
        to_us=call.direction == "in",
        app=call.app or "",
        method=call.method,
        url=call.url,
        outcome=str(call.status or "no answer"),
        verdict=_verdict(call.status),
        refused=requests.was_refused(call),
        duration=f"{call.duration_ms:,.1f} ms",
        request_size=call.request_size,
        answer_size=call.answer_size,
    )


def _verdict(status: int | None) -> str:
    if status is None or status >= 500:
        return "error"
    return "warning" if status >= 400 else "good"
