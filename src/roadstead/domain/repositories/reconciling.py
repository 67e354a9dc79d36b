"""At the start of a host: record the pushes that killed processes left, and those that a restored database lacks."""

import asyncio
import logging
from datetime import datetime

from roadstead.domain.host import Host
from roadstead.domain.repositories.marks import is_behind_mark
from roadstead.errors import RoadsteadError
from roadstead.storage.pushes import list_pushes

AGAIN_SECONDS = 1.0

log = logging.getLogger("roadstead.git")


async def bring_into_line(host: Host) -> None:
    """Record all pushes that the database lacks. After a restore it may be older than the repositories."""
    is_older = await is_behind_mark(host)
    await record_left_pushes(host)
    if is_older:
        from roadstead.domain.repositories.catching_up import catch_up_with_all  # imports git, as `_are_left`

        await catch_up_with_all(host)


async def record_left_pushes(host: Host) -> None:
    """Record all pushes that began before this moment, also those that another process is about to record."""
    begun = host.now()
    while await _are_left(host, begun):  # noqa: ASYNC110  # other processes record them, too
        await asyncio.sleep(AGAIN_SECONDS)


async def _are_left(host: Host, begun: datetime) -> bool:
    """Record each of those pushes that can be recorded now, and return whether there may be others."""
    try:
        left = await list_pushes(host.store.database, before=begun)
    except RoadsteadError:
        return True
    for push in left:
        from roadstead.domain.repositories.journal import reconcile  # imports git, which a start does not need

        try:
            await reconcile(host, push)
        except RoadsteadError as exc:
            log.warning("What a push did is recorded later: %s %s", exc.message, exc.detail)
    return bool(left)
