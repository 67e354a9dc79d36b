"""Whether this host can serve requests at this moment, for balancers and for who starts it."""

import asyncio
from collections.abc import Sequence
from functools import partial

from roadstead.domain.host import Host
from roadstead.errors import StorageUnavailable
from roadstead.storage import check_store

PATIENCE_SECONDS = 3.0
"""Requests wait longer for the database; whoever probes would rather know by now, and sends them elsewhere."""


async def check_readiness(host: Host) -> None:
    """Raises `StorageUnavailable` with the reason why it cannot."""
    # One look at a time for all who ask, so that whoever asks without end keeps nobody from the database.
    await host.together.do(check_readiness, None, partial(_check_for_all, host))


async def _check_for_all(host: Host, asked: Sequence[None]) -> Sequence[None]:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await check_store(host.store)
    except TimeoutError as exc:
        reason = f"It has not answered within {PATIENCE_SECONDS:g} seconds."
        raise StorageUnavailable("The database is away.", reason) from exc
    return asked
