"""`/-/queue`: pending calls to apps, also to apps that are no longer installed, and calls that were given up."""

import re
from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from roadstead.domain.apps import lifecycle
from roadstead.events import deliveries
from roadstead.model.deliveries import Delivery
from roadstead.web.lifecycle_view import ShownCall, shown_call
from roadstead.web.page import Visit, render


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Context of `queue.html`. `tried` is the call that the operator has just made again.

    `deliveries` are those that are due, or were given up.
    """

    calls: list[ShownCall]
    deliveries: list[Delivery]
    tried: ShownCall | None


async def show(visit: Visit) -> Response:
    calls = await lifecycle.list_pending_calls(visit.host)
    tried = visit.request.query_params.get("tried", "")
    call = await lifecycle.find_call(visit.host, int(tried)) if re.fullmatch("[0-9]{1,18}", tried) else None
    due = await deliveries.list_unfinished(visit.host)
    page = QueuePage([shown_call(one) for one in calls], due, shown_call(call) if call else None)
    return render("queue.html", page, visit=visit)


async def retry(visit: Visit) -> Response:
    await visit.form()
    call = await lifecycle.try_now(visit.host, visit.request.path_params["call"])
    return RedirectResponse(f"/-/queue?tried={call.id}", 303)
