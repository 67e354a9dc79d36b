"""Installing, updating and removing apps.

An installation is a conversation: we store what will hold, tell the app (`installed`), and it accepts or refuses. Its
new credentials work while it is still answering, because apps call back from inside that handler. Until the answer is
in, a handshake row keeps what to go back to, and a lease shows that somebody is still waiting; a handshake whose
lease is free was left by a process that is gone, and is undone by whoever meets it next.
"""

import asyncio
import hashlib
import re
import secrets
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Literal

from roadstead.connect import Descriptor
from roadstead.domain import lifecycle
from roadstead.domain.descriptors import read_descriptor, stored_descriptor
from roadstead.domain.host import Host
from roadstead.errors import (
    AppNotInstalled,
    Conflict,
    HandshakeUnderWay,
    InstallationFailed,
    InvalidInput,
    OutgoingCallFailed,
    WorkspaceNotFound,
)
from roadstead.integrations.descriptors import fetch_descriptor
from roadstead.model import Installation, LifecycleCall, Registration, Workspace
from roadstead.storage import installations as rows
from roadstead.storage.audit import add_entry, add_installation_entry
from roadstead.storage.database import Lease, Transaction
from roadstead.storage.sealing import sealer

Step = Literal["fetch", "validate", "installed"]
Progress = Callable[[Step], None]

_SLUG = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,61}", re.ASCII)


# Registrations


async def register(host: Host, app_key: str, descriptor_url: str) -> Registration:
    """Take the operator's word that the app key belongs to that URL. The app's secret survives a second call."""
    if not app_key or not app_key.isprintable():
        raise InvalidInput("An app key cannot be empty or hold control characters.")
    if not re.match(r"https?://[^/\s]", descriptor_url):
        raise InvalidInput(f"{descriptor_url!r} is not an http or https URL.", "Give the URL of the app's descriptor.")
    async with host.store.database.transaction() as tx:
        wanted = Registration(app_key, descriptor_url, new_secret())
        await rows.keep_registration(host.store, tx, wanted, host.now())
        registration = await rows.find_registration(host.store, app_key, tx) or wanted
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
    """Raises `InvalidInput` when there is none."""
    registration = await rows.find_registration(host.store, app_key)
    if registration is None:
        raise InvalidInput(
            f"The app {app_key!r} is not registered here.",
            "Register it with: roadstead register APP_KEY DESCRIPTOR_URL, or install it by its descriptor_uri.",
        )
    return registration


# Looking


async def list_apps(host: Host, *, app_key: str | None = None, workspace: str | None = None) -> list[Installation]:
    """What is installed, oldest first. Raises `WorkspaceNotFound`."""
    await undo_abandoned_handshakes(host)
    workspace_id = (await get_workspace(host, workspace)).id if workspace else None
    return await rows.list_installations(host.store, app_key=app_key, workspace_id=workspace_id)


async def get_app(host: Host, app_key: str, workspace: str | None = None) -> Installation:
    """The app's installation; without a workspace the only one there is.

    Raises `AppNotInstalled`, or `InvalidInput` when it is installed in several workspaces and none is named.
    """
    found = await list_apps(host, app_key=app_key, workspace=workspace)
    if not found:
        raise AppNotInstalled(app_key, workspace)
    if len(found) > 1:
        names = ", ".join(installation.workspace.slug for installation in found)
        raise InvalidInput(f"The app {app_key!r} is installed in {names}.", "Say which with --workspace.")
    return found[0]


async def get_installed(host: Host, installation_id: int, tx: Transaction | None = None) -> Installation:
    """With a transaction, to change it: until that has ended, nobody else does. Raises `AppNotInstalled`."""
    if tx is not None:
        await rows.hold_installation(tx, installation_id)
    installation = await rows.get_installation(host.store, installation_id, tx)
    if installation is None or installation.state != "installed":
        raise AppNotInstalled("" if installation is None else installation.app_key)
    return installation


