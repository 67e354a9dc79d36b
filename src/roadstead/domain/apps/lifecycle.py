"""Lifecycle calls: `installed` within the handshake, `uninstalled` after an uninstallation.

`installed` is posted once, because its answer decides. `uninstalled` is queued: the transaction that uninstalls the app
stores it, with everything needed to send it, and the host tries it until the app has answered, so it outlives the
process that stored it, and the installation. It is not sent to an app that has been installed again since, because the
app would take it for the end of the new installation.
"""

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from roadstead.domain.apps.descriptors import stored_descriptor
from roadstead.domain.apps.signing import canonical_for_app, sign_for_app
from roadstead.domain.host import Host
from roadstead.domain.queue import FINISH_SECONDS, LOOK_SECONDS, Queue, Retry, Worker
from roadstead.domain.traffic.redaction import cleaned
from roadstead.errors import Conflict, InstallationFailed, NotFound, OutgoingCallFailed
from roadstead.model import Installation, LifecycleCall, QueueCounts, User
from roadstead.outbound.lifecycle import Sender, as_shown, call_app, lifecycle_body
from roadstead.storage import installations, queue
from roadstead.storage import lifecycle as calls
from roadstead.storage.database import Transaction
from roadstead.storage.lifecycle import TABLE, Outcome, PendingCall
from roadstead.storage.queue import Claim
from roadstead.storage.sealing import Seal

if TYPE_CHECKING:
    from roadstead.connect import Descriptor

QUEUE = Queue(TABLE, Retry(first_pause=5.0, growth=3, longest_pause=6 * 3600.0, tries=12))
"""Calls that are tried again within about a day."""
OVERDUE_SECONDS = 60.0
"""A call that has been due for longer is overdue: no process runs the queue, or too few do."""
_MOST_SHOWN = 1_000
_SHOWN_BODY = 2_000


# Looking


async def list_calls(host: Host, installation: Installation) -> list[LifecycleCall]:
    """Return the last calls to the app, newest first."""
    return await calls.list_calls(host.store.database, installation.app_key, installation.workspace.id)


async def find_call(host: Host, call_id: int) -> LifecycleCall | None:
    return await calls.find_call(host.store.database, call_id)


async def list_pending_calls(host: Host) -> list[LifecycleCall]:
    """Return the pending calls and those that were given up, the oldest first, at most a thousand."""
    return await calls.list_pending_calls(host.store.database, _MOST_SHOWN)


async def count_pending_calls(host: Host) -> QueueCounts:
    """Return how many calls are waiting, how many of these are overdue, and how many were given up."""
    due_before = host.now() - timedelta(seconds=OVERDUE_SECONDS)
    return await queue.count(host.store.database, TABLE, due_before=due_before)


# `installed`


async def post_installed(
    host: Host, installation: Installation, descriptor: "Descriptor", signing_secret: str | None, actor: User | None
) -> None:
    """Post `installed`, if the app has an address for it, signed with a secret that the app may have: it does not know
    the new one.

    Raise `InstallationFailed` unless the app answers 2xx.
    """
    path = descriptor.lifecycle.installed
    if path is None:
        return
    url = descriptor.url(path)
    async with host.store.database.transaction() as tx:
        call_id = await calls.add_call(tx, installation, "installed", url=url, now=host.now())
    token = None
    if signing_secret is not None:
        canonical = canonical_for_app(descriptor, "POST", url)
        token = sign_for_app(host, installation.client_key, canonical, signing_secret)
    body = lifecycle_body("installed", installation, await host.sender(actor))
    outcome, failure = await _call(
        host, url, body, token, home=installation.descriptor_url, hidden=installation.shared_secret
    )
    async with host.store.database.transaction() as tx:
        await calls.keep_outcome(tx, call_id, outcome)
    if failure is not None:
        raise InstallationFailed(
            f"The app did not answer the installed call: {failure.message}",
            f"{failure.detail}{_if_it_accepted(installation) if failure.may_have_arrived else ''}",
            step="installed",
            call_id=call_id,
            unanswered=failure.may_have_arrived,
        ) from failure
    if outcome.status is None or not 200 <= outcome.status < 300:
        raise InstallationFailed(
            f"The app refused the installation with status {outcome.status}.",
            _advice(installation, url, outcome.status, signed=token is not None),
            step="installed",
            status=outcome.status,
            body=outcome.body,
            call_id=call_id,
        )


def _if_it_accepted(installation: Installation) -> str:
    withdraw = f"roadstead uninstall {installation.app_key} --workspace {installation.workspace.slug}"
    return (
        "\nIf the app accepted nevertheless, the first request that it signs completes the installation. "
        f"Withdraw what it was offered with: {withdraw}"
    )


