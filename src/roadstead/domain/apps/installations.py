"""Install, list and uninstall apps."""

import asyncio
import re
from typing import TYPE_CHECKING

from roadstead.domain.apps import handshakes, lifecycle
from roadstead.domain.apps.descriptors import read_descriptor, stored_descriptor
from roadstead.domain.apps.fetching import fetch_descriptor
from roadstead.domain.apps.handshakes import Progress, new_secret
from roadstead.domain.host import Host
from roadstead.errors import (
    AppNotInstalled,
    InstallationFailed,
    InvalidInput,
    OutgoingCallFailed,
    WorkspaceNotFound,
)
from roadstead.model import Installation, LifecycleCall, Registration, User, Workspace
from roadstead.outbound.lifecycle import Sender
from roadstead.storage import handshakes as handshake_rows
from roadstead.storage import installations as rows
from roadstead.storage import linkers, workspaces
from roadstead.storage.audit import add_entry, add_installation_entry
from roadstead.storage.credentials import drop_access_tokens
from roadstead.storage.database import Transaction
from roadstead.storage.hooks import drop_hooks
from roadstead.storage.offers import drop_offers
from roadstead.storage.properties import drop_properties
from roadstead.storage.registrations import find_registration, keep_registration
from roadstead.storage.sealing import sealer

if TYPE_CHECKING:
    from roadstead.connect import Descriptor

_SLUG = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,61}", re.ASCII)


# Registrations


async def register(host: Host, app_key: str, descriptor_url: str) -> Registration:
    """Register that the app key belongs to that URL. The app's secret survives a second call."""
    if not app_key or not app_key.isprintable():
        raise InvalidInput("An app key cannot be empty or hold control characters.")
    if not re.match(r"https?://[^/\s]", descriptor_url):
        raise InvalidInput(f"{descriptor_url!r} is not an http or https URL.", "Give the URL of the app's descriptor.")
    async with host.store.database.transaction() as tx:
        known = await find_registration(host.store, app_key, tx)
        if known is not None and known.descriptor_url == descriptor_url:
            return known
        wanted = Registration(app_key, descriptor_url, new_secret())
        await keep_registration(host.store, tx, wanted, host.now())
        registration = await find_registration(host.store, app_key, tx) or wanted
        await add_entry(
            tx,
            actor=host.operator,
            action="app registered",
            subject=app_key,
            details={"descriptor_url": descriptor_url},
            now=host.now(),
        )
    return registration


async def get_registration(host: Host, app_key: str) -> Registration:
    """Return the registration. Raise `InvalidInput` if there is none."""
    registration = await find_registration(host.store, app_key)
    if registration is None:
        raise InvalidInput(
            f"The app {app_key!r} is not registered here.",
            "Register it with: roadstead register APP_KEY DESCRIPTOR_URL, or install it by its descriptor_uri.",
        )
    return registration


# Looking


async def list_apps(host: Host, *, app_key: str | None = None, workspace: str | None = None) -> list[Installation]:
    """Return the installations, oldest first. Raise `WorkspaceNotFound`."""
    await handshakes.undo_abandoned_handshakes(host)
    workspace_id = (await get_workspace(host, workspace)).id if workspace else None
    return await rows.list_installations(host.store, app_key=app_key, workspace_id=workspace_id)


async def get_app(host: Host, app_key: str, workspace: str | None = None) -> Installation:
    """Return the app's installation; without a workspace the only one.

    Raise `AppNotInstalled`, or `InvalidInput` when it is installed in several workspaces and none is named.
    """
    found = await list_apps(host, app_key=app_key, workspace=workspace)
    if not found:
        raise AppNotInstalled(app_key, workspace)
    if len(found) > 1:
        names = ", ".join(installation.workspace.slug for installation in found)
        raise InvalidInput(f"The app {app_key!r} is installed in {names}.", "Say which with --workspace.")
    return found[0]


async def get_installed(host: Host, installation_id: int, tx: Transaction | None = None) -> Installation:
    """Return the installation; with a transaction, lock it for a change until that ends. Raise `AppNotInstalled`."""
    if tx is not None:
        await rows.hold_installation(tx, installation_id)
    installation = await rows.get_installation(host.store, installation_id, tx)
    if installation is None or installation.state != "installed":
        raise AppNotInstalled("" if installation is None else installation.app_key)
    return installation


async def get_workspace(host: Host, slug_or_uuid: str) -> Workspace:
    """Return the workspace. Raise `WorkspaceNotFound`."""
    workspace = await workspaces.recall_workspace(host.store, slug_or_uuid)
    if workspace is None:
        raise WorkspaceNotFound(slug_or_uuid)
    return workspace


async def list_workspaces(host: Host) -> list[Workspace]:
    return await workspaces.list_workspaces(host.store.database)


# Installing


async def fetch(host: Host, descriptor_url: str) -> "Descriptor":
    """Fetch and check a descriptor. Raise `InstallationFailed` with the step that failed."""
    try:
        document = await fetch_descriptor(host.outbound, descriptor_url)
    except OutgoingCallFailed as exc:
        raise InstallationFailed(f"The descriptor cannot be fetched: {exc.message}", exc.detail, step="fetch") from exc
    try:
        return await judge(host, document)
    except InvalidInput as exc:
        raise InstallationFailed(exc.message, exc.detail, step="validate") from exc


