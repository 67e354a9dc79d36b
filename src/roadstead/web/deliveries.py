"""`/-/sent`: deliveries of events to hooks and apps, what was sent and answered in each, and sending again."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from roadstead.events import deliveries
from roadstead.events.catalogue import CATALOGUE
from roadstead.listing import PageRequest
from roadstead.model.deliveries import Delivery, DeliveryDetails
from roadstead.query import AllOf, Comparison, Expression
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
        return cls(**{name: query.get(name, "").strip()[:200] for name in asdict(cls())})

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
    """Context of `deliveries.html`. `older` is the address of the next page, if there is one."""

    filter: Filter
    events: tuple[str, ...]
    states: tuple[str, ...]
    deliveries: tuple[Delivery, ...]
    size: int
    kept: int
    older: str | None


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Context of `delivery.html`. `readable` is the body with a member on each line."""

    chosen: DeliveryDetails
    one: Delivery
    readable: str


async def show(visit: Visit) -> Response:
    query = visit.request.query_params
    given, before = Filter.read(query), query.get("before", "")
    parts = tuple(given.parts())
    if re.fullmatch(r"[1-9][0-9]{0,17}", before):
        parts = (*parts, Comparison("id", "<", int(before)))
    wanted = PageRequest(number=1, length=_SHOWN, filter=AllOf(parts) if parts else None)
    found = await deliveries.page_of_deliveries(visit.host, wanted)
    page = DeliveriesPage(
        filter=given,
        events=tuple(CATALOGUE),
        states=STATES,
        deliveries=tuple(found.items),
        size=found.size,
        kept=visit.host.settings.keep_deliveries,
        older=_address(given, before=found.items[-1].id) if found.has_next else None,
    )
    return render("deliveries.html", page, visit=visit)


def _address(given: Filter, *, before: int) -> str:
    query = {name: value for name, value in asdict(given).items() if value}
    return f"/-/sent?{urlencode({**query, 'before': before})}"


async def show_delivery(visit: Visit) -> Response:
    chosen = await deliveries.get_delivery(visit.host, visit.request.path_params["delivery"])
    return render("delivery.html", DeliveryPage(chosen, chosen.summary, _readable(chosen.content)), visit=visit)


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
