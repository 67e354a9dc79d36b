"""How many requests begin in one turn of the event loop.

Without a limit, a burst of a thousand requests is worked on in one turn, and every later request, a health check
included, waits for all of them.
"""

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable

MOST_IN_A_TURN = 64
"""Some 20 milliseconds of work. Fewer would cost more: requests that are handled together share reads and commits."""


class Starts:
    """The requests of one process that wait to begin, in the order of their arrival."""

    __slots__ = ("_begun", "_waiting", "most")

    def __init__(self, most: int = MOST_IN_A_TURN) -> None:
        self.most = most
        self._begun = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def may_begin(self, loop: AbstractEventLoop) -> bool:
        """Count a request that begins in this turn of the loop, and return `True`, or `False` where it has to wait."""
        if self._begun >= self.most:
            return False
        if not self._begun:
            loop.call_soon(self._next_turn, loop)
        self._begun += 1
        return True

    def wait(self, begin: Callable[[], None]) -> None:
        """Call `begin` in a later turn, after those that already wait."""
        self._waiting.append(begin)

    def _next_turn(self, loop: AbstractEventLoop) -> None:
        self._begun = min(len(self._waiting), self.most)
        if self._begun:
            loop.call_soon(self._next_turn, loop)
        for _ in range(self._begun):
            self._waiting.popleft()()