def _advice(installation: Installation, url: str, status: int | None, *, signed: bool) -> str:
    """Return what to do about an app that refuses: most that refuse a signed call have another secret, or none."""
    posted = f"It was posted to {url}; look at the app's log for the reason."
    if not signed or status is None or status >= 500:
        return posted
    again = f"roadstead install {installation.descriptor_url} --workspace {installation.workspace.slug}"
    return (
        f"{posted}\nDoes the app still have the secret of {installation.client_key}? "
        f"If not, let it forget this client key, and install it again with: {again} --unsigned"
    )


# `uninstalled`


async def queue_uninstalled(
    host: Host, tx: Transaction, installation: Installation, sender: Sender, seal: Seal
) -> int | None:
    """Store the pending call that notifies the app; return its id, or `None` if the app has no address for it."""
    descriptor = stored_descriptor(installation.descriptor)
    path = descriptor.lifecycle.uninstalled
    if path is None:
        return None
    url = descriptor.url(path)
    call_id = await calls.add_call(tx, installation, "uninstalled", url=url, now=host.now())
    await calls.queue_call(
        tx,
        call_id,
        descriptor_url=installation.descriptor_url,
        content=json.dumps(lifecycle_body("uninstalled", installation, sender)),
        canonical=canonical_for_app(descriptor, "POST", url),
        sealed_secret=seal(installation.shared_secret) if descriptor.authentication == "jwt" else None,
        now=host.now(),
    )
    return call_id


def making_pending_calls(
    host: Host, *, queue: Queue = QUEUE, look_seconds: float = LOOK_SECONDS, finish_seconds: float = FINISH_SECONDS
) -> AbstractAsyncContextManager[None]:
    """Make pending calls while the block runs. Other processes, or the next start, make the rest."""
    worker = Worker(
        host.store.database,
        queue,
        lambda claim: make(host, claim),
        now=host.now,
        look_seconds=look_seconds,
        finish_seconds=finish_seconds,
    )
    return worker.running()


async def try_now(host: Host, call_id: int) -> LifecycleCall:
    """Make a pending or given-up call now, and return its outcome.

    Raises `NotFound` when there is no such call, and `Conflict` when it is not pending or is being made.
    """
    async with host.store.database.transaction() as tx:
        claim = await QUEUE.claim_one(tx, call_id, host.now())
    if claim is not None:
        await make(host, claim)
    call = await find_call(host, call_id)
    if call is None:
        raise NotFound(f"There is no lifecycle call {call_id}.", "See the pending ones with: roadstead queue")
    if claim is None and call.claimed_until is not None:
        raise Conflict("The app is being called at this moment.", "Look again in some seconds.")
    if claim is None:
        raise Conflict("The call is no longer pending.", "It was made, or the app has been installed again since.")
    return call


async def make(host: Host, claim: Claim) -> None:
    """Make a claimed call, and store its outcome."""
    pending = await calls.find_pending_call(host.store, claim.id)
    if pending is None:
        return
    body = json.loads(pending.content)
    known = await installations.find_caller(host.store, body["clientKey"])
    if known is None:
        outcome = await _send(host, pending, body)
        done = outcome.status is not None and not _is_passing(outcome.status)
    else:
        done = not known.handshake_under_way
        outcome = Outcome(error=_INSTALLED_AGAIN if done else _BEING_INSTALLED)
    async with host.store.database.transaction() as tx:
        if not await queue.is_ours(tx, TABLE, claim):
            return
        await calls.keep_outcome(tx, claim.id, outcome)
        if done:
            await queue.settle(tx, TABLE, claim)
            await calls.drop_content(tx, claim.id)
        else:
            await QUEUE.try_later(tx, claim, host.now())


_INSTALLED_AGAIN = "Not sent: the app has been installed again since."
_BEING_INSTALLED = "Not sent yet: the app is being installed again."


async def _send(host: Host, pending: PendingCall, body: dict[str, Any]) -> Outcome:
    token = sign_for_app(host, body["clientKey"], pending.canonical, pending.secret) if pending.secret else None
    outcome, _ = await _call(host, pending.url, body, token, home=pending.descriptor_url, hidden=pending.secret)
    return outcome


def _is_passing(status: int) -> bool:
    """Return whether another attempt may be answered differently: after the statuses for which Bitbucket repeats
    webhooks, and 429.

    Any other answer is final: the app has been notified, and cannot object.
    """
    return status >= 500 or status in (408, 429)


# Both


async def _call(
    host: Host, url: str, body: Mapping[str, Any], token: str | None, *, home: str, hidden: str | None
) -> tuple[Outcome, OutgoingCallFailed | None]:
    """Make a lifecycle call. The secret that is `hidden` is shown nowhere, even if the app sends it back."""
    authorization = f"JWT {token}" if token else None
    request = as_shown(url, dict(body), authorization)
    try:
        answer = await call_app(host.outbound, url, dict(body), authorization, home=home)
    except OutgoingCallFailed as exc:
        return Outcome(request, error=exc.message), exc
    shown_body = cleaned(answer.text, [hidden] if hidden else ())[:_SHOWN_BODY]
    return Outcome(request, answer.status, body=shown_body, duration_ms=answer.duration_ms), None
