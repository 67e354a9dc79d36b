"""Turns for what takes long: each caller has one under way, and callers follow one another in a circle.

So a caller that asks for a hundred long things at once is itself who waits for them.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from roadstead.errors import StorageBusy


class Turns:
    """`places` callers have a turn at the same time; who waits for longer than `seconds` is turned away."""

    def __init__(self, places: int, seconds: float) -> None:
        self._places = places
        self._seconds = seconds
        self._at_work: set[Hashable] = set()
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, caller: Hashable) -> AsyncIterator[None]:
        """The caller's turn, for as long as the block lasts. Raises `StorageBusy`."""
        if len(self._at_work) < self._places and caller not in self._at_work:
            self._at_work.add(caller)
        else:
            await self._wait(caller)
        try:
            yield
        finally:
            self._end(caller)

    async def _wait(self, caller: Hashable) -> None:
        begun = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(begun)
        try:
            async with asyncio.timeout(self._seconds):
                await begun
        except BaseException as exc:
            if begun.done() and not begun.cancelled():
                self._end(caller)  # its turn had come at this very moment
            if isinstance(exc, TimeoutError):
                raise StorageBusy(
                    "The database is busy with long lists.",
                    "One with a filter is looked through at a time for each caller; try again in a moment.",
                ) from exc
            raise

    def _end(self, caller: Hashable) -> None:
        """Pass the place on to whom it was longest ago that had one."""
        self._at_work.discard(caller)
        for waiting in [one for one in self._waiting if one not in self._at_work]:
            if self._begin(waiting):
                return

    def _begin(self, caller: Hashable) -> bool:
        """Begin the first turn that the caller waits for, if it still waits, and put it behind all others."""
        queue = self._waiting.pop(caller)
        while queue:
            begun = queue.popleft()
            if not begun.done():
                begun.set_result(None)
                self._at_work.add(caller)
                if queue:
                    self._waiting[caller] = queue
                return True
        return False
