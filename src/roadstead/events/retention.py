"""Removal of old deliveries, and of the events that they tell of, by count and by age."""

import asyncio
import logging
from datetime import timedelta

from roadstead.domain.host import Host
from roadstead.errors import StorageUnavailable
from roadstead.storage.deliveries import remove_old
from roadstead.storage.events import remove_old_events

KEPT_FOR = timedelta(days=30)
"""How long a delivery that has ended is kept at most."""
PAUSE_SECONDS = 60.0

log = logging.getLogger("roadstead.events")


async def remove_old_deliveries(host: Host) -> None:
    """Remove what is too old or too much, once a minute, until cancelled."""
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        try:
            await remove_now(host)
        except StorageUnavailable as exc:
            log.warning("old deliveries are removed later: %s %s", exc.message, exc.detail)


async def remove_now(host: Host) -> None:
    """Remove the oldest deliveries and events, but for the pending ones."""
    keep, before = host.settings.keep_deliveries, host.now() - KEPT_FOR
    async with host.store.database.transaction() as tx:
        await remove_old(tx, keep=keep, before=before)
    async with host.store.database.transaction() as tx:
        await remove_old_events(tx, keep=keep, before=before)
