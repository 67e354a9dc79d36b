"""A queue in memory that is written in batches, after the answers to the requests that it is about.

While a request runs, only references are queued. Batches are small enough to cost a busy host little time. Of a burst
beyond that rate, the first items and the very last one are written. Keeping the latest thousand instead would make each
request of a burst some 6 % slower: the memory of one that is dropped so late has left the processor's caches. No fault
here disturbs a request: while others keep the database busy, items stay in memory, and no request waits for them.
"""

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from roadstead.errors import RoadsteadError, StorageBusy

T = TypeVar("T")


class Batches(ABC, Generic[T]):
    """Queues at most `most` items, and writes a batch of them after each pause of `pause` seconds.

    With `most` 0 it drops all. `done` is what the log calls it: requests are recorded, or logged.
    """

    def __init__(self, *, most: int, batch: int, pause: float, log: logging.Logger, done: str) -> None:
        self._most = most
        self._batch = batch
        self._pause = pause
        self._log = log
        self._done = done
        self._waiting: deque[T] = deque()
        self._added = 0
        self._taken = 0
        self._task: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self._closing = asyncio.Event()
        self._failing = False

    @abstractmethod
    async def write_items(self, items: Sequence[T]) -> None:
        """Write items. Raise `RoadsteadError` when they cannot be written now."""

    def add(self, item: T) -> None:
        """Queue an item, to be written after the pause. Without room, it takes the place of the latest."""
        self._added += 1
        if len(self._waiting) < self._most:
            self._waiting.append(item)
        elif self._waiting:
            self._waiting[-1] = item
        if self._task is None:
            self._begin()

    @property
    def left_out(self) -> int:
        """Return how many items were not kept: they made room for later ones, or could not be written."""
        return self._added - self._taken - len(self._waiting) if self._most else 0

    async def write(self) -> None:
        """Write all queued items, and wait for a running write."""
        due = len(self._waiting)
        while await self._write_batch() and (due := due - self._batch) > 0:
            pass

    async def close(self) -> None:
        """Write the remaining items. Those that cannot be written now are lost."""
        self._closing.set()
        if self._task is not None:
            await self._task
        while await self._write_batch() and self._waiting:
            pass

    def _begin(self) -> None:
        if self._most:
            # In no request's context, because its log messages concern many.
            self._task = asyncio.create_task(self._write_in_batches(), context=Context())

    async def _write_in_batches(self) -> None:
        try:
            while self._waiting and not self._closing.is_set():
                seen = None
                while seen != self._added:
                    seen = self._added
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._pause):
                            await self._closing.wait()
                    await self._write_batch()
                await self.write()
        except Exception:
            self._log.exception("requests were not %s", self._done)
        finally:
            self._task = None

    async def _write_batch(self) -> bool:
        """Write the oldest queued items. Return whether that succeeded, or there was nothing to write."""
        async with self._writing:
            items = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
            if not items:
                return True
            self._taken += len(items)
            try:
                await self.write_items(items)
            except RoadsteadError as exc:
                self._cannot_write(items, exc)
            else:
                self._failing = False
            return not self._failing

    def _cannot_write(self, items: Sequence[T], exc: RoadsteadError) -> None:
        self._taken -= len(items)
        if isinstance(exc, StorageBusy):
            self._put_back(items)
        if not self._failing:
            self._log.warning("requests cannot be %s now: %s %s", self._done, exc.message, exc.detail)
        self._failing = True

    def _put_back(self, items: Sequence[T]) -> None:
        """Queue items again, before later ones, as far as there is room; the oldest are lost."""
        room = self._most - len(self._waiting)
        self._waiting.extendleft(reversed(items[max(len(items) - room, 0) :]))


async def a_few_at_a_time(items: Sequence[T], few: int) -> AsyncIterator[Sequence[T]]:
    """Yield a few items after the other; requests have their turn in between."""
    for start in range(0, len(items), few):
        yield items[start : start + few]
        await asyncio.sleep(0)
