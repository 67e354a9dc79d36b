"""Recorded calls as the pages show them: a line in the list, or everything that was recorded."""

import re
from dataclasses import dataclass
from datetime import datetime

from roadstead.connect.evidence import Check
from roadstead.domain.access.diagnosis import explain_recorded
from roadstead.domain.host import Host
from roadstead.domain.traffic import requests
from roadstead.domain.traffic.curl import as_curl
from roadstead.recorded import Message, RecordedRequest, RequestDetails
from roadstead.web.bodies import pretty
from roadstead.web.tokens import DecodedToken, decoded

_ORIGIN = re.compile(r"https?://[^/?#]*")


@dataclass(frozen=True, slots=True)
class Call:
    """A recorded call in the list. `verdict` is a class of the stylesheet.

    `origin` and `target` are the parts of the URL; calls to this host have no `origin`.
    """

    id: int
    time: datetime
    to_us: bool
    app: str
    method: str
    url: str
    origin: str
    target: str
    outcome: str
    verdict: str
    refused: bool
    duration: str


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A request or an answer. `raw` is the body as it was sent, if `body` is formatted.

    `size` counts the bytes of the whole body, `kept` the recorded characters.
    """

    headers: tuple[tuple[str, str], ...]
    body: str
    raw: str
    size: int
    kept: int


@dataclass(frozen=True, slots=True)
class CallDetails:
    """Everything that was recorded of a call. `cause` is set if it was refused."""

    call: Call
    error: str | None
    cause: Check | None
    request: ShownMessage
    answer: ShownMessage
    token: DecodedToken | None
    curl: str


def call_in_list(call: RecordedRequest) -> Call:
    found = None if call.direction == "in" else _ORIGIN.match(call.url)
    origin = found[0] if found else ""
    return Call(
        id=call.id,
        time=call.time,
        to_us=call.direction == "in",
        app=call.app or "",
        method=call.method,
        url=call.url,
        origin=origin,
        target=call.url.removeprefix(origin),
        outcome=str(call.status or "no answer"),
        verdict=_verdict(call.status),
        refused=requests.was_refused(call),
        duration=f"{call.duration_ms:,.1f} ms",
    )


async def call_details(host: Host, call_id: int) -> CallDetails:
    """Return the details of a call. Raise `NotFound`."""
    details = await requests.get_request(host, call_id)
    summary = details.summary
    return CallDetails(
        call=call_in_list(summary),
        error=summary.error,
        cause=await _cause(host, details),
        request=_message(details.request),
        answer=_message(details.answer),
        token=decoded(details.credential, summary.time, of_call=True) if summary.direction == "in" else None,
        curl=await as_curl(host, details),
    )


async def _cause(host: Host, details: RequestDetails) -> Check | None:
    if not requests.was_refused(details.summary):
        return None
    return (await explain_recorded(host, details)).cause


def _message(message: Message) -> ShownMessage:
    shown = pretty(message.body)
    raw = message.body if shown != message.body else ""
    return ShownMessage(message.headers, shown, raw, message.size, len(message.body))


def _verdict(status: int | None) -> str:
    if status is None or status >= 500:
        return "error"
    return "warning" if status >= 400 else "good"
