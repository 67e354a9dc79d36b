"""`/-/queue`: the calls that are owed to apps, also to those that are not installed any more."""

import re
from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from roadstead.domain import lifecycle
from roadstead.model import LifecycleCall
from roadstead.web.page import Visit, render


@dataclass(frozen=True, slots=True)
class OwedCalls:
    """Context of `queue.html`. `tried` is the call that was just made because somebody asked for it."""

    calls: list[LifecycleCall]
    tried: LifecycleCall | None


async def show(visit: Visit) -> Response:
    calls = await lifecycle.list_owed_calls(visit.host)
    tried = visit.request.query_params.get("tried", "")
    call = await lifecycle.find_call(visit.host, int(tried)) if re.fullmatch("[0-9]{1,18}", tried) else None
    return render("queue.html", OwedCalls(calls, call), visit=visit)


async def retry(visit: Visit) -> Response:
    await visit.form()
    call = await lifecycle.try_now(visit.host, visit.request.path_params["call"])
    return RedirectResponse(f"/-/queue?tried={call.id}", 303)
