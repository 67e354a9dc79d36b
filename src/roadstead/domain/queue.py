"""A durable work queue. Each serving process claims due rows, runs them, and stores the outcome.

A claim lasts `CLAIM_SECONDS`. When a process dies, its claims run out and another process takes the rows over, so each
row is run at least once and, rarely, twice. A row that fails is tried again as the queue's `Retry` says, and is then
given up: the queue page, the command line and a metric say so.
"""

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from roadstead.domain.shutdown import finish
from roadstead.errors import StorageUnavailable
from roadstead.storage import queue as rows
from roadstead.storage.database import Database, Reader, Transaction
from roadstead.storage.queue import Claim, Horizon

SPREAD = 0.2
"""The share of a pause by which it may be shorter, so that rows that failed together are not tried again together."""
CLOCKS_DIFFER = 60.0
CLAIM_SECONDS = 30.0
"""Longer than a call to an app and storing its outcome may take."""
AT_ONCE = 10
"""Rows of a queue that one process runs at a time, so that one slow app does not hold up the others."""
LOOK_SECONDS = 5.0
"""Between two looks for rows that have become due, or that another process left behind."""
FINISH_SECONDS = 10.0
"""How long a stopping process waits for running rows: as long as one call to an app may take."""

log = logging.getLogger("roadstead.queue")

_CHANCE = random.Random()  # noqa: S311  # it spreads load, and keeps no secret


@dataclass(frozen=True, slots=True)
class Retry:
    """When a row that failed is tried again: `tries` times in all, after pauses of seconds that grow."""

    first_pause: float
    growth: float
    longest_pause: float
    tries: int

    def pause_after(self, attempts: int, chance: float) -> float | None:
        """Return the seconds until the next try after so many failed ones, or `None` after the last.

        `chance`, from 0 to 1, says how much shorter the pause is made.
        """
        if attempts >= self.tries:
            return None
        pause = min(self.first_pause * self.growth ** (attempts - 1), self.longest_pause)
        return pause * (1 - SPREAD * chance)


@dataclass(frozen=True, slots=True)
class Queue:
    """A table of pending work, when to retry failed work, and how many rows one process runs `at_once`.

    `shares` says for some columns how many of these rows may have the same value there. Of no value are more rows
    claimed than there are places free, so that however many have work without end, there is a place for another.
    """

    table: str
    retry: Retry
    at_once: int = AT_ONCE
    shares: Mapping[str, int] = field(default_factory=dict)

    async def is_any_due(self, reader: Reader, now: datetime) -> bool:
        """Return whether there is a row to claim, without a transaction."""
        return await rows.is_any_due(reader, self.table, self._horizon(now))

    async def claim_due(self, tx: Transaction, now: datetime, running: Collection[Claim]) -> list[Claim]:
        """Claim due rows beside those that are running, the longest due first."""
        claimed: list[Claim] = []
        while free := self.at_once - len(running) - len(claimed):
            used = self._used([*running, *claimed])
            most = {column: min(share, free) for column, share in self.shares.items()}
            limit = min((free, *(_room(used[column], most[column], free) for column in self.shares)))
            found = await rows.claim_due(
                tx,
                self.table,
                horizon=self._horizon(now),
                until=_claimed_until(now),
                limit=limit,
                full={column: _full(used[column], most[column]) for column in self.shares},
            )
            claimed += found
            if len(found) < limit:
                break
        return claimed

    def _used(self, running: Collection[Claim]) -> dict[str, Counter[str]]:
        """Return how many places each value has, by column."""
        return {column: Counter(claim.shares[place] for claim in running) for place, column in enumerate(self.shares)}

    async def claim_one(self, tx: Transaction, row_id: int, now: datetime) -> Claim | None:
        """Claim a row, due or not; return `None` if it is not pending or another process has the claim."""
        return await rows.claim_one(tx, self.table, row_id, horizon=self._horizon(now), until=_claimed_until(now))

    async def try_later(self, tx: Transaction, claim: Claim, now: datetime, *, after: float = 0) -> bool:
        """Postpone a row that has failed, by `after` seconds at least, or give it up after the last attempt.

        Return whether it will be tried again. No pause is longer than the longest.
        """
        pause = self.retry.pause_after(claim.attempts, _CHANCE.random())
        if pause is None:
            await rows.give_up(tx, self.table, claim, now)
            return False
        pause = min(max(pause, after), self.retry.longest_pause)
        await rows.put_off(tx, self.table, claim, now + timedelta(seconds=pause))
        return True

    def _horizon(self, now: datetime) -> Horizon:
        """Return how far ahead moments of the queue may be; the clocks of several hosts differ by some seconds."""
        differ = timedelta(seconds=CLOCKS_DIFFER)
        return Horizon(now, now + timedelta(seconds=self.retry.longest_pause) + differ, _claimed_until(now) + differ)


