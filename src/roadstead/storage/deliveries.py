"""Deliveries of events to subscribers: a queue, and a log.

Pending deliveries of a lane are made one after the other: the first of them alone is due. When it has ended, `begin`
makes the one due that `find_next` finds.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from roadstead.listing import PageRequest, Slice
from roadstead.model.deliveries import (
    DELIVERY_LIST,
    FLAGS,
    Attempt,
    Delivery,
    DeliveryDetails,
    NewDelivery,
    Outcome,
    PendingDelivery,
    State,
)
from roadstead.storage.database import Argument, Reader, Row, Transaction
from roadstead.storage.listing import Source, read_page
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.queue import make_due
from roadstead.storage.tables import DELIVERIES

TABLE = DELIVERIES.name

_SUMMARY = DELIVERIES.of(Delivery)
_MESSAGES = "request_headers, content, answer_headers, answer_body, answer_size, outcomes, due_on"
_ADDED = (*NewDelivery._fields, "time", "due_on")
_MOST_ATTEMPTS = 50
"""Attempts that are kept of a delivery: more than the queue makes."""
_REMOVED_AT_ONCE = 5_000

_Pairs = tuple[tuple[str, str], ...]


async def add_deliveries(tx: Transaction, deliveries: Sequence[NewDelivery], now: datetime) -> None:
    """Add deliveries in their order; of those that now begin a lane, the first is due."""
    busy: set[str] = set()
    rows = []
    for delivery in deliveries:
        is_first = False
        if delivery.state == "pending":
            is_first = delivery.lane not in busy and not await _is_busy(tx, delivery.lane)
            busy.add(delivery.lane)
        rows.append(_row(delivery, now, is_due=is_first))
    await tx.run_many(DELIVERIES.adding(_ADDED), rows)
    tx.wake(TABLE)


Shared = Literal["lane", "workspace"]
"""The columns by which deliveries that wait are counted."""


async def count_waiting(reader: Reader, column: Shared, value: str, most: int) -> int:
    """Return how many deliveries with a value wait, counted up to `most`."""
    waiting = f"SELECT 1 FROM deliveries WHERE {column} = ? AND state = 'pending' LIMIT ?"
    ((number,),) = await reader.read(f"SELECT COUNT(*) FROM ({waiting}) AS waiting", value, most)
    return int(number)


async def count_unsent(reader: Reader) -> int:
    """Return how many deliveries, and events whose deliveries are not stored yet, wait."""
    ((number,),) = await reader.scan(
        "SELECT (SELECT COUNT(*) FROM deliveries WHERE state = 'pending') "
        "+ (SELECT COUNT(*) FROM events WHERE is_pending = 1)"
    )
    return int(number)


async def _is_busy(tx: Transaction, lane: str) -> bool:
    """Return whether a delivery of the lane is pending. If so, the first one stays so until the transaction ends."""
    pending = "SELECT id FROM deliveries WHERE lane = ? AND state = 'pending' ORDER BY id LIMIT 1"
    while await tx.read(pending, lane):
        # PostgreSQL waits here for a transaction that ends it, and then does not find it.
        if await tx.read(f"{pending}{tx.dialect.for_update}", lane):
            return True
    return False


async def add_delivery(tx: Transaction, delivery: NewDelivery, now: datetime) -> int:
    """Add a delivery in a lane of its own, due now; return its id."""
    cells = dict(zip(_ADDED, _row(delivery, now, is_due=False), strict=True))
    delivery_id = await tx.insert(*DELIVERIES.insert("RETURNING id", **cells))
    await make_due(tx, TABLE, delivery_id, now)
    return delivery_id


def _row(delivery: NewDelivery, now: datetime, *, is_due: bool) -> list[Argument]:
    cells: dict[str, Any] = {
        **delivery._asdict(),
        "event_time": to_text(delivery.event_time),
        "is_edited": int(delivery.is_edited),
        "is_sample": int(delivery.is_sample),
        "time": to_text(now),
        "due_on": to_text(now) if is_due else None,
    }
    return [cells[name] for name in _ADDED]


async def find_first(reader: Reader, delivery_id: int) -> int | None:
    """Return the delivery that is made first in the lane of one that waits; `None` for one that has ended."""
    rows = await reader.read(
        "SELECT f.id FROM deliveries d JOIN deliveries f ON f.lane = d.lane AND f.state = 'pending' "
        "WHERE d.id = ? AND d.state = 'pending' ORDER BY f.id LIMIT 1",
        delivery_id,
    )
    return rows[0][0] if rows else None


async def find_next(tx: Transaction, lane: str) -> int | None:
    """Return the id of the next delivery of a lane whose first one has just ended, if there is one."""
    rows = await tx.read("SELECT id FROM deliveries WHERE lane = ? AND state = 'pending' ORDER BY id LIMIT 1", lane)
    return rows[0][0] if rows else None


async def begin(tx: Transaction, delivery_id: int, now: datetime) -> None:
    """Make a delivery due."""
    await tx.run("UPDATE deliveries SET due_on = ? WHERE id = ?", to_text(now), delivery_id)


async def send_elsewhere(tx: Transaction, hook_id: int, url: str, target: str) -> None:
    """Let the pending deliveries of a hook go to another address, on that server."""
    await tx.run(
        "UPDATE deliveries SET url = ?, target = ? WHERE state = 'pending' AND hook_id = ?", url, target, hook_id
    )


async def find_pending(reader: Reader, delivery_id: int) -> PendingDelivery | None:
    """Return what is needed for the next attempt of a delivery; `None` for one that has ended."""
    columns = ", ".join(PendingDelivery._fields)
    rows = await reader.read(f"SELECT {columns} FROM deliveries WHERE id = ? AND state = 'pending'", delivery_id)
    if not rows:
        return None
    found = PendingDelivery(*rows[0])
    return found._replace(time=from_text(rows[0][1]), event_time=from_text(rows[0][8]), is_sample=bool(found.is_sample))


async def keep_outcome(tx: Transaction, pending: PendingDelivery, outcome: Outcome, state: State) -> None:
    """Store the outcome of an attempt, and the state of the delivery."""
    last = Attempt(to_text(outcome.time), outcome.status, outcome.error, outcome.duration_ms)
    await tx.run(
        "UPDATE deliveries SET state = ?, status = ?, error = ?, duration_ms = ?, request_headers = ?, "
        "answer_headers = ?, answer_body = ?, answer_size = ?, outcomes = ? WHERE id = ?",
        state,
        outcome.status,
        outcome.error,
        outcome.duration_ms,
        _text(outcome.request_headers),
        _text(outcome.answer_headers),
        outcome.answer_body,
        outcome.answer_size,
        _text((*_attempts(pending.outcomes), last)[-_MOST_ATTEMPTS:]),
        pending.id,
    )


async def remove_old(tx: Transaction, *, keep: int, before: datetime) -> None:
    """Remove the oldest deliveries that have ended: all but the last `keep`, and those of before a moment."""
    await tx.run_bulk(
        "DELETE FROM deliveries WHERE state <> 'pending' AND id <= (SELECT MAX(id) FROM deliveries) - ?", keep
    )
    await tx.run_bulk(
        "DELETE FROM deliveries WHERE state <> 'pending' AND time < ? "
        "AND id IN (SELECT id FROM deliveries ORDER BY id LIMIT ?)",
        to_text(before),
        _REMOVED_AT_ONCE,
    )


# The log


async def page_of_deliveries(reader: Reader, wanted: PageRequest) -> Slice[Delivery]:
    """Return a page of the deliveries; unless sorted otherwise, and among equals, the newest are first."""
    columns = ", ".join((_SUMMARY, *FLAGS.values()))  # a place in an order by a flag has its value
    page = await read_page(reader.scan, Source(TABLE, columns), DELIVERY_LIST, wanted)
    return page.of([_delivery(row[: -len(FLAGS)]) for row in page.items])


async def list_unfinished(reader: Reader, limit: int) -> list[Delivery]:
    """Return the deliveries that are due, and those that were given up, the oldest first."""
    rows = await reader.scan(
        f"SELECT {_SUMMARY} FROM deliveries WHERE due_on IS NOT NULL OR given_up_on IS NOT NULL ORDER BY id LIMIT ?",
        limit,
    )
    return [_delivery(row) for row in rows]


async def find_delivery(reader: Reader, delivery_id: int) -> DeliveryDetails | None:
    """Return everything that is stored of a delivery."""
    rows = await reader.read(f"SELECT {_SUMMARY}, {_MESSAGES} FROM deliveries WHERE id = ?", delivery_id)
    return _details(rows[0]) if rows else None


async def subscriber_of(reader: Reader, delivery_id: int) -> tuple[int | None, int | None, datetime, str, str]:
    """Return the id of a delivery's hook or of its installation, the time of its event, its target and its URL."""
    ((hook_id, installation_id, event_time, target, url),) = await reader.read(
        "SELECT hook_id, installation_id, event_time, target, url FROM deliveries WHERE id = ?", delivery_id
    )
    return hook_id, installation_id, from_text(event_time), target, url


def _delivery(row: Row) -> Delivery:
    identity, time, *rest, is_edited, is_sample = row
    return Delivery(identity, from_text(time), *(*rest, bool(is_edited), bool(is_sample)))


def _details(row: Row) -> DeliveryDetails:
    *summary, request_headers, content, answer_headers, answer_body, answer_size, outcomes, due_on = row
    return DeliveryDetails(
        _delivery(tuple(summary)),
        _pairs(request_headers),
        content,
        _pairs(answer_headers),
        answer_body,
        answer_size,
        _attempts(outcomes),
        None if due_on is None else from_text(due_on),
    )


def _attempts(text: str) -> tuple[Attempt, ...]:
    return msgspec.json.decode(text, type=tuple[Attempt, ...])


def _pairs(text: str) -> _Pairs:
    return msgspec.json.decode(text, type=_Pairs)


def _text(value: Iterable[object]) -> str:
    return msgspec.json.encode(value).decode()
