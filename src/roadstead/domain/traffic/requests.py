"""Read the recorded calls."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from roadstead.domain.host import Host
from roadstead.errors import NotFound
from roadstead.listing import PageRequest, Slice
from roadstead.model import Installation, LifecycleCall
from roadstead.recorded import REFUSALS, RecordedRequest, RequestDetails
from roadstead.storage import requests as rows

_LARGEST_ID = 2**63 - 1
_CLOCKS_DIFFER = timedelta(milliseconds=10)
"""A lifecycle call is noted just before its request is made, and the two moments are read from two clocks."""


async def page_of_requests(host: Host, wanted: PageRequest) -> Slice[RecordedRequest]:
    """Return a page of the recorded calls; unless sorted otherwise, and among equals, the newest are first."""
    await host.recorder.write()
    return await rows.page_of_requests(host.store.database, wanted)


async def count_refused(host: Host, since: datetime) -> int:
    """Return how many calls of apps were refused for their credential since then, as far as calls are kept."""
    await host.recorder.write()
    return await rows.count_refused(host.store.database, since)


async def last_calls(host: Host) -> Mapping[str, datetime]:
    """Return when each app last made a call that was not refused, by the app's key, as far as calls are kept."""
    await host.recorder.write()
    return await rows.last_calls(host.store.database)


def was_refused(request: RecordedRequest) -> bool:
    """Return whether the host refused the caller's credential."""
    return request.direction == "in" and request.status in REFUSALS


async def get_request(host: Host, request_id: int) -> RequestDetails:
    """Return the recorded call. Raise `NotFound`."""
    await host.recorder.write()
    found = await rows.find_request(host.store.database, request_id) if request_id <= _LARGEST_ID else None
    if found is None:
        raise NotFound(
            f"There is no recorded request {request_id}.",
            f"The last {host.settings.keep_requests} are kept; the setting keep_requests says how many.",
        )
    return found


async def requests_of_calls(
    host: Host, installation: Installation, calls: Sequence[LifecycleCall]
) -> Mapping[int, int]:
    """Return the recorded request of each lifecycle call of an installation, by the call's id, while it is kept."""
    await host.recorder.write()
    named = json.dumps(installation.client_key)
    attempts = sum(max(call.attempts, 1) for call in calls)
    sent = await rows.sent_to(host.store.database, installation.app_key, named, limit=attempts)
    of_calls: dict[int, int] = {}
    for request in sent:
        begun = [call for call in calls if call.url == request.url and call.created_on <= request.time + _CLOCKS_DIFFER]
        if begun:
            of_calls[max(begun, key=lambda call: call.created_on).id] = request.id
    return of_calls
