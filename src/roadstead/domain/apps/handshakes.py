"""The handshake of an installation: the offer to the app, and its outcome.

An installation is a conversation: the host stores the new state, posts `installed`, and the app accepts or refuses. The
new credentials work while the app is still answering, because apps call back from inside that handler. Until the answer
arrives, a handshake row keeps the old state, and a lease shows that a process is waiting. A handshake whose lease is
free was left by a dead process; the next process that finds it undoes it.

The app may still have accepted: the process may have died, or given up, just before the answer. The app then has the
new secret, and would be locked out. So the offer is kept, unless the app refused. Only the app got that secret, so the
first request that is signed with it proves that the app accepted, and completes the installation. For the same reason,
the next `installed` call is signed with it first.
"""

import asyncio
import hashlib
import secrets
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Literal

from roadstead.domain.apps import lifecycle
from roadstead.domain.apps.descriptors import stored_descriptor
from roadstead.domain.host import Host
from roadstead.errors import HandshakeUnderWay, InstallationFailed, InvalidInput
from roadstead.model import Installation, Offer, Registration, User
from roadstead.storage import installations as rows
from roadstead.storage import offers
from roadstead.storage.audit import add_entry, add_installation_entry
from roadstead.storage.database import Lease, Transaction
from roadstead.storage.handshakes import (
    begin_handshake,
    find_previous,
    finish_handshake,
    list_handshakes,
    undo_handshake,
)
from roadstead.storage.installations import Offered
from roadstead.storage.members import ensure_owners
from roadstead.storage.moments import to_text
from roadstead.storage.registrations import find_registration
from roadstead.storage.sealing import sealer
from roadstead.storage.workspaces import drop_empty_workspace, find_workspace, take_workspace

if TYPE_CHECKING:
    from roadstead.connect import Descriptor

Step = Literal["fetch", "validate", "installed"]
Progress = Callable[[Step], None]

_LOOKS, _LOOK_SECONDS = 20, 0.05
"""How often, and after which pauses, a request checks whether another process has completed the offer."""
_UNKNOWN_SIGNATURE = (401, 403)
"""An app's answers to a call that is signed with another secret than its own."""


def new_secret() -> str:
    """Return 43 URL-safe characters of 256 random bits; at least one app's library refuses fewer than 32."""
    return secrets.token_urlsafe(32)


async def shake_hands(
    host: Host,
    descriptor: "Descriptor",
    descriptor_url: str,
    workspace_slug: str,
    *,
    registration: Registration | None,
    signed: bool,
    actor: User | None,
    progress: Progress,
) -> Installation:
    """Offer the app its installation, and return it when the app has accepted.

    Raise `InstallationFailed`, after which the previous state is in force again, and `HandshakeUnderWay`.
    """
    lease = await _take_lease(host, workspace_slug, descriptor.key)
    try:
        await _undo_abandoned(host, workspace_slug, descriptor.key)
        installation = await _begin(host, descriptor, descriptor_url, workspace_slug, registration)
        try:
            progress("installed")
            signing = signed and descriptor.authentication == "jwt"
            signing_secrets = await _signing_secrets(host, installation, registration) if signing else [None]
            await _post_installed(host, installation, descriptor, signing_secrets, actor)
            return await _accept(host, installation.id, actor)
        except BaseException as exc:
            refused = isinstance(exc, InstallationFailed) and not exc.unanswered
            await _undo(host, installation.id, keep_offer=not refused)
            raise
    finally:
        await lease.release()


async def _begin(
    host: Host,
    descriptor: "Descriptor",
    descriptor_url: str,
    workspace_slug: str,
    registration: Registration | None,
) -> Installation:
    store, now = host.store, host.now()
    async with store.database.transaction() as tx:
        seal = await sealer(store.secrets, tx)
        workspace = await take_workspace(
            tx, slug=workspace_slug, uuid=f"{{{uuid.uuid4()}}}", name=workspace_slug, now=now
        )
        await ensure_owners(tx)
        identity = await begin_handshake(
            tx,
            workspace=workspace,
            app_key=descriptor.key,
            # The captured form. It is fixed by account and app, so it survives a reinstallation.
            client_key=f"ari:cloud:bitbucket::app/{workspace.uuid}/{descriptor.key}",
            descriptor_url=descriptor_url,
            descriptor=descriptor.to_json(),
            linkers=descriptor.modules.linkers,
            sealed_secret=seal(registration.shared_secret if registration else new_secret()),
            now=now,
        )
        installation = await rows.get_installation(store, identity, tx)
    assert installation is not None  # noqa: S101  # it was stored two lines above
    return installation


