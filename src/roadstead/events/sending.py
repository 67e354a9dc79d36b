"""Send deliveries: each attempt is signed anew, and its outcome decides whether there is another.

Deliveries of a lane, those about one repository to one subscriber, are sent one after the other: the next one waits
until the one before was delivered, refused or given up.
"""

import logging
import re
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from roadstead.connect.presented import present
from roadstead.domain.apps.descriptors import stored_descriptor
from roadstead.domain.apps.signing import canonical_for_app, sign_for_app
from roadstead.domain.host import Host
from roadstead.domain.queue import FINISH_SECONDS, LOOK_SECONDS, Queue, Retry, Worker
from roadstead.domain.traffic.redaction import RAW_BYTES, kept
from roadstead.errors import OutgoingCallFailed, TargetForbidden
from roadstead.model.deliveries import Outcome, PendingDelivery, State
from roadstead.outbound.calls import Answer
from roadstead.outbound.webhooks import Route, Told, headers_of, hub_signature, post_delivery
from roadstead.storage import deliveries as rows
from roadstead.storage import queue
from roadstead.storage.database import Transaction
from roadstead.storage.deliveries import TABLE
from roadstead.storage.hooks import find_by_id, secret_of
from roadstead.storage.installations import get_installation
from roadstead.storage.queue import Claim

QUEUE = Queue(
    TABLE,
    Retry(first_pause=2.0, growth=4, longest_pause=4 * 3600.0, tries=13),
    at_once=40,
    shares={"target": 6, "workspace": 20},
)
"""Deliveries that are tried again within about a day. A server, and a workspace, has a share of those under way, so
that one that is slow holds up no other."""
GIVEN_UP_AFTER = timedelta(days=1)
"""A delivery that waited longer for those before it is tried once."""

NOT_SUBSCRIBED = "Not sent: the hook was deleted or is not active, or the app was uninstalled."

log = logging.getLogger("roadstead.events")


def sending_deliveries(
    host: Host, *, queue: Queue = QUEUE, look_seconds: float = LOOK_SECONDS, finish_seconds: float = FINISH_SECONDS
) -> AbstractAsyncContextManager[None]:
    """Send due deliveries while the block runs. Other processes, or the next start, send the rest."""
    worker = Worker(
        host.store.database,
        queue,
        lambda claim: deliver(host, queue, claim),
        now=host.now,
        look_seconds=look_seconds,
        finish_seconds=finish_seconds,
    )
    return worker.running()


async def deliver(host: Host, queue_of: Queue, claim: Claim) -> Claim | None:
    """Make an attempt of a claimed delivery, and store its outcome. Return the claim of the next one in its lane."""
    pending = await rows.find_pending(host.store.database, claim.id)
    if pending is None:
        return None
    outcome, retry_after = await _attempt(host, pending, claim.attempts)
    async with host.store.database.transaction() as tx:
        if not await queue.is_ours(tx, TABLE, claim):
            return None
        state = await _conclude(host, tx, queue_of, claim, pending, outcome, retry_after)
        await rows.keep_outcome(tx, pending, outcome, state)
        next_id = None if state == "pending" else await rows.find_next(tx, pending.lane)
        following = None if next_id is None else await _go_on(tx, queue_of, next_id, host.now())
    return following and following._replace(shares=claim.shares)


async def _go_on(tx: Transaction, queue_of: Queue, next_id: int, now: datetime) -> Claim | None:
    """Make the next delivery of a lane due. Return a claim of it, unless others were due before."""
    others_wait = await queue_of.is_any_due(tx, now)
    await rows.begin(tx, next_id, now)
    if others_wait:
        tx.wake(TABLE)
        return None
    return await queue_of.claim_one(tx, next_id, now)


async def _conclude(
    host: Host,
    tx: Transaction,
    queue_of: Queue,
    claim: Claim,
    pending: PendingDelivery,
    outcome: Outcome,
    retry_after: float | None,
) -> State:
    """End a delivery, or postpone it; return its state. Without `retry_after` the outcome is final."""
    if retry_after is None:
        await queue.settle(tx, TABLE, claim)
        return "delivered" if outcome.status is not None and 200 <= outcome.status < 300 else "failed"
    now = host.now()
    if now - pending.time > GIVEN_UP_AFTER:
        await queue.give_up(tx, TABLE, claim, now)
        return "given up"
    return "pending" if await queue_of.try_later(tx, claim, now, after=retry_after) else "given up"


