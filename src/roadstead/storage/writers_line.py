"""The lock of the writers of a SQLite database: one at a time, in the order of their arrival."""

import asyncio
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

MOST_AT_ONCE = 32
"""Writers that are woken together: a few milliseconds of work, as long as other requests may have to wait."""


@dataclass(order=True, slots=True)
class _Place:
    """A place in the line: of a writer that waits for its future, or of a function that is called with the lock."""

    number: int
    woken: "asyncio.Future[bool] | None" = field(default=None, compare=False)
    holder: Callable[[], None] | None = field(default=None, compare=False)


class WritersLine:
    """A lock, first come, first served.

    Where it is free, it is taken without a coroutine, a timer or a turn of the event loop. When it becomes free, the
    writers at the head of the line are woken together, and each that finds it held again keeps its place. Most give it
    back without a wait in between, so that they write in one turn of the loop instead of one in each.
    """

    def __init__(self) -> None:
        self._is_held = False
        self._numbers = count()
        self._line: list[_Place] = []
        self._waking = 0
        """The writers that were woken and have not run yet. Newcomers do not get in between."""

    def take(self) -> bool:
        """Take the lock if it is free and no one waits for it; return whether it was."""
        if self._is_held or self._waking or self._line:
            return False
        self._is_held = True
        return True

    async def wait(self, deadline: float | None) -> None:
        """Wait for the lock, and take it. Raise `TimeoutError` at the deadline, in the loop's time."""
        loop = asyncio.get_running_loop()
        place = _Place(next(self._numbers))
        while not await self._is_woken(place, loop, deadline):
            pass

    async def _is_woken(self, place: _Place, loop: asyncio.AbstractEventLoop, deadline: float | None) -> bool:
        """Wait in the line until woken; take the lock if it is still free, and return whether it was."""
        woken = place.woken = loop.create_future()
        insort(self._line, place)
        timer = None if deadline is None else loop.call_at(deadline, _settle, woken, False)
        try:
            on_time = await woken
        except asyncio.CancelledError:
            self._leave(place, was_woken=not woken.cancelled() and woken.result())
            raise
        finally:
            if timer is not None:
                timer.cancel()
        if not on_time:
            self._leave(place, was_woken=False)
            raise TimeoutError
        self._waking -= 1
        if self._is_held:
            return False
        self._is_held = True
        return True

    def _leave(self, place: _Place, *, was_woken: bool) -> None:
        """Give up a place; if the writer was woken, wake those behind it."""
        if was_woken:
            self._waking -= 1
            self._go_on()
        elif place in self._line:
            self._line.remove(place)
            self._go_on()

    def call(self, holder: Callable[[], None]) -> None:
        """Take the lock for a function and call it: now if the lock is free, or in its turn."""
        if self.take():
            holder()
        else:
            self._line.append(_Place(next(self._numbers), holder=holder))

    def give_back(self) -> None:
        """Free the lock for the next in line."""
        self._is_held = False
        self._go_on()

    def _go_on(self) -> None:
        """Wake the writers at the head of the line, or call the function there, unless the lock is in use."""
        if self._is_held or self._waking:
            return
        while self._line and self._waking < MOST_AT_ONCE:
            place = self._line[0]
            if place.holder is not None:
                if not self._waking:
                    self._line.pop(0)
                    self._is_held = True
                    place.holder()
                return
            self._line.pop(0)
            if place.woken is not None and _settle(place.woken, True):
                self._waking += 1


def _settle(future: "asyncio.Future[bool]", outcome: bool) -> bool:
    """Set the outcome of a future unless it has one or was cancelled; return whether this did."""
    if future.done():
        return False
    future.set_result(outcome)
    return True
