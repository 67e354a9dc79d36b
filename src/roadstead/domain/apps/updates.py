"""Update an installed app: `PUT /2.0/addon`, and the operator's button."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from roadstead.connect import Descriptor
from roadstead.domain.apps.descriptors import stored_descriptor
from roadstead.domain.apps.installations import fetch, get_installed, judge
from roadstead.domain.host import Host
from roadstead.errors import InstallationFailed, InvalidInput, UpdateUnderWay
from roadstead.model import Installation
from roadstead.storage import installations as rows
from roadstead.storage.audit import add_entry_of_run, add_installation_entry
from roadstead.storage.linkers import declare_linkers, drop_undeclared_linkers
from roadstead.storage.registrations import find_registration

MOST_AT_ONCE = 100
"""Running updates in one process: a tenth of its requests, because each may wait for a slow server."""
_LONGEST_SHOWN = 200


async def update(
    host: Host,
    installation_id: int,
    *,
    descriptor: bytes | None = None,
    descriptor_url: str | None = None,
    by_app: bool = False,
) -> None:
    """Put another descriptor in force, as `PUT /2.0/addon` does: the one given, or the one that its URL serves now.

    `descriptor` is JSON text. Raise `InvalidInput` or `UpdateUnderWay`; then nothing changed.
    """
    installation = await get_installed(host, installation_id)
    if descriptor is not None and descriptor_url is not None:
        raise InvalidInput(
            "Give descriptor or descriptor_url, not both.",
            "descriptor_url moves the app; descriptor updates it in place.",
        )
    url = installation.descriptor_url
    if descriptor_url is not None:
        url = await _registered_url(host, installation, descriptor_url)
    async with _alone(host, installation_id):
        if descriptor is not None:
            new = await judge(host, descriptor)
        else:
            new = await _fetch_again(host, url, by_app=by_app)
        await _put_in_force(host, installation_id, url, new, by_app=by_app)


@asynccontextmanager
async def _alone(host: Host, installation_id: int) -> AsyncIterator[None]:
    """Exclude other updates of the installation, in all processes. Raise `UpdateUnderWay`.

    An app decides how long its own server takes: many concurrent updates would use up the capacity of others.
    """
    lease = await host.store.database.lease(f"update-{installation_id}")
    if lease is None:
        raise UpdateUnderWay("The app is being updated at this moment.")
    try:
        if len(host.updating) >= MOST_AT_ONCE:
            raise UpdateUnderWay("Too many apps are being updated at this moment.")
        host.updating.add(installation_id)
        yield
    finally:
        host.updating.discard(installation_id)
        await lease.release()


async def _put_in_force(host: Host, installation_id: int, url: str, new: Descriptor, *, by_app: bool) -> None:
    async with host.store.database.transaction() as tx:
        # The app may have been removed, or installed again, during the fetch.
        installation = await get_installed(host, installation_id, tx)
        _check_update(stored_descriptor(installation.descriptor), new)
        changes = _changes(installation, url, new)
        if not changes:
            return
        await rows.update_descriptor(
            tx,
            installation_id,
            descriptor_url=url,
            descriptor=new.to_json(),
            now=host.now(),
        )
        await declare_linkers(tx, installation_id, new.modules.linkers)
        await drop_undeclared_linkers(tx, installation_id)
        if by_app:
            await add_entry_of_run(
                tx,
                installation_id,
                action="app updated",
                about=" ".join(changes),
                details=changes,
                now=host.now(),
            )
        else:
            await add_installation_entry(
                tx, installation_id, actor=host.operator, action="app updated", details=changes, now=host.now()
            )


def _changes(installation: Installation, url: str, new: Descriptor) -> dict[str, str]:
    """Return the changes of an update for the audit log: addresses, authentication and scopes, old and new.

    The names are few for any descriptor: an app cannot invent new ones to fill the log.
    """
    before = _of_note(installation.descriptor_url, stored_descriptor(installation.descriptor))
    after = _of_note(url, new)
    changes = {
        name: f"{before[name][:_LONGEST_SHOWN]} → {after[name][:_LONGEST_SHOWN]}"
        for name in before
        if before[name] != after[name]
    }
    if not changes and installation.descriptor != new.to_json():
        changes["descriptor"] = "other members"
    return changes


def _of_note(url: str, descriptor: Descriptor) -> Mapping[str, str]:
    scopes = "all" if descriptor.scopes is None else " ".join(sorted(descriptor.scopes))
    return {
        "descriptor_url": url,
        "base_url": descriptor.base_url,
        "installed": descriptor.lifecycle.installed or "none",
        "uninstalled": descriptor.lifecycle.uninstalled or "none",
        "authentication": descriptor.authentication,
        "scopes": scopes or "none",
    }


async def _fetch_again(host: Host, url: str, *, by_app: bool) -> Descriptor:
    """Fetch the descriptor of an installed app.

    Raise `InvalidInput`. The app does not learn the answer: its name, or a redirect, may lead to a server that only
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


async def _registered_url(host: Host, installation: Installation, url: str) -> str:
    registration = await find_registration(host.store, installation.app_key)
    if registration is None or url != registration.descriptor_url:
        raise InvalidInput(
            "descriptor_url is not the registered one.",
            "An app can move only to the URL that the operator registered: roadstead register APP_KEY DESCRIPTOR_URL",
            fields={"descriptor_url": ["Not the registered URL."]},
        )
    return url


def _check_update(old: Descriptor, new: Descriptor) -> None:
    """Refuse an update that changes the app's key or adds scopes that its user did not agree to."""
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
