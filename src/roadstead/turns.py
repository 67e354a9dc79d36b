"""Turns for long work: each caller runs one piece at a time, and callers take turns in a circle.

So a caller with a hundred long requests waits for its own, and no other caller does. Long work on the loop itself takes
turns with all other tasks.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable, Iterable
from contextlib import asynccontextmanager
from time import perf_counter
from typing import TypeVar

from roadstead.errors import HostBusy, StorageBusy, TooMuchAtOnce

T = TypeVar("T")

TURN_SECONDS = 0.005
_TRY_AGAIN = "Each caller has one under way at a time; try again in a moment."


async def by_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """Yield items, and let other tasks run each time that some milliseconds have passed."""
    began = perf_counter()
    for item in items:
        if perf_counter() - began > TURN_SECONDS:
            await asyncio.sleep(0)
            began = perf_counter()
        yield item


class Turns:
    """Let `places` callers, or any number, have a turn at the same time.

    A caller that waits longer than `seconds` is refused, and one that has `most_waiting` waiting beside its running
    one: each of these occupies a request, of which an address has a share. `what` names the long work in a sentence.
    """

    def __init__(self, places: float, seconds: float, what: str, *, most_waiting: int = 20) -> None:
        self._places = places
        self._seconds = seconds
        self._what = what
        self._most_waiting = most_waiting
        self._at_work: set[Hashable] = set()
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, caller: Hashable) -> AsyncIterator[None]:
        """Hold the caller's turn while the block runs. Raise `HostBusy` and `TooMuchAtOnce`."""
        if len(self._at_work) < self._places and caller not in self._at_work:
            self._at_work.add(caller)
        else:
            await self._wait(caller)
        try:
            yield
        except StorageBusy as exc:
            self._refuse_waiting(caller, exc)
            raise
        finally:
            self._end(caller)

    async def _wait(self, caller: Hashable) -> None:
        queue = self._waiting.setdefault(caller, deque())
        if len(queue) >= self._most_waiting:
            raise TooMuchAtOnce(f"You wait for {self._most_waiting} {self._what} already.", _TRY_AGAIN)
        begun = asyncio.get_running_loop().create_future()
        queue.append(begun)
        try:
            async with asyncio.timeout(self._seconds):
                await begun
        except BaseException as exc:
            if begun in queue:
                queue.remove(begun)
            elif begun.done() and not begun.cancelled() and begun.exception() is None:
                self._end(caller)  # the turn came at this very moment
            if isinstance(exc, TimeoutError):
                raise HostBusy(f"Roadstead is busy with {self._what}.", _TRY_AGAIN) from exc
            raise

    def _refuse_waiting(self, caller: Hashable, exc: StorageBusy) -> None:
        """Refuse the caller's other waiting work, too: otherwise each would wait for the database as long."""
        for begun in self._waiting.pop(caller, ()):
            if not begun.done():
                begun.set_exception(StorageBusy(exc.message, exc.detail))

    def _end(self, caller: Hashable) -> None:
        """Pass the place on to the caller whose last turn was the longest ago."""
        self._at_work.discard(caller)
        for waiting in [one for one in self._waiting if one not in self._at_work]:
            if self._begin(waiting):
                return

    def _begin(self, caller: Hashable) -> bool:
        """Begin the first turn that the caller waits for, if it still waits, and put the caller behind all others."""
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
