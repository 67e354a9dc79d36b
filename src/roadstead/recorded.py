"""Recorded requests, as frozen values: calls of apps to the host, and of the host to apps."""

from datetime import datetime
from typing import Generic, Literal, TypeVar

import msgspec

from roadstead.connect.evidence import Evidence
from roadstead.connect.presented import Presented
from roadstead.listing import Listing, fields_of

REFUSALS = (401, 403)
"""The statuses of an answer to a caller whose credential was not accepted."""


Moment = TypeVar("Moment")


class Recorded(msgspec.Struct, Generic[Moment], frozen=True):
    """One call of an app to the host (`in`) or of the host to an app (`out`), and its outcome. Sizes are in bytes.

    `app` is the app's key, if known; for a refused call it is the caller's claim. `url` is path and query of a call to
    the host, and the whole address of any other. Without an answer there is an `error`. The `id` is 0 until the
    database gives one.
    """

    id: int
    time: Moment
    direction: Literal["in", "out"]
    app: str | None
    method: str
    url: str
    status: int | None
    error: str | None
    duration_ms: float
    request_size: int
    answer_size: int


class RecordedRequest(Recorded[datetime], frozen=True):
    """A recorded call as it is stored. Others have its members with the moment in another form."""


REQUEST_LIST = Listing(
    *fields_of(RecordedRequest, unique="id", without=("request_size", "answer_size")),
    order="-id",
)


class Message(msgspec.Struct, frozen=True):
    """Headers and body of a request or an answer: their beginnings, without secrets. `size` is the whole body's."""

    headers: tuple[tuple[str, str], ...]
    body: str
    size: int


class RequestDetails(msgspec.Struct, frozen=True):
    """Everything that is stored of a recorded request.

    `credential` is the stored part of the caller's, and `evidence` the host's facts about it at the moment of the
    refusal.
    """

    summary: RecordedRequest
    request: Message
    answer: Message
    credential: Presented | None
    evidence: Evidence | None
