"""Turns for what takes long: each caller has one under way, and callers follow one another in a circle.

So a caller that asks for a hundred long things at once is itself who waits for them.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from roadstead.errors import StorageBusy, TooMuchAtOnce

MOST_WAITING = 20
"""What one caller may wait for beside what it has under way. Each holds a request, of which an address has a share."""
_TRY_AGAIN = "Each app has one under way at a time; try again in a moment."


class Turns:
    """`places` callers, or any number, have a turn at the same time; one that waits longer than `seconds` is refused.

    `what` names in a sentence what takes so long.
    """

    def __init__(self, places: float, seconds: float, what: str) -> None:
        self._places = places
        self._seconds = seconds
        self._what = what
        self._at_work: set[Hashable] = set()
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, caller: Hashable) -> AsyncIterator[None]:
        """The caller's turn, for as long as the block lasts. Raises `StorageBusy` and `TooMuchAtOnce`."""
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
        if len(queue) >= MOST_WAITING:
            raise TooMuchAtOnce(f"Your app waits for {MOST_WAITING} {self._what} already.", _TRY_AGAIN)
        begun = asyncio.get_running_loop().create_future()
        queue.append(begun)
        try:
            async with asyncio.timeout(self._seconds):
                await begun
        except BaseException as exc:
            if begun in queue:
                queue.remove(begun)
            elif begun.done() and not begun.cancelled() and begun.exception() is None:
                self._end(caller)  # its turn had come at this very moment
            if isinstance(exc, TimeoutError):
                raise StorageBusy(f"The database is busy with {self._what}.", _TRY_AGAIN) from exc
            raise

    def _refuse_waiting(self, caller: Hashable, exc: StorageBusy) -> None:
        """Refuse what the caller waits for, too: else each would wait for the database as long as the one before."""
        for begun in self._waiting.pop(caller, ()):
            if not begun.done():
                begun.set_exception(StorageBusy(exc.message, exc.detail))

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
