"""`/-/requests`: the last calls in both directions."""

from roadstead.api.answers import Answer
from roadstead.api.listing import Page, Partial, page_answer, shaped
from roadstead.api.needs import OPERATOR
from roadstead.api.operation import Call
from roadstead.connect.diagnosis import Diagnosis
from roadstead.control.debug_jwt import DiagnosisResource, explained_token
from roadstead.control.map import REQUESTS as OPERATIONS
from roadstead.control.shapes import MessageResource, as_data
from roadstead.domain.access.diagnosis import explain_recorded
from roadstead.domain.traffic import requests
from roadstead.domain.traffic.curl import as_curl
from roadstead.listing import PageRequest
from roadstead.recorded import REQUEST_LIST, Message, Recorded, RecordedRequest, RequestDetails


class RequestSummary(Recorded[str], frozen=True):
    """A call of an app to the host (`in`) or of the host to an app (`out`). Sizes are in bytes."""


class ExplainedRequest(RequestSummary, frozen=True):
    """Everything that is recorded of a call, a command that sends it again, and for a refused one, why."""

    request: MessageResource
    answer: MessageResource | None
    curl: str
    diagnosis: DiagnosisResource | None


@OPERATIONS.get(needs=OPERATOR, lists=REQUEST_LIST, gives={200: Page[RequestSummary]})
async def list_requests(call: Call, wanted: PageRequest) -> Answer:
    """List the recorded calls, the newest first unless sorted otherwise."""
    page = await requests.page_of_requests(call.host, wanted)
    return page_answer(call, page.of([recorded_request(one) for one in page.items]))


@OPERATIONS.get("/{request_id:int}", needs=OPERATOR, query=Partial, gives={200: ExplainedRequest})
async def get_request(call: Call) -> Answer:
    """Return one call with headers and bodies, and if it was refused, why."""
    found = await requests.get_request(call.host, call.path["request_id"])
    diagnosis = await explain_recorded(call.host, found) if requests.was_refused(found.summary) else None
    return shaped(call, explained_request(found, await as_curl(call.host, found), diagnosis))


def recorded_request(request: RecordedRequest) -> RequestSummary:
    """Return a call as data."""
    return RequestSummary(**as_data(request))


def explained_request(details: RequestDetails, curl: str, diagnosis: Diagnosis | None) -> ExplainedRequest:
    """Return everything that is known of a call as data."""
    explained = None if diagnosis is None else explained_token(diagnosis)
    return ExplainedRequest(
        **as_data(details.summary),
        request=_message(details.request),
        answer=None if details.summary.status is None else _message(details.answer),
        curl=curl,
        diagnosis=explained,
    )


def _message(message: Message) -> MessageResource:
    return MessageResource(message.headers, message.body)
