"""How long one linker may keep one text."""

import math
from collections.abc import Callable

Clock = Callable[[], float]


class Exhausted(Exception):
    """A limit was reached; the message says which, in words for the app's author."""


class OutOfTime(Exhausted):
    """The limit is the time."""


class Budget:
    """A number of seconds, some of which may be `spent`, and which starts to run when it is first looked at.

    To look at the clock takes as long as to search a short text, so of the checks only every so many do.
    """

    def __init__(self, seconds: float, clock: Clock, checks_per_look: int = 1, spent: float = 0.0) -> None:
        self._seconds = seconds
        self._spent = spent
        self._clock = clock
        self._end = math.inf
        self._checks_per_look = self._checks_left = checks_per_look

    def check(self) -> None:
        """Raise `OutOfTime` if no time is left."""
        self._checks_left -= 1
        if not self._checks_left:
            self._checks_left = self._checks_per_look
            self._look()

    def _look(self) -> None:
        now = self._clock()
        if self._end == math.inf:
            self._end = now + self._seconds - self._spent
        elif now >= self._end:
            raise self.out_of_time()

    def left(self) -> float:
        """Return the seconds that are left, or raise `OutOfTime`."""
        self._look()
        return self._end - self._clock()

    def out_of_time(self) -> OutOfTime:
        return OutOfTime(f"It took longer than {self._seconds * 1000:g} ms.")
