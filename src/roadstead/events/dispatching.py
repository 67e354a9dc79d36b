"""From events to deliveries: one for each event and subscriber, stored in one transaction with "dispatched".

So each event is dispatched exactly once, also when the process dies or another does the same. Payloads are built before
the transaction, which would otherwise keep other writers waiting for git.
"""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from roadstead.domain.host import Host
from roadstead.domain.queue import LOOK_SECONDS
from roadstead.errors import StorageUnavailable
from roadstead.events.payloads import Payload, Payloads
from roadstead.events.room import LIMITS, Limits, Room
from roadstead.events.subscribers import Subscriber, server_of, subscribers_of
from roadstead.model.deliveries import NewDelivery
from roadstead.pushed import Event
from roadstead.storage.deliveries import add_deliveries
from roadstead.storage.events import end_pending, list_pending_events
from roadstead.storage.tables import EVENTS
from roadstead.storage.workspaces import find_workspace_by_id

AT_ONCE = 20
"""Events of one transaction."""
LONGEST_BODY = 256 * 1024
"""Bytes. Documented: the cloud does not send longer ones."""

log = logging.getLogger("roadstead.events")


async def dispatch_events(host: Host, payloads: Payloads, *, look_seconds: float = LOOK_SECONDS) -> None:
    """Store the deliveries of pending events as they come, until cancelled. A commit of an event wakes this."""
    wake = host.store.database.wakers.of(EVENTS.name)
    while True:
        wake.clear()
        await _dispatch_all(host, payloads)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(look_seconds):
                await wake.wait()


async def _dispatch_all(host: Host, payloads: Payloads) -> None:
    try:
        while await dispatch_some(host, payloads):
            pass
    except StorageUnavailable as exc:
        log.warning("events cannot be dispatched now: %s %s", exc.message, exc.detail)
    except Exception:
        log.exception("events cannot be dispatched now")


async def dispatch_some(host: Host, payloads: Payloads, limits: Limits = LIMITS) -> bool:
    """Store the deliveries of the oldest pending events. Return whether there were any events."""
    events = await list_pending_events(host.store.database, AT_ONCE)
    made = {event.id: await _deliveries_of(host, payloads, event) for event in events}
    if events:
        async with host.store.database.transaction() as tx:
            ours = await end_pending(tx, events)
            room = Room(tx, limits)
            deliveries = [await room.admit(one) for event in events if event.id in ours for one in made[event.id]]
            if deliveries:
                await add_deliveries(tx, deliveries, host.now())
    return bool(events)


async def _deliveries_of(host: Host, payloads: Payloads, event: Event) -> Sequence[NewDelivery]:
    """Return the deliveries of an event. A payload that cannot be built is an error of each, and holds up no other."""
    subscribers = await subscribers_of(host, event)
    if not subscribers:
        return ()
    workspace = await find_workspace_by_id(host.store.database, event.workspace_id)
    telling = partial(Telling.of, event, workspace.slug if workspace else "")
    error = None
    try:
        payload = await payloads.build(host, event)
        told = None if payload is None else telling(payload)
    except StorageUnavailable:
        raise
    except Exception:
        log.exception("the payload of event %s, %s, cannot be built", event.id, event.key)
        told, error = telling({}), "The payload could not be built; the log of the host says why."
    return () if told is None else list(_deliveries_to(subscribers, told, error))


def _deliveries_to(subscribers: Sequence[Subscriber], told: "Telling", error: str | None) -> Iterator[NewDelivery]:
    """Yield a delivery to each subscriber. One that has none, by a fault of ours, holds up no other."""
    for subscriber in subscribers:
        try:
            yield delivery_to(subscriber, told, error)
        except Exception:
            log.exception("event %s, %s, has no delivery to %s", told.event.id, told.event.key, subscriber.hook)


class Telling(NamedTuple):
    """An event of a workspace as its subscribers are told of it. `content` is the payload, encoded once for all."""

    event: Event
    workspace: str
    payload: Payload
    content: bytes

    @classmethod
    def of(cls, event: Event, workspace: str, payload: Payload) -> "Telling":
        """Return what is told with that payload."""
        return cls(event, workspace, payload, msgspec.json.encode(payload))

    def body(self, *, is_app: bool) -> bytes:
        """Return the body of a delivery: apps get the payload wrapped, hooks get it alone."""
        wrapped = {"event": self.event.key, "data": msgspec.Raw(self.content)}
        return msgspec.json.encode(wrapped) if is_app else self.content


def delivery_to(subscriber: Subscriber, told: Telling, error: str | None = None) -> NewDelivery:
    """Return the delivery of an event to a subscriber."""
    event, repository = told.event, told.payload.get("repository") or {}
    content = told.body(is_app=subscriber.is_app)
    if len(content) > LONGEST_BODY:
        error = f"Not sent: the body has {len(content):,} bytes, and at most {LONGEST_BODY:,} are sent."
        content = b""
    url = subscriber.address(told.payload)
    return NewDelivery(
        event=event.key,
        event_time=event.time,
        hook=subscriber.hook,
        hook_id=subscriber.hook_id,
        installation_id=subscriber.installation_id,
        workspace=told.workspace,
        repository=repository.get("full_name"),
        lane=subscriber.lane(repository.get("uuid")),
        target=server_of(url),
        url=url,
        request_id=str(uuid.uuid4()),
        content=content.decode(),
        state="pending" if error is None else "failed",
        error=error,
    )
