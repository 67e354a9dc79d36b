"""Updating an installed app: `PUT /2.0/addon`, and the operator's button."""

import asyncio

from roadstead.connect import Descriptor
from roadstead.domain.descriptors import read_descriptor, stored_descriptor
from roadstead.domain.host import Host
from roadstead.domain.installations import fetch, get_installed
from roadstead.errors import InstallationFailed, InvalidInput
from roadstead.model import Installation
from roadstead.storage import installations as rows
from roadstead.storage.audit import add_installation_entry


async def update(
    host: Host,
    installation_id: int,
    *,
    descriptor: bytes | None = None,
    descriptor_url: str | None = None,
    by_app: bool = False,
) -> None:
    """What `PUT /2.0/addon` does: take the descriptor given, or read it again from its URL.

    `descriptor` is JSON text. Raises `InvalidInput`; then nothing was changed.
    """
    installation = await get_installed(host, installation_id)
    if descriptor is not None and descriptor_url is not None:
        raise InvalidInput(
            "Give descriptor or descriptor_url, not both.",
            "descriptor_url moves the app; descriptor updates it in place.",
        )
    url = installation.descriptor_url
    if descriptor is not None:
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


async def _registered_url(host: Host, installation: Installation, url: str) -> str:
    registration = await rows.find_registration(host.store, installation.app_key)
    if registration is None or url != registration.descriptor_url:
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
