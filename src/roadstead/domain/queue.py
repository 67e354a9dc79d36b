"""A durable work queue. Each serving process claims due rows, runs them, and stores the outcome.

A claim lasts `CLAIM_SECONDS`. When a process dies, its claims run out and another process takes the rows over, so each
row is run at least once and, rarely, twice. A row that fails is tried again after growing pauses, `ATTEMPTS` times
within about a day, and is then given up: the queue page, the command line and a metric say so.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from roadstead.domain.shutdown import finish
from roadstead.errors import StorageUnavailable
from roadstead.storage import queue as rows
from roadstead.storage.database import Database, Transaction
from roadstead.storage.queue import Claim, Horizon

FIRST_PAUSE = 5.0
GROWTH = 3
LONGEST_PAUSE = 6 * 3600.0
SPREAD = 0.2
"""The share of a pause by which it may be shorter, so that rows that failed together are not tried again together."""
ATTEMPTS = 12

CLOCKS_DIFFER = 60.0
CLAIM_SECONDS = 30.0
"""Longer than a call to an app and storing its outcome may take."""
AT_ONCE = 10
"""Rows that one process runs at a time, so that one slow app does not hold up the others."""
LOOK_SECONDS = 5.0
"""Between two looks for rows that have become due, or that another process left behind."""
FINISH_SECONDS = 10.0
"""How long a stopping process waits for running rows: as long as one call to an app may take."""

log = logging.getLogger("roadstead.queue")

_CHANCE = random.Random()  # noqa: S311  # it spreads load, and keeps no secret


def pause_after(attempts: int, chance: float) -> float | None:
    """Return the seconds until the next try after so many failed ones, or `None` after the last.

    `chance`, from 0 to 1, says how much shorter the pause is made.
    """
    if attempts >= ATTEMPTS:
        return None
    pause: float = min(FIRST_PAUSE * GROWTH ** (attempts - 1), LONGEST_PAUSE)
    return pause * (1 - SPREAD * chance)


async def try_later(tx: Transaction, table: str, claim: Claim, now: datetime) -> None:
    """Put off a row that has failed, or give it up after the last try."""
    pause = pause_after(claim.attempts, _CHANCE.random())
    if pause is None:
        await rows.give_up(tx, table, claim, now)
    else:
        await rows.put_off(tx, table, claim, now + timedelta(seconds=pause))


def claimed_until(now: datetime) -> datetime:
    return now + timedelta(seconds=CLAIM_SECONDS)


def horizon(now: datetime) -> Horizon:
    """Return how far ahead moments of the queue may be; the clocks of several hosts differ by some seconds."""
    differ = timedelta(seconds=CLOCKS_DIFFER)
    return Horizon(now, now + timedelta(seconds=LONGEST_PAUSE) + differ, claimed_until(now) + differ)


class Queue:
    """Runs the due rows of one table. `perform` runs a claimed row and stores the outcome.

    Code that adds a row to be run at once sets `wake`.
    """

    def __init__(
        self,
        database: Database,
        table: str,
        perform: Callable[[Claim], Awaitable[None]],
        *,
        now: Callable[[], datetime],
        wake: asyncio.Event,
    ) -> None:
        self._database = database
        self._table = table
        self._perform = perform
        self._now = now
        self._wake = wake
        self._closing = False
        self._failing = False
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until `close`."""
        while not self._closing:
            self._wake.clear()
            for claim in await self._claim_due():
                task = asyncio.create_task(self._do(claim))
                self._under_way.add(task)
                task.add_done_callback(self._ended)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)

    def close(self) -> None:
        """Claim nothing more."""
        self._closing = True
        self._wake.set()

    async def finish(self) -> None:
        """Wait for what is under way, but not for ever: what takes too long is left to the next process."""
        await finish(self._under_way, FINISH_SECONDS)

    async def _claim_due(self) -> list[Claim]:
        free, now = AT_ONCE - len(self._under_way), self._now()
        claims = []
        try:
            if free and await rows.is_any_due(self._database, self._table, horizon(now)):
                async with self._database.transaction() as tx:
                    claims = await rows.claim_due(
                        tx, self._table, horizon=horizon(now), until=claimed_until(now), limit=free
                    )
            self._failing = False
        except StorageUnavailable as exc:
            if not self._failing:
                log.warning("due calls cannot be looked up: %s %s", exc.message, exc.detail)
            self._failing = True
        except Exception:
            log.exception("due calls cannot be looked up")
        return claims

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._wake.set()  # there is a place for another

    async def _do(self, claim: Claim) -> None:
        try:
            await self._perform(claim)
        except asyncio.CancelledError:
            await self._keep(claim, rows.give_back)
            raise
        except StorageUnavailable as exc:
            log.warning("a pending call will be made again: %s %s", exc.message, exc.detail)
        except Exception:
            log.exception("a pending call has failed")
            await self._keep(claim, self._try_later)

    async def _try_later(self, tx: Transaction, table: str, claim: Claim) -> None:
        if await rows.is_ours(tx, table, claim):
            await try_later(tx, table, claim, self._now())

    async def _keep(self, claim: Claim, keep: Callable[[Transaction, str, Claim], Awaitable[None]]) -> None:
        with contextlib.suppress(StorageUnavailable):  # then the claim runs out
            async with self._database.transaction() as tx:
                await keep(tx, self._table, claim)