def _full(used: Counter[str], most: int) -> list[str]:
    """Return the values that have as many places as one may have."""
    return [value for value, count in used.items() if count >= most]


def _room(used: Counter[str], most: int, free: int) -> int:
    """Return how many rows may be claimed before the places are counted again, whichever values these have."""
    busiest = max((count for count in used.values() if count < most), default=0)
    return max(1, min(most - busiest, (free - busiest) // 2))


def _claimed_until(now: datetime) -> datetime:
    return now + timedelta(seconds=CLAIM_SECONDS)


class Worker:
    """Runs the due rows of a queue. `perform` runs a claimed row, stores the outcome, and may return another claim.

    A commit that makes a row due wakes it.
    """

    def __init__(
        self,
        database: Database,
        queue: Queue,
        perform: Callable[[Claim], Awaitable[Claim | None]],
        *,
        now: Callable[[], datetime],
        look_seconds: float = LOOK_SECONDS,
        finish_seconds: float = FINISH_SECONDS,
    ) -> None:
        self._database = database
        self._queue = queue
        self._perform = perform
        self._now = now
        self._look_seconds = look_seconds
        self._finish_seconds = finish_seconds
        self._wake = database.wakers.of(queue.table)
        self._closing = False
        self._failing = False
        self._under_way: dict[asyncio.Task[None], Claim] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run due rows while the block runs, and wait for those that were begun."""
        running = asyncio.create_task(self.run())
        try:
            yield
        finally:
            self.close()
            await running
            await self.finish()

    async def run(self) -> None:
        """Run due rows until `close`."""
        while not self._closing:
            self._wake.clear()
            for claim in await self._claim_due():
                task = asyncio.create_task(self._do(claim))
                self._under_way[task] = claim
                task.add_done_callback(self._ended)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._look_seconds):
                    await self._wake.wait()

    def close(self) -> None:
        """Stop claiming rows."""
        self._closing = True
        self._wake.set()

    async def finish(self) -> None:
        """Wait for running rows, up to a limit: the next process runs those that take too long."""
        await finish(self._under_way.keys(), self._finish_seconds)

    async def _claim_due(self) -> list[Claim]:
        running, now = self._under_way.values(), self._now()
        claims = []
        try:
            if len(running) < self._queue.at_once and await self._queue.is_any_due(self._database, now):
                async with self._database.transaction() as tx:
                    claims = await self._queue.claim_due(tx, now, running)
            self._failing = False
        except StorageUnavailable as exc:
            if not self._failing:
                log.warning("due calls cannot be looked up: %s %s", exc.message, exc.detail)
            self._failing = True
        except Exception:
            log.exception("due calls cannot be looked up")
        return claims

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self._wake.set()  # there is a place for another

    async def _do(self, first: Claim) -> None:
        claim = await self._run(first)
        while claim is not None and not self._closing:
            claim = await self._run(claim)
        if claim is not None:
            await self._keep(claim, rows.return_unused)

    async def _run(self, claim: Claim) -> Claim | None:
        """Run a row, and return the claim to run next in its place."""
        try:
            return await self._perform(claim)
        except asyncio.CancelledError:
            await self._keep(claim, rows.give_back)
            raise
        except StorageUnavailable as exc:
            log.warning("a pending call will be made again: %s %s", exc.message, exc.detail)
        except Exception:
            log.exception("a pending call has failed")
            await self._keep(claim, self._try_later)
        return None

    async def _try_later(self, tx: Transaction, table: str, claim: Claim) -> None:
        if await rows.is_ours(tx, table, claim):
            await self._queue.try_later(tx, claim, self._now())

    async def _keep(self, claim: Claim, keep: Callable[[Transaction, str, Claim], Awaitable[None]]) -> None:
        with contextlib.suppress(StorageUnavailable):  # then the claim runs out
            async with self._database.transaction() as tx:
                await keep(tx, self._queue.table, claim)
