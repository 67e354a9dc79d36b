"""Whether this host can serve requests now, for load balancers and service managers."""

import asyncio
from collections.abc import Sequence
from functools import partial

from roadstead.domain.host import Host
from roadstead.errors import StorageUnavailable
from roadstead.storage import check_store, check_writable

PATIENCE_SECONDS = 3.0
"""Shorter than requests wait for the database: a balancer needs an early answer, to send requests to other hosts."""

CHANGE_SECONDS = 10.0
"""As long as a request waits for other changes."""


async def check_readiness(host: Host) -> None:
    """Raise `StorageUnavailable` with the reason if the host cannot serve requests."""
    # All probes share one check, so that a client that probes endlessly cannot keep others from the database.
    await host.coalescing.do(check_readiness, None, partial(_check_for_all, host))


async def check_changes(host: Host) -> None:
    """Raise `StorageUnavailable` with the reason if the host cannot store a change within the time of a request."""
    await check_writable(host.store, CHANGE_SECONDS)


async def _check_for_all(host: Host, asked: Sequence[None]) -> Sequence[None]:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await check_store(host.store)
    except TimeoutError as exc:
        reason = f"It has not answered within {PATIENCE_SECONDS:g} seconds."
        raise StorageUnavailable("The database is unreachable.", reason) from exc
    return asked