async def get_workspace(host: Host, slug_or_uuid: str) -> Workspace:
    """Raises `WorkspaceNotFound`."""
    workspace = await rows.find_workspace(host.store.database, slug_or_uuid)
    if workspace is None:
        raise WorkspaceNotFound(slug_or_uuid)
    return workspace


async def list_workspaces(host: Host) -> list[Workspace]:
    return await rows.list_workspaces(host.store.database)


# Installing


async def fetch(host: Host, descriptor_url: str) -> Descriptor:
    """Fetch and check a descriptor. Raises `InstallationFailed` with the step that failed."""
    try:
        document = await fetch_descriptor(host.outbound, descriptor_url)
    except OutgoingCallFailed as exc:
        raise InstallationFailed(f"The descriptor cannot be fetched: {exc.message}", exc.detail, step="fetch") from exc
    try:
        # A thread, here and below: a thousand linkers take seconds to judge.
        return await asyncio.to_thread(read_descriptor, document)
    except InvalidInput as exc:
        raise InstallationFailed(exc.message, exc.detail, step="validate") from exc


async def install(
    host: Host, descriptor_url: str, workspace_slug: str, *, progress: Progress = lambda step: None
) -> Installation:
    """Install the app, or install it again, and return what now holds.

    Raises `InstallationFailed`, after which everything is as it was; `HandshakeUnderWay` when the same installation
    is being made elsewhere; `InvalidInput` for a workspace name that cannot be.
    """
    check_workspace_slug(workspace_slug)
    progress("fetch")
    descriptor = await fetch(host, descriptor_url)
    progress("validate")
    return await install_descriptor(host, descriptor, descriptor_url, workspace_slug, progress=progress)


async def install_descriptor(
    host: Host,
    descriptor: Descriptor,
    descriptor_url: str,
    workspace_slug: str,
    *,
    progress: Progress = lambda step: None,
) -> Installation:
    """The handshake for a descriptor that was fetched and checked. Raises as `install` does."""
    check_workspace_slug(workspace_slug)
    registration = await rows.find_registration(host.store, descriptor.key)
    if registration is not None and registration.descriptor_url != descriptor_url:
        raise InstallationFailed(
            f"The app {descriptor.key!r} is registered with another descriptor URL.",
            f"It is registered with {registration.descriptor_url}; install that, or register the new one.",
            step="validate",
        )
    lease = await _take_lease(host, workspace_slug, descriptor.key)
    try:
        await _undo_abandoned(host, workspace_slug, descriptor.key)
        installation = await _begin(host, descriptor, descriptor_url, workspace_slug, registration)
        try:
            progress("installed")
            await lifecycle.tell_installed(host, installation, descriptor)
            return await _accept(host, installation.id)
        except BaseException:
            await _undo(host, installation.id)
            raise
    finally:
        await lease.release()


async def renew_secret(host: Host, installation_id: int) -> Installation:
    """Install an app again as it is, by which it gets another secret. Raises as `install` does, and `AppNotInstalled`.

    Raises `InvalidInput` for a registered app: all its installations share the secret of the registration.
    """
    installation = await get_installed(host, installation_id)
    if await rows.find_registration(host.store, installation.app_key) is not None:
        raise InvalidInput(
            f"The app {installation.app_key!r} is registered, and all its installations share one secret.",
            "It stays what it is for as long as the app is registered.",
        )
    descriptor = stored_descriptor(installation.descriptor)
    return await install_descriptor(host, descriptor, installation.descriptor_url, installation.workspace.slug)


def check_workspace_slug(slug: str) -> None:
    """Raises `InvalidInput`."""
    if not _SLUG.fullmatch(slug):
        raise InvalidInput(
            f"{slug!r} cannot be the name of a workspace.",
            "Use lower-case letters, digits, '-', '_' and '.', at most 62, beginning with a letter or digit.",
        )