async def judge(host: Host, document: bytes) -> "Descriptor":
    """Check a descriptor. Raise `InvalidInput` whose detail names every problem.

    A thousand linkers take seconds, so it runs in a thread; one at a time, so that other threads get processor time.
    """
    async with host.judging:
        return await asyncio.to_thread(read_descriptor, document)


async def install(
    host: Host, descriptor_url: str, workspace_slug: str, *, progress: Progress = lambda step: None
) -> Installation:
    """Install the app, or install it again, and return the installation in force.

    Raise `InstallationFailed`, after which nothing has changed; `HandshakeUnderWay` when another process makes the same
    installation; `InvalidInput` for an invalid workspace name.
    """
    check_workspace_slug(workspace_slug)
    progress("fetch")
    descriptor = await fetch(host, descriptor_url)
    progress("validate")
    return await install_descriptor(host, descriptor, descriptor_url, workspace_slug, progress=progress)


async def install_descriptor(
    host: Host,
    descriptor: "Descriptor",
    descriptor_url: str,
    workspace_slug: str,
    *,
    signed: bool = True,
    actor: User | None = None,
    progress: Progress = lambda step: None,
) -> Installation:
    """Install an app whose descriptor was fetched and checked. Raise as `install` does.

    The app learns who installed it: the `actor`, by default the operator.
    Without `signed` the app is called as if for the first time: one that has lost its secret cannot check a signature.
    """
    check_workspace_slug(workspace_slug)
    registration = await find_registration(host.store, descriptor.key)
    if registration is not None and registration.descriptor_url != descriptor_url:
        raise InstallationFailed(
            f"The app {descriptor.key!r} is registered with another descriptor URL.",
            f"It is registered with {registration.descriptor_url}; install that, or register the new one.",
            step="validate",
        )
    return await handshakes.shake_hands(
        host,
        descriptor,
        descriptor_url,
        workspace_slug,
        registration=registration,
        signed=signed,
        actor=actor,
        progress=progress,
    )


async def renew_secret(
    host: Host, installation_id: int, *, signed: bool = True, actor: User | None = None
) -> Installation:
    """Install an app again unchanged, which gives it another secret. Raise as `install` does, and `AppNotInstalled`.

    Not `signed`, the app is called as if for the first time. Raise `InvalidInput` for a registered app: all its
    installations share the secret of the registration.
    """
    installation = await get_installed(host, installation_id)
    if await find_registration(host.store, installation.app_key) is not None:
        raise InvalidInput(
            f"The app {installation.app_key!r} is registered, and all its installations share one secret.",
            "It stays what it is for as long as the app is registered.",
        )
    descriptor = stored_descriptor(installation.descriptor)
    return await install_descriptor(
        host, descriptor, installation.descriptor_url, installation.workspace.slug, signed=signed, actor=actor
    )


def check_workspace_slug(slug: str) -> None:
    """Raise `InvalidInput` for an invalid workspace name."""
    if not _SLUG.fullmatch(slug):
        raise InvalidInput(
            f"{slug!r} cannot be the name of a workspace.",
            "Use lower-case letters, digits, '-', '_' and '.', at most 62, beginning with a letter or digit.",
        )


async def uninstall(host: Host, installation_id: int, *, by_app: bool = False) -> int | None:
    """Uninstall the app permanently. Return the id of the call that notifies it, if it has an address for that.

    The app cannot object. The commit wakes the queue of calls.
    """
    sender = await host.sender()
    async with host.store.database.transaction() as tx:
        return await _take_out(host, tx, installation_id, sender, actor=None if by_app else host.operator)


async def uninstall_and_tell(host: Host, installation_id: int) -> LifecycleCall | None:
    """Uninstall the app and try immediately to notify it, if it has an address for that; return the call."""
    sender = await host.sender()
    async with host.store.database.transaction() as tx:
        call_id = await _take_out(host, tx, installation_id, sender, actor=host.operator)
        # Claimed with the change, so that the queue that the commit wakes leaves it to us.
        claim = None if call_id is None else await lifecycle.QUEUE.claim_one(tx, call_id, host.now())
    if claim is None:
        return None
    await lifecycle.make(host, claim)
    return await lifecycle.find_call(host, claim.id)


async def _take_out(
    host: Host, tx: Transaction, installation_id: int, sender: Sender, *, actor: str | None
) -> int | None:
    seal = await sealer(host.store.secrets, tx)
    installation = await get_installed(host, installation_id, tx)
    await rows.mark_uninstalled(tx, installation_id, host.now())
    await handshake_rows.go_back_to_uninstalled(tx, installation_id)
    await drop_access_tokens(tx, installation_id)
    await linkers.drop_linkers(tx, installation_id)
    await drop_properties(tx, installation_id)
    await drop_hooks(tx, installation_id)
    await drop_offers(tx, installation.client_key)
    await add_installation_entry(tx, installation_id, actor=actor, action="app uninstalled", details={}, now=host.now())
    return await lifecycle.queue_uninstalled(host, tx, installation, sender, seal)