async def _signing_secrets(
    host: Host, installation: Installation, registration: Registration | None
) -> list[str | None]:
    """Return the secrets to sign `installed` with, the likeliest first; `None` means no signature.

    An app that has accepted nothing yet is called unsigned, unless it is registered and so has a secret from the start.
    """
    offered = [offer.shared_secret for offer in await offers.find_offers(host.store, installation.client_key)]
    accepted = installation.previous_secret or (registration.shared_secret if registration else None)
    return list(dict.fromkeys([*offered, accepted]))


async def _post_installed(
    host: Host,
    installation: Installation,
    descriptor: "Descriptor",
    signing_secrets: Sequence[str | None],
    actor: User | None,
) -> None:
    """Post `installed`, and again with the next secret if the app does not know the signature."""
    *doubtful, last = signing_secrets
    for secret in doubtful:
        try:
            return await lifecycle.post_installed(host, installation, descriptor, secret, actor)
        except InstallationFailed as exc:
            if exc.status not in _UNKNOWN_SIGNATURE:
                raise
    return await lifecycle.post_installed(host, installation, descriptor, last, actor)


async def _accept(host: Host, installation_id: int, actor: User | None) -> Installation:
    async with host.store.database.transaction() as tx:
        await rows.hold_with_key(tx, installation_id)
        previous = await finish_handshake(tx, installation_id, host.now())
        installation = await rows.get_installation(host.store, installation_id, tx)
        if previous is not None and installation is not None and installation.state == "installed":
            await offers.drop_offers(tx, installation.client_key)
            await add_installation_entry(
                tx,
                installation_id,
                actor=host.operator if actor is None or actor.is_administrator else f"user {actor.username}",
                action=_action(previous),
                details={"descriptor_url": installation.descriptor_url},
                now=host.now(),
            )
    if previous is None:
        raise InstallationFailed(
            "The installation was undone before the app had answered.", "Install it again.", step="installed"
        )
    if installation is None or installation.state != "installed":
        raise InstallationFailed(
            "The app removed itself while it was being installed.", "Nothing is left of it.", step="installed"
        )
    return installation


def _action(previous: Offered | None) -> str:
    """Return the audit log's name of an installation, by the previous state."""
    return "app installed" if previous is None or previous.state == "none" else "app reinstalled"


# Handshakes that did not end


async def undo_abandoned_handshakes(host: Host) -> None:
    """Undo the installations during which a process was stopped."""
    for installation_id in await list_handshakes(host.store.database):
        await undo_if_abandoned(host, installation_id)


async def undo_if_abandoned(host: Host, installation_id: int) -> None:
    """Undo the handshake unless a process is still waiting for the app's answer."""
    installation = await rows.get_installation(host.store, installation_id)
    if installation is None or not installation.handshake_under_way:
        return
    try:
        lease = await _take_lease(host, installation.workspace.slug, installation.app_key)
    except HandshakeUnderWay:
        return
    try:
        await _undo(host, installation_id, keep_offer=True)
    finally:
        await lease.release()


async def _take_lease(host: Host, workspace_slug: str, app_key: str) -> Lease:
    name = hashlib.sha256(f"{workspace_slug}/{app_key}".encode()).hexdigest()[:32]
    lease = await host.store.database.lease(name)
    if lease is None:
        raise HandshakeUnderWay(app_key)
    return lease


async def _undo_abandoned(host: Host, workspace_slug: str, app_key: str) -> None:
    """Undo a handshake of the same installation that no process waits for. The caller holds the lease."""
    workspace = await find_workspace(host.store.database, workspace_slug)
    if workspace is None:
        return
    installation = await rows.find_installation(host.store, workspace.id, app_key)
    if installation is not None and installation.handshake_under_way:
        await _undo(host, installation.id, keep_offer=True)


