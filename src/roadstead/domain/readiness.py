"""Whether this host can serve requests at this moment, for balancers and for who starts it."""

import asyncio

from roadstead.domain.host import Host
from roadstead.errors import StorageUnavailable
from roadstead.storage import check_store

PATIENCE_SECONDS = 3.0
"""Requests wait longer for the database; whoever probes would rather know by now, and sends them elsewhere."""


async def check_readiness(host: Host) -> None:
    """Raises `StorageUnavailable` with the reason why it cannot."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await check_store(host.store)
    except TimeoutError as exc:
        reason = f"It has not answered within {PATIENCE_SECONDS:g} seconds."
        raise StorageUnavailable("The database is away.", reason) from exc
