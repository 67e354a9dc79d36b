"""`/-/requests`: the last calls in both directions."""

from typing import Literal, TypedDict, cast

from roadstead.api.answers import Answer
from roadstead.api.listing import Page, Partial, page_answer, shaped
from roadstead.api.needs import OPERATOR
from roadstead.api.operation import Call
from roadstead.connect.diagnosis import Diagnosis
from roadstead.control.debug_jwt import DiagnosisResource, explained_token
from roadstead.control.map import REQUESTS as OPERATIONS
from roadstead.control.shapes import as_data
from roadstead.domain.access.diagnosis import explain_recorded
from roadstead.domain.traffic import requests
from roadstead.domain.traffic.curl import as_curl
from roadstead.listing import PageRequest
from roadstead.recorded import REQUEST_LIST, Message, RecordedRequest, RequestDetails


class RequestSummary(TypedDict):
    """A call of an app to the host (`in`) or of the host to an app (`out`). Sizes are in bytes."""

    id: int
    time: str
    direction: Literal["in", "out"]
    app: str | None
    method: str
    url: str
    status: int | None
    error: str | None
    duration_ms: float
    request_size: int
    answer_size: int


class MessageResource(TypedDict):
    """Headers and the beginning of the body, without secrets."""

    headers: list[tuple[str, str]]
    body: str


class RequestInFull(RequestSummary):
    """Everything that is recorded of a call."""

    request: MessageResource
    answer: MessageResource | None


class ExplainedRequest(RequestInFull):
    """Everything that is recorded of a call, a command that sends it again, and for a refused one, why."""

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
    return cast("RequestSummary", as_data(request))


def request_details(details: RequestDetails) -> RequestInFull:
    """Return a call with everything recorded of it, as data."""
    return {
        **recorded_request(details.summary),
        "request": _message(details.request),
        "answer": None if details.summary.status is None else _message(details.answer),
    }


def explained_request(details: RequestDetails, curl: str, diagnosis: Diagnosis | None) -> ExplainedRequest:
    """Return everything that is known of a call as data."""
    explained = None if diagnosis is None else explained_token(diagnosis)
    return {**request_details(details), "curl": curl, "diagnosis": explained}


def _message(message: Message) -> MessageResource:
    return {"headers": list(message.headers), "body": message.body}
