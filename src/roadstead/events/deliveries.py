"""The log of deliveries: look at them, send one again, and send samples."""

import uuid

import msgspec

from roadstead.domain.host import Host
from roadstead.domain.traffic.redaction import cleaned
from roadstead.errors import Conflict, InvalidInput, NotFound
from roadstead.events.catalogue import CATALOGUE
from roadstead.events.dispatching import LONGEST_BODY, Telling, delivery_to
from roadstead.events.payloads import Payloads
from roadstead.events.sending import QUEUE, deliver
from roadstead.events.subscribers import subscribers_of
from roadstead.listing import PageRequest, Slice
from roadstead.model import Repository
from roadstead.model.deliveries import Delivery, DeliveryDetails, NewDelivery
from roadstead.pushed import Event
from roadstead.storage import deliveries as rows
from roadstead.storage.queue import Claim, return_unused

_LARGEST_ID = 2**63 - 1
_AFTER_ALL = _LARGEST_ID
"""The id of an event that did not happen: all who subscribe now are told of it."""
_MOST_SHOWN = 1_000


async def page_of_deliveries(host: Host, wanted: PageRequest) -> Slice[Delivery]:
    """Return a page of the deliveries; unless sorted otherwise, and among equals, the newest are first."""
    page = await rows.page_of_deliveries(host.store.database, wanted)
    return page.of([_shown(one) for one in page.items])


async def list_unfinished(host: Host) -> list[Delivery]:
    """Return the deliveries that are due or postponed, and those that were given up; at most a thousand."""
    return [_shown(one) for one in await rows.list_unfinished(host.store.database, _MOST_SHOWN)]


async def count_unsent(host: Host) -> int:
    """Return how many deliveries, and events that are not dispatched, this host has still to send."""
    return await rows.count_unsent(host.store.database)


async def get_delivery(host: Host, delivery_id: int) -> DeliveryDetails:
    """Return everything that is stored of a delivery. Raise `NotFound`."""
    found = await rows.find_delivery(host.store.database, delivery_id) if delivery_id <= _LARGEST_ID else None
    if found is None:
        raise NotFound(
            f"There is no delivery {delivery_id}.",
            f"The last {host.settings.keep_deliveries} are kept; the setting keep_deliveries says how many.",
        )
    return msgspec.structs.replace(found, summary=_shown(found.summary))


async def resend(host: Host, delivery_id: int, content: str | None = None) -> int:
    """Send a delivery again, as another one: now, out of turn, signed anew, and with another body if one is given.

    Return its id. Raise `NotFound` and `InvalidInput`.
    """
    first = await get_delivery(host, delivery_id)
    hook_id, installation_id, event_time, target, url = await rows.subscriber_of(host.store.database, delivery_id)
    body = first.content if content is None else content
    _check(body)
    again = NewDelivery(
        event=first.summary.event,
        event_time=event_time,
        hook=first.summary.hook,
        hook_id=hook_id,
        installation_id=installation_id,
        workspace=first.summary.workspace,
        repository=first.summary.repository,
        lane=_own_lane(),
        target=target,
        url=url,
        request_id=str(uuid.uuid4()),
        content=body,
        resent_from=delivery_id,
        is_edited=body != first.content,
        is_sample=first.summary.is_sample,
    )
    async with host.store.database.transaction() as tx:
        return await rows.add_delivery(tx, again, host.now())


async def find_first(host: Host, delivery_id: int) -> int | None:
    """Return the delivery that must end before one that waits is sent, or itself; `None` for one that has ended."""
    return await rows.find_first(host.store.database, delivery_id)


async def send_waiting(host: Host, delivery_id: int) -> DeliveryDetails:
    """Send a delivery that waits for its next attempt, here and now, and return it. Raise `NotFound` and `Conflict`."""
    await get_delivery(host, delivery_id)
    first = await find_first(host, delivery_id)
    if first is None:
        raise Conflict("The delivery is no longer pending.", "Send it again, as another one.")
    if first != delivery_id:
        raise Conflict(f"The delivery waits for delivery {first}.", "Send that one now, or send this one again.")
    return await send_now(host, delivery_id)


async def send_now(host: Host, delivery_id: int) -> DeliveryDetails:
    """Send a delivery that is due, here and now, unless another process does so; return it.

    Raise `NotFound`, and `Conflict` when it is being sent.
    """
    async with host.store.database.transaction() as tx:
        claim = await QUEUE.claim_one(tx, delivery_id, host.now())
    following = None if claim is None else await deliver(host, QUEUE, claim)
    if following is not None:
        await _leave_to_workers(host, following)
    found = await get_delivery(host, delivery_id)
    if claim is None and found.summary.state == "pending":
        raise Conflict("The delivery is being sent at this moment.", "Look again in some seconds.")
    return found


async def _leave_to_workers(host: Host, following: Claim) -> None:
    """Let the workers of the queue send the next delivery of a lane."""
    async with host.store.database.transaction() as tx:
        await return_unused(tx, rows.TABLE, following)
        tx.wake(rows.TABLE)


async def fire(host: Host, payloads: Payloads, key: str, repository: Repository) -> list[int]:
    """Send a sample of an event, which did not happen, about real objects of a repository to all who subscribe to it.

    Return the ids of the deliveries. Raise `InvalidInput` for an event that has no sample.
    """
    if key not in CATALOGUE:
        raise InvalidInput(f"There is no event {key!r}.", f"Events are: {', '.join(CATALOGUE)}.")
    payload = await payloads.sample(host, key, repository)
    if payload is None:
        raise InvalidInput(
            f"There is no sample of {key}.", "This version does not announce it, or the repository has no such object."
        )
    event = Event(_AFTER_ALL, key, repository.workspace.id, repository.id, None, None, host.now(), payload)
    told, ids = Telling.of(event, repository.workspace.slug, payload), []
    for subscriber in await subscribers_of(host, event):
        delivery = delivery_to(subscriber, told)
        async with host.store.database.transaction() as tx:
            sample = delivery._replace(lane=_own_lane(), is_sample=True)
            ids.append(await rows.add_delivery(tx, sample, host.now()))
    return ids


def _shown(delivery: Delivery) -> Delivery:
    """Return a delivery without the secrets that its URL names, as in `?token=`."""
    return msgspec.structs.replace(delivery, url=cleaned(delivery.url))


def _own_lane() -> str:
    return f"once {uuid.uuid4()}"


def _check(body: str) -> None:
    if len(body.encode("utf-8", "surrogatepass")) > LONGEST_BODY:
        raise InvalidInput(f"The body has more than {LONGEST_BODY:,} bytes.", "A longer one is not sent.")
    if "\x00" in body or any("\ud800" <= char <= "\udfff" for char in body):
        raise InvalidInput("The body is not text.", "It must be UTF-8 without NUL; JSON writes that as \\u0000.")
    try:
        msgspec.json.decode(body)
    except msgspec.DecodeError as exc:
        raise InvalidInput("The body is not JSON.", f"{exc}.") from exc
    except RecursionError as exc:
        raise InvalidInput("The body is nested too deeply.") from exc
