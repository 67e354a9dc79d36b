"""Looking at the recorded calls."""

from roadstead.domain.host import Host
from roadstead.errors import NotFound
from roadstead.model import RecordedRequest, RequestDetails
from roadstead.query import Expression
from roadstead.storage import requests as rows

_LARGEST_ID = 2**63 - 1


async def page_of_requests(
    host: Host, wanted: Expression | None, *, limit: int, skip: int = 0
) -> tuple[list[RecordedRequest], int]:
    """The newest that are wanted, without the first `skip` of them, and how many are wanted in all."""
    await host.recorder.write()
    return await rows.page_of_requests(host.store.database, wanted, limit=limit, skip=skip)


def was_refused(request: RecordedRequest) -> bool:
    """Whether we did not accept the caller's credential."""
    return request.direction == "in" and request.status in (401, 403)


async def get_request(host: Host, request_id: int) -> RequestDetails:
    """Raises `NotFound`."""
    await host.recorder.write()
    found = await rows.find_request(host.store.database, request_id) if request_id <= _LARGEST_ID else None
    if found is None:
        raise NotFound(
            f"There is no recorded request {request_id}.",
            f"The last {host.settings.keep_requests} are kept; the setting keep_requests says how many.",
        )
    return found
