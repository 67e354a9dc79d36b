"""The line of those who change a SQLite database, of whom one does at a time."""

import asyncio
from collections import deque
from collections.abc import Callable


class WritersLine:
    """A lock, first come, first served.

    Where it is free, it is taken without a coroutine, a timer or a turn of the event loop. Its holder gives it directly
    to the first in line, so no later writer gets in between.
    """

    def __init__(self) -> None:
        self._is_held = False
        self._waiting: deque[Callable[[], bool]] = deque()
        """Each takes the lock and returns `True`, or `False` where it no longer wants it."""

    def take(self) -> bool:
        """Take the lock if it is free; return whether it was."""
        if self._is_held:
            return False
        self._is_held = True
        return True

    async def wait(self, deadline: float | None) -> None:
        """Wait for the lock, and take it. Raise `TimeoutError` at the deadline, in the loop's time."""
        loop = asyncio.get_running_loop()
        taken: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(lambda: _settle(taken, True))
        timer = None if deadline is None else loop.call_at(deadline, _settle, taken, False)
        try:
            if not await taken:
                raise TimeoutError
        except asyncio.CancelledError:
            if not taken.cancelled() and taken.result():
                self.give_back()  # it came at this very moment
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def call(self, holder: Callable[[], None]) -> None:
        """Take the lock for a function and call it: now if the lock is free, or in its turn."""
        if self.take():
            holder()
        else:
            self._waiting.append(lambda: _called(holder))

    def give_back(self) -> None:
        """Give the lock to the next in line."""
        while self._waiting:
            take = self._waiting.popleft()
            if take():
                return
        self._is_held = False


def _called(holder: Callable[[], None]) -> bool:
    holder()
    return True


def _settle(future: "asyncio.Future[bool]", outcome: bool) -> bool:
    """Set the outcome of a future unless it has one or was cancelled; return whether this did."""
    if future.done():
        return False
    future.set_result(outcome)
    return True