async def _begin(
    host: Host,
    descriptor: Descriptor,
    descriptor_url: str,
    workspace_slug: str,
    registration: Registration | None,
) -> Installation:
    store, now = host.store, host.now()
    async with store.database.transaction() as tx:
        seal = await sealer(store.secrets, tx)
        workspace = await rows.take_workspace(
            tx, slug=workspace_slug, uuid=f"{{{uuid.uuid4()}}}", name=workspace_slug, now=now
        )
        identity = await rows.begin_handshake(
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
    return _signing_with(installation, registration)


def _signing_with(installation: Installation, registration: Registration | None) -> Installation:
    """A registered app's first call is signed too, with the secret that it was registered with."""
    if installation.previous_secret is not None or registration is None:
        return installation
    return replace(installation, previous_secret=registration.shared_secret)


async def _accept(host: Host, installation_id: int) -> Installation:
    async with host.store.database.transaction() as tx:
        await rows.hold_with_key(tx, installation_id)
        previous = await rows.previous_descriptor(tx, installation_id)
        await rows.finish_handshake(tx, installation_id, host.now())
        installation = await rows.get_installation(host.store, installation_id, tx)
        if previous is not None and installation is not None and installation.state == "installed":
            await add_installation_entry(
                tx,
                installation_id,
                actor=host.operator,
                action="app installed" if previous[0] == "none" else "app reinstalled",
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


# Handshakes that did not end


async def undo_abandoned_handshakes(host: Host) -> None:
    """Undo what processes left behind that were stopped in the middle of an installation."""
    for installation_id in await rows.list_handshakes(host.store.database):
        await undo_if_abandoned(host, installation_id)


async def undo_if_abandoned(host: Host, installation_id: int) -> None:
    """Undo the handshake unless somebody is still waiting for the app's answer."""
    installation = await rows.get_installation(host.store, installation_id)
    if installation is None or not installation.handshake_under_way:
        return
    try:
        lease = await _take_lease(host, installation.workspace.slug, installation.app_key)
    except HandshakeUnderWay:
        return
    try:
        await _undo(host, installation_id)
    finally:
        await lease.release()


async def _take_lease(host: Host, workspace_slug: str, app_key: str) -> Lease:
    name = hashlib.sha256(f"{workspace_slug}/{app_key}".encode()).hexdigest()[:32]
    lease = await host.store.database.lease(name)
    if lease is None:
        raise HandshakeUnderWay(app_key)
    return lease


async def _undo_abandoned(host: Host, workspace_slug: str, app_key: str) -> None:
    """With the lease in hand, undo a handshake of the same installation that nobody waits for."""
    workspace = await rows.find_workspace(host.store.database, workspace_slug)
    if workspace is None:
        return
    installation = await rows.find_installation(host.store, workspace.id, app_key)
    if installation is not None and installation.handshake_under_way:
        await _undo(host, installation.id)


async def _undo(host: Host, installation_id: int) -> None:
    async with host.store.database.transaction() as tx:
        await rows.hold_with_key(tx, installation_id)
        previous = await rows.previous_descriptor(tx, installation_id)
        if previous is None:
            return
        state, text = previous
        linkers = stored_descriptor(text).modules.linkers if state == "installed" else ()
        await rows.undo_handshake(tx, installation_id, linkers)


# Updating and removing


async def update(
    host: Host,
    installation_id: int,
    *,
    descriptor: object = None,
    descriptor_url: object = None,
    by_app: bool = False,
) -> None:
    """What `PUT /2.0/addon` does: take the descriptor given, or read it again from its URL.

    Raises `InvalidInput`; then nothing was changed.
    """
    installation = await get_installed(host, installation_id)
    if descriptor is not None and descriptor_url is not None:
        raise InvalidInput(
            "Give descriptor or descriptor_url, not both.",
            "descriptor_url moves the app; descriptor updates it in place.",
        )
    url = installation.descriptor_url
    if descriptor is not None:
        if not isinstance(descriptor, dict):
            raise InvalidInput("descriptor must be an object.", fields={"descriptor": ["Not an object."]})
        new = await asyncio.to_thread(read_descriptor, descriptor)
    else:
        if descriptor_url is not None:
            url = await _registered_url(host, installation, descriptor_url)
        new = await _fetch_again(host, url, by_app=by_app)
    _check_update(stored_descriptor(installation.descriptor), new)
    async with host.store.database.transaction() as tx:
        await get_installed(host, installation_id, tx)  # it may have been removed while we fetched
        await rows.update_descriptor(
            tx,
            installation_id,
            descriptor_url=url,
            descriptor=new.to_json(),
            linkers=new.modules.linkers,
            now=host.now(),
        )
        await add_installation_entry(
            tx,
            installation_id,
            actor=None if by_app else host.operator,
            action="app updated",
            details={"descriptor_url": url},
            now=host.now(),
        )


async def _fetch_again(host: Host, url: str, *, by_app: bool) -> Descriptor:
    """Fetch the descriptor of an installed app.

    Raises `InvalidInput`. An app is not told what was answered: its name, or a redirect, may lead to a server that only
    this host reaches.
    """
    try:
        return await fetch(host, url)
    except InstallationFailed as exc:
        message, detail = _TOLD_TO_APPS[exc.step] if by_app else (exc.message, exc.detail)
        raise InvalidInput(message, detail) from exc


_TOLD_TO_APPS = {
    "fetch": ("The descriptor cannot be fetched.", "The operator finds the reason among the recorded requests."),
    "validate": (
        "The descriptor is not valid.",
        'Find out why with: roadstead check URL, or by sending it as {"descriptor": {…}}.',
    ),
}


async def _registered_url(host: Host, installation: Installation, url: object) -> str:
    registration = await rows.find_registration(host.store, installation.app_key)
    if not isinstance(url, str) or registration is None or url != registration.descriptor_url:
        raise InvalidInput(
            "descriptor_url is not the registered one.",
            "An app can move only to the URL that the operator registered: roadstead register APP_KEY DESCRIPTOR_URL",
            fields={"descriptor_url": ["Not the registered URL."]},
        )
    return url


def _check_update(old: Descriptor, new: Descriptor) -> None:
    """An update may not change who the app is, nor what its user agreed to."""
    if new.key != old.key:
        raise InvalidInput("The descriptor has another app key.", f"An update must keep the key {old.key!r}.")
    grown = new.effective_scopes - old.effective_scopes
    if grown:
        raise InvalidInput(
            f"The update asks for more scopes: {', '.join(sorted(grown))}.",
            "Scopes can grow only with a new installation, where the user agrees to them.",
        )
    if old.effective_scopes and not new.effective_scopes:
        raise InvalidInput("The update leaves no scopes.", "Keep at least one scope, or uninstall the app.")


async def uninstall(host: Host, installation_id: int, *, by_app: bool = False) -> int | None:
    """Take the app out, at once and for good. The app is to be told, and cannot object: the id of that call, if any.

    The call is owed from then on. Whoever wants it made at once makes it, or sets `Host.something_is_owed`.
    """
    sender = await host.sender()
    async with host.store.database.transaction() as tx:
        seal = await sealer(host.store.secrets, tx)
        installation = await get_installed(host, installation_id, tx)
        await rows.mark_uninstalled(tx, installation_id, host.now())
        await add_installation_entry(
            tx,
            installation_id,
            actor=None if by_app else host.operator,
            action="app uninstalled",
            details={},
            now=host.now(),
        )
        return await lifecycle.owe_uninstalled(host, tx, installation, sender, seal)


async def uninstall_and_tell(host: Host, installation_id: int) -> LifecycleCall | None:
    """`uninstall`, and try at once to tell the app, if it wants to know; how that went."""
    call_id = await uninstall(host, installation_id)
    if call_id is None:
        return None
    with suppress(Conflict):  # another process may have begun with it
        return await lifecycle.try_now(host, call_id)
    return await lifecycle.find_call(host, call_id)


def new_secret() -> str:
    """43 URL-safe characters of 256 random bits; at least one app's library refuses fewer than 32."""
    return secrets.token_urlsafe(32)