async def _attempt(host: Host, pending: PendingDelivery, attempt: int) -> tuple[Outcome, float | None]:
    """Send a delivery. Return the outcome, and if it may be tried again, how many seconds to wait at least."""
    now = host.now()
    told = Told(pending.event, pending.event_time, pending.hook, pending.request_id, attempt, pending.is_sample)
    headers, body = headers_of(told), pending.content.encode()
    subscription = await _subscription(host, pending, body)
    if subscription is None:
        return Outcome(now, error=NOT_SUBSCRIBED), None
    headers.update(subscription.signature)
    shown = kept(
        [(name.encode(), value.encode()) for name, value in headers.items()],
        b"",
        0,
        secrets=(),
        credential=present(headers["Authorization"]) if "Authorization" in headers else None,
    ).headers
    started = time.monotonic()
    try:
        answer = await post_delivery(host.outbound, subscription.route, headers, body)
    except OutgoingCallFailed as exc:
        return Outcome(now, shown, error=_reason(exc), duration_ms=round((time.monotonic() - started) * 1000)), 0
    told_back = kept(
        [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()],
        answer.body[:RAW_BYTES],
        len(answer.body),
        secrets=subscription.secrets,
    )
    outcome = Outcome(
        now, shown, answer.status, None, answer.duration_ms, told_back.headers, told_back.body, told_back.size
    )
    return outcome, _wait_after(answer, now.timestamp())


def _reason(failure: OutgoingCallFailed) -> str:
    """Return why a call was not answered; of an address that may not be called, also which setting allows it."""
    return f"{failure.message} {failure.detail}" if isinstance(failure, TargetForbidden) else failure.message


class _Subscription(NamedTuple):
    """How a subscriber is reached now, the signature of a body for it, and the secrets to redact in its answer."""

    route: Route
    signature: Mapping[str, str]
    secrets: tuple[str, ...]


async def _subscription(host: Host, pending: PendingDelivery, body: bytes) -> _Subscription | None:
    if pending.installation_id is not None:
        return await _of_app(host, pending.installation_id, pending.url)
    return await _of_hook(host, pending.hook_id or 0, pending.url, body)


async def _of_hook(host: Host, hook_id: int, url: str, body: bytes) -> _Subscription | None:
    hook = await find_by_id(host.store.database, hook_id)
    if hook is None or not hook.is_active:
        return None
    secret = await secret_of(host.store, hook_id) if hook.has_secret else None
    route = Route(url, hook.home, verify=not hook.skip_cert_verification)
    if secret is None:
        return _Subscription(route, {}, ())
    signature = hub_signature(secret, body)
    return _Subscription(route, {"X-Hub-Signature": signature}, (secret, signature.removeprefix("sha256=")))


async def _of_app(host: Host, installation_id: int, url: str) -> _Subscription | None:
    installation = await get_installation(host.store, installation_id)
    if installation is None or installation.state != "installed":
        return None
    descriptor = stored_descriptor(installation.descriptor)
    route = Route(url, installation.descriptor_url)
    if descriptor.authentication != "jwt":
        return _Subscription(route, {}, ())
    canonical = canonical_for_app(descriptor, "POST", url)
    token = sign_for_app(host, installation.client_key, canonical, installation.shared_secret)
    return _Subscription(route, {"Authorization": f"JWT {token}"}, (installation.shared_secret,))


def _wait_after(answer: Answer, now: float) -> float | None:
    """Return how long to wait at least until another attempt; `None` where the answer is final."""
    if not (answer.status >= 500 or answer.status in (408, 429)):
        return None
    return _seconds(answer.headers.get("retry-after", ""), now)


def _seconds(retry_after: str, now: float) -> float:
    """Return the seconds that a `Retry-After` asks for; 0 for one that cannot be read."""
    if re.fullmatch("[0-9]{1,9}", retry_after):
        return float(retry_after)
    try:
        return max(parsedate_to_datetime(retry_after).timestamp() - now, 0.0)
    except (ValueError, OverflowError):
        return 0.0
