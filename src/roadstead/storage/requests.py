"""The last calls in both directions. Rows are added in batches, and the oldest are deleted."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from roadstead.connect.evidence import Evidence
from roadstead.connect.presented import Presented
from roadstead.listing import PageRequest, Slice
from roadstead.recorded import REFUSALS, REQUEST_LIST, Message, RecordedRequest, RequestDetails
from roadstead.storage.database import Argument, Reader, Row, Transaction
from roadstead.storage.listing import Source, read_page
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import REQUESTS

_SUMMARY = REQUESTS.of(RecordedRequest)
_ADDED = [column for column in REQUESTS.columns if column != "id"]


async def add_requests(tx: Transaction, requests: Sequence[RequestDetails], *, keep: int) -> None:
    """Add the rows in their order, and delete all but the last `keep`."""
    await tx.run_many(REQUESTS.adding(_ADDED), [_row(request) for request in requests])
    await tx.run_bulk("DELETE FROM requests WHERE id <= (SELECT MAX(id) FROM requests) - ?", keep)


async def page_of_requests(reader: Reader, wanted: PageRequest) -> Slice[RecordedRequest]:
    """Return a page of the requests; unless sorted otherwise, and among equals, the newest are first."""
    page = await read_page(reader.scan, Source("requests", _SUMMARY), REQUEST_LIST, wanted)
    return page.of([_summary(row) for row in page.items])


async def count_refused(reader: Reader, since: datetime) -> int:
    """Return how many calls to this host were refused for their credential since then."""
    ((count,),) = await reader.scan(
        "SELECT COUNT(*) FROM requests WHERE direction = 'in' AND status IN (?, ?) AND time >= ?",
        *REFUSALS,
        to_text(since),
    )
    return int(count)


async def last_calls(reader: Reader) -> dict[str, datetime]:
    """Return the time of the newest call of each app that was not refused, by the app's key."""
    rows = await reader.scan(
        "SELECT app, MAX(time) FROM requests WHERE direction = 'in' AND app IS NOT NULL "
        "AND (status IS NULL OR status NOT IN (?, ?)) GROUP BY app",
        *REFUSALS,
    )
    return {app: from_text(time) for app, time in rows}


async def sent_to(reader: Reader, app_key: str, naming: str, *, limit: int) -> list[RecordedRequest]:
    """Return the newest calls to an app with `naming` in the kept part of their bodies, the oldest of them first."""
    rows = await reader.scan(
        f"SELECT {_SUMMARY} FROM requests WHERE direction = 'out' AND method = 'POST' AND app = ? "
        "AND contains_folded(request_body, ?) ORDER BY id DESC LIMIT ?",
        app_key,
        naming,
        limit,
    )
    return [_summary(row) for row in reversed(rows)]


async def find_request(reader: Reader, request_id: int) -> RequestDetails | None:
    rows = await reader.read(
        f"SELECT {_SUMMARY}, {REQUESTS.besides(RecordedRequest)} FROM requests WHERE id = ?", request_id
    )
    return _details(rows[0]) if rows else None


# Rows


def _row(request: RequestDetails) -> Sequence[Argument]:
    cells = {
        **msgspec.structs.asdict(request.summary),
        "time": to_text(request.summary.time),
        "request_headers": _text(request.request.headers),
        "request_body": request.request.body,
        "answer_headers": _text(request.answer.headers),
        "answer_body": request.answer.body,
        "credential": None if request.credential is None else _text(request.credential),
        "evidence": None if request.evidence is None else _text(request.evidence),
    }
    return [cells[column] for column in _ADDED]


def _summary(row: Row) -> RecordedRequest:
    identity, time, *rest = row
    return RecordedRequest(identity, from_text(time), *rest)


def _details(row: Row) -> RequestDetails:
    *summary, request_headers, request_body, answer_headers, answer_body, credential, evidence = row
    request = _summary(tuple(summary))
    return RequestDetails(
        request,
        _message(request_headers, request_body, request.request_size),
        _message(answer_headers, answer_body, request.answer_size),
        None if credential is None else msgspec.json.decode(credential, type=Presented),
        None if evidence is None else msgspec.json.decode(evidence, type=Evidence),
    )


def _message(headers: str, body: str, size: int) -> Message:
    return Message(tuple((name, value) for name, value in msgspec.json.decode(headers)), body, size)


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
