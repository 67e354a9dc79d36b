"""`/-/sent`: deliveries of events to hooks and apps, what was sent and answered in each, and sending again."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from roadstead.events import deliveries
from roadstead.events.catalogue import CATALOGUE
from roadstead.listing import PageRequest, Slice
from roadstead.model.deliveries import Delivery, DeliveryDetails
from roadstead.query import AllOf, Comparison, Expression
from roadstead.web.filters import typed_in
from roadstead.web.page import Visit, render

_SHOWN = 50
STATES = ("pending", "delivered", "failed", "given up")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which deliveries to show. An empty field means all."""

    event: str = ""
    state: str = ""
    url: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filter":
        return cls(**typed_in(query, asdict(cls())))

    def parts(self) -> Iterator[Expression]:
        """Yield the conditions."""
        if self.event:
            yield Comparison("event", "=", self.event)
        if self.state in STATES:
            yield Comparison("state", "=", self.state)
        if self.url:
            yield Comparison("url", "~", self.url)


@dataclass(frozen=True, slots=True)
class DeliveriesPage:
    """Context of `deliveries.html`.

    `watched` is the address of the live update, on the newest page only; `older` is the next page, if there is one.
    """

    filter: Filter
    events: tuple[str, ...]
    states: Mapping[str, str]
    deliveries: tuple[Delivery, ...]
    size: int
    kept: int
    watched: str | None
    older: str | None


class ShownAttempt(NamedTuple):
    """An attempt of a delivery: its outcome is a status, or why there is none."""

    time: datetime
    outcome: str
    duration_ms: float


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Context of `delivery.html`. `readable` is the body with a member on each line, and `first` the delivery that ends
    before this one is sent.
    """

    chosen: DeliveryDetails
    one: Delivery
    readable: str
    attempts: list[ShownAttempt]
    first: int | None


async def show(visit: Visit) -> Response:
    query = visit.request.query_params
    given, before = Filter.read(query), query.get("before", "")
    parts = tuple(given.parts())
    if re.fullmatch(r"[1-9][0-9]{0,17}", before):
        parts = (*parts, Comparison("id", "<", int(before)))
    else:
        before = ""
    wanted = PageRequest(number=1, length=_SHOWN, filter=AllOf(parts) if parts else None)
    found = await deliveries.page_of_deliveries(visit.host, wanted)
    seen = _fingerprint(found)
    if visit.part_only and query.get("seen") == seen:
        return Response(status_code=204)
    page = DeliveriesPage(
        filter=given,
        events=tuple(CATALOGUE),
        states={one: one for one in STATES},
        deliveries=tuple(found.items),
        size=found.size,
        kept=visit.host.settings.keep_deliveries,
        watched=None if before else _address(given, seen=seen),
        older=_address(given, before=str(found.items[-1].id)) if found.has_next else None,
    )
    return render("deliveries.html", page, visit=visit)


def _fingerprint(found: Slice[Delivery]) -> str:
    """Return a text that changes with what the list shows: a delivery is added, or has another attempt."""
    shown = [(one.id, one.state, one.attempts) for one in found.items]
    return hashlib.sha256(repr((found.size, shown)).encode()).hexdigest()[:16]


def _address(given: Filter, **more: str) -> str:
    query = {name: value for name, value in asdict(given).items() if value}
    return f"/-/sent?{urlencode({**query, **more})}"


async def show_delivery(visit: Visit) -> Response:
    chosen = await deliveries.get_delivery(visit.host, visit.request.path_params["delivery"])
    first = await deliveries.find_first(visit.host, chosen.summary.id)
    attempts = [
        ShownAttempt(datetime.fromisoformat(one.time), str(one.status or one.error), one.duration_ms)
        for one in chosen.attempts
    ]
    page = DeliveryPage(chosen, chosen.summary, _readable(chosen.content), attempts, first)
    return render("delivery.html", page, visit=visit)


async def send_now(visit: Visit) -> Response:
    """Send a delivery that waits for its next attempt, and show what came of it."""
    await visit.form()
    sent = await deliveries.send_waiting(visit.host, visit.request.path_params["delivery"])
    return RedirectResponse(f"/-/sent/{sent.summary.id}", 303)


async def resend(visit: Visit) -> Response:
    """Send a delivery again, with the body of the form if it has one, and show the new delivery."""
    form = await visit.form()
    first = visit.request.path_params["delivery"]
    again = await deliveries.resend(visit.host, first, form.get("body"))
    return RedirectResponse(f"/-/sent/{again}", 303)


def _readable(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body
