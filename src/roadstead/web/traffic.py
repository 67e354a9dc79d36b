"""`/-/traffic`: the last calls in both directions, updated live, and everything recorded of each."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from roadstead.domain.apps import installations
from roadstead.domain.traffic import requests
from roadstead.errors import NotFound
from roadstead.listing import PageRequest
from roadstead.query import AllOf, AnyOf, Comparison, Expression
from roadstead.web.filters import typed_in
from roadstead.web.page import Visit, render
from roadstead.web.recorded import Call, CallDetails, call_details, call_in_list

_SHOWN = 50
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
DIRECTIONS = {"in": "from apps", "out": "to apps"}
STATUSES = {
    "good": "below 400",
    "refused": "refused",
    "4xx": "4xx",
    "5xx": "5xx",
    "none": "no answer",
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
    """Which calls to show. An empty field means all."""

    app: str = ""
    direction: str = ""
    method: str = ""
    status: str = ""
    path: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filter":
        return cls(**typed_in(query, asdict(cls())))

    def expression(self) -> Expression | None:
        """Return the filter as an expression; `None` for all calls."""
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
class TrafficPage:
    """Context of `traffic.html`.

    `size` is how many calls match, from these on. `watched` is the address of the live update, on the newest page
    only; `older` is the next page, if there is one. `chosen` is the call that is shown beside the list.
    """

    base_url: str
    filter: Filter
    filtered: bool
    apps: list[str]
    methods: dict[str, str]
    directions: dict[str, str]
    statuses: dict[str, str]
    calls: list[Call]
    size: int
    kept: int
    watched: str | None
    older: str | None
    chosen: CallDetails | None


@dataclass(frozen=True, slots=True)
class CallPage:
    """Context of `call.html`, and of `parts/pane.html`, the same beside the list."""

    chosen: CallDetails


async def show(visit: Visit) -> Response:
    query = visit.request.query_params
    given = Filter.read(query)
    before = query.get("before", "")
    wanted = given.expression()
    if re.fullmatch(r"[1-9][0-9]{0,17}", before):
        wanted = AllOf((*((wanted,) if wanted else ()), Comparison("id", "<", int(before))))
    else:
        before = ""
    page_request = PageRequest(number=1, length=_SHOWN, filter=wanted)
    found = await requests.page_of_requests(visit.host, page_request)
    newest = str(found.items[0].id) if found.items else "0"
    if visit.part_only and query.get("seen") == newest:
        return Response(status_code=204)
    page = TrafficPage(
        base_url=visit.host.base_url,
        filter=given,
        filtered=wanted is not None,
        apps=sorted({app.app_key for app in await installations.list_apps(visit.host)}),
        methods={name: name for name in METHODS},
        directions=DIRECTIONS,
        statuses=STATUSES,
        calls=[call_in_list(one) for one in found.items],
        size=found.size,
        kept=visit.host.settings.keep_requests,
        watched=None if before else _address(given, seen=newest),
        older=_address(given, before=str(found.items[-1].id)) if found.has_next else None,
        chosen=None if visit.part_only else await _chosen(visit, query.get("call", "")),
    )
    return render("traffic.html", page, visit=visit)


async def _chosen(visit: Visit, number: str) -> CallDetails | None:
    """Return the call with that number, if there is one."""
    try:
        return await call_details(visit.host, int(number)) if re.fullmatch("[0-9]{1,18}", number) else None
    except NotFound:
        return None


async def show_call(visit: Visit) -> Response:
    page = CallPage(await call_details(visit.host, visit.request.path_params["call"]))
    return render("parts/pane.html" if visit.part_only else "call.html", page, visit=visit)


def _address(given: Filter, **more: str) -> str:
    query = {name: value for name, value in asdict(given).items() if value}
    return f"/-/traffic?{urlencode({**query, **more})}"
