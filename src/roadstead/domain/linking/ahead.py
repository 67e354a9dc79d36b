"""Reading large sets of values after the start, so that the first text need not wait for them."""

import asyncio
import logging

from roadstead.domain.linking.workspaces import WorkspaceLinkers
from roadstead.errors import RoadsteadError

AFTER_SECONDS = 1.0
"""The start and the first requests come before."""

log = logging.getLogger("roadstead.linkify")


async def read_ahead(linkers: WorkspaceLinkers, after: float = AFTER_SECONDS) -> None:
    """Compile the workspaces with many values, some time after the start."""
    await asyncio.sleep(after)
    try:
        await linkers.read_ahead()
    except RoadsteadError as exc:
        log.warning("Large sets of values are read with the first text: %s", exc.message)
