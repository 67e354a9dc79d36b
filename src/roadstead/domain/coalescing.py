"""Coalescing: items for one place that arrive while earlier work on it runs are worked on together."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from typing import Any, TypeVar

from roadstead.errors import StorageBusy

T = TypeVar("T")
R = TypeVar("R")


class Coalescing:
    """The waiting items, by place. `start` runs a coroutine beside the caller."""

    def __init__(self, start: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        self._start = start
        self._waiting: dict[Hashable, list[tuple[Any, asyncio.Future[Any]]]] = {}

    async def do(
        self, place: Hashable, item: T, work: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]
    ) -> R:
        """Have `work` done on the item together with those of other callers; return its result, or raise its error.

        The first caller works on its item itself, which saves it two turns of the event loop; a task works on those
        that arrive meanwhile.

        `work` returns one result for each item. Its exception goes to all whose items it got, and `StorageBusy` to all
        who wait. The place belongs to one kind of work.
        """
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get(place)
        if waiting is not None:
            waiting.append((item, done))
            return await done
        self._waiting[place] = [(item, done)]
        try:
            await self._work_once(place, work)
        finally:
            if self._waiting[place]:
                self._start(self._work(place, work))
            else:
                del self._waiting[place]
        return done.result()

    async def _work(self, place: Hashable, work: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]) -> None:
        while self._waiting[place]:
            await self._work_once(place, work)
        del self._waiting[place]

    async def _work_once(self, place: Hashable, work: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]) -> None:
        """Work on the items that wait now, and tell their callers."""
        waiting, self._waiting[place] = self._waiting[place], []
        outcomes: Sequence[Any]
        try:
            outcomes = await work([item for item, _ in waiting])
        except Exception as exc:
            if isinstance(exc, StorageBusy):
                # Those who arrived meanwhile would wait for the database as long again.
                waiting += self._waiting[place]
                self._waiting[place] = []
            outcomes = [exc] * len(waiting)
        for (_, done), outcome in zip(waiting, outcomes, strict=True):
            if done.done():
                continue  # the caller has given up
            if isinstance(outcome, Exception):
                done.set_exception(outcome)
            else:
                done.set_result(outcome)
