"""Whether this host can serve requests now, for load balancers and service managers."""

import asyncio
from collections.abc import Sequence
from functools import partial

from roadstead.domain.host import Host
from roadstead.errors import StorageUnavailable
from roadstead.storage import check_store

PATIENCE_SECONDS = 3.0
"""Shorter than requests wait for the database: a balancer needs an early answer, to send requests to other hosts."""


async def check_readiness(host: Host) -> None:
    """Raise `StorageUnavailable` with the reason if the host cannot serve requests."""
    # All probes share one check, so that a client that probes endlessly cannot keep others from the database.
    await host.together.do(check_readiness, None, partial(_check_for_all, host))


async def _check_for_all(host: Host, asked: Sequence[None]) -> Sequence[None]:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await check_store(host.store)
    except TimeoutError as exc:
        reason = f"It has not answered within {PATIENCE_SECONDS:g} seconds."
        raise StorageUnavailable("The database is unreachable.", reason) from exc
    return asked