async def _undo(host: Host, installation_id: int, *, keep_offer: bool) -> None:
    async with host.store.database.transaction() as tx:
        await rows.hold_with_key(tx, installation_id)
        previous = await find_previous(tx, installation_id)
        if previous is None:
            return
        if keep_offer:
            await _keep_offer(host, tx, installation_id)
        linkers = stored_descriptor(previous.descriptor).modules.linkers if previous.state == "installed" else ()
        await undo_handshake(tx, installation_id, linkers)


# What an app was offered


async def _keep_offer(host: Host, tx: Transaction, installation_id: int) -> None:
    """Keep the handshake's offer, if the app got a secret by it: a registered app had its secret before.

    An app that was uninstalled meanwhile gets no offer.
    """
    installation = await rows.get_installation(host.store, installation_id, tx)
    if installation is None or installation.state != "installed":
        return
    if stored_descriptor(installation.descriptor).lifecycle.installed is None:
        return
    registration = await find_registration(host.store, installation.app_key, tx)
    if registration is None or registration.shared_secret != installation.shared_secret:
        await offers.keep_offer(tx, installation, host.now())


async def complete(host: Host, offer: Offer) -> None:
    """Put in force an offer that the app has accepted, as its signature shows.

    Nothing changes if the offer was withdrawn or superseded meanwhile, or while the same app is being installed.
    """
    await host.coalescing.do((complete, offer.id), offer, partial(_complete_once, host))


async def _complete_once(host: Host, those: Sequence[Offer]) -> Sequence[None]:
    """Complete one offer for all requests that ask for it at this moment."""
    (offer, *_) = those
    lease = await _wait_for_lease(host, offer)
    if lease is not None:
        try:
            await _undo_abandoned(host, offer.workspace.slug, offer.app_key)
            async with host.store.database.transaction() as tx:
                await _complete(host, tx, offer)
        finally:
            await lease.release()
    return [None] * len(those)


async def _wait_for_lease(host: Host, offer: Offer) -> Lease | None:
    """Wait while another process completes the offer, which takes milliseconds, but not for a whole handshake."""
    for _ in range(_LOOKS):
        with suppress(HandshakeUnderWay):
            return await _take_lease(host, offer.workspace.slug, offer.app_key)
        await asyncio.sleep(_LOOK_SECONDS)
    return None


async def _complete(host: Host, tx: Transaction, offer: Offer) -> None:
    seal = await sealer(host.store.secrets, tx)
    existing = await rows.find_installation(host.store, offer.workspace.id, offer.app_key, tx)
    if existing is not None:
        await rows.hold_installation(tx, existing.id)
    if not await offers.take_offer(tx, offer):
        return
    identity = await begin_handshake(
        tx,
        workspace=offer.workspace,
        app_key=offer.app_key,
        client_key=offer.client_key,
        descriptor_url=offer.descriptor_url,
        descriptor=offer.descriptor,
        linkers=stored_descriptor(offer.descriptor).modules.linkers,
        sealed_secret=seal(offer.shared_secret),
        now=host.now(),
    )
    previous = await finish_handshake(tx, identity, host.now())
    await add_installation_entry(
        tx,
        identity,
        actor=None,
        action=_action(previous),
        details={"descriptor_url": offer.descriptor_url, "offered_on": to_text(offer.offered_on)},
        now=host.now(),
    )


async def list_offers(host: Host) -> list[Offer]:
    """Return the offers that apps have neither accepted nor refused, the newest first."""
    return await offers.list_offers(host.store)


async def withdraw(host: Host, app_key: str, workspace_slug: str | None) -> Offer | None:
    """Withdraw an app's offer in a workspace, or the only offer if none is named; return the last such offer.

    Raise `InvalidInput` when there are several workspaces and none is named.
    """
    found = [
        offer
        for offer in await list_offers(host)
        if offer.app_key == app_key and workspace_slug in (None, offer.workspace.slug)
    ]
    if len({offer.workspace.slug for offer in found}) > 1:
        raise InvalidInput(f"The app {app_key!r} was offered several installations.", "Say which with --workspace.")
    if not found:
        return None
    async with host.store.database.transaction() as tx:
        await offers.drop_offers(tx, found[0].client_key)
        await drop_empty_workspace(tx, found[0].workspace.id)
        await add_entry(
            tx,
            actor=host.operator,
            action="offer withdrawn",
            subject=f"{found[0].workspace.slug}/{app_key}",
            details={"descriptor_url": found[0].descriptor_url},
            now=host.now(),
        )
    return found[0]
