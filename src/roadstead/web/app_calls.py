"""`/-/apps/…/calls`: the lifecycle calls to an app, and a link to all its other calls."""

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from roadstead.domain.apps import lifecycle
from roadstead.domain.traffic import requests
from roadstead.web.apps import AppHead, app_of, head_of
from roadstead.web.lifecycle_view import ShownCall, shown_call
from roadstead.web.page import Visit, render


@dataclass(frozen=True, slots=True)
class CallsPage:
    """Context of `app_calls.html`. `all_calls` leads to the app's calls among the recorded requests."""

    head: AppHead
    calls: list[ShownCall]
    all_calls: str


async def show(visit: Visit) -> Response:
    app = await app_of(visit)
    calls = await lifecycle.list_calls(visit.host, app)
    recorded = await requests.requests_of_calls(visit.host, app, calls)
    page = CallsPage(
        head=head_of(app, "/calls"),
        calls=[shown_call(call, recorded.get(call.id)) for call in calls],
        all_calls=f"/-/traffic?{urlencode({'app': app.app_key})}",
    )
    return render("app_calls.html", page, visit=visit)
