"""How long one linker may keep one text."""

import math
import time
from collections.abc import Callable

Clock = Callable[[], float]

SECONDS_PER_MATCH = 8e-6
"""The time that each match adds to a budget. Where many matches are close together it takes 2 to 3 µs to find the next
one.

So an ordinary linker on a long text meets the limit on links, also on a busy machine, and a hostile one the limit on
time: a pattern that is quadratic over all its matches takes many times as long for each.
"""


class Exhausted(Exception):
    """A limit was reached. The message names it, for the app's author."""


class OutOfTime(Exhausted):
    """The limit on time was reached."""


class Budget:
    """A number of seconds, some of which may be `spent`. They begin to run at the first check of the clock.

    Reading a processor's clock is a system call. So it is read only once as much time has passed on the wall clock, and
    not at all in the first `unseen` checks, which are enough for a short text.
    """

    _end = math.inf
    _not_before = -math.inf

    def __init__(self, seconds: float, clock: Clock, unseen: int = 0, spent: float = 0.0) -> None:
        self._seconds = seconds
        self._spent = spent
        self._clock = clock
        self._passing = time.perf_counter if clock is time.thread_time else clock
        self._unseen = unseen

    def check(self) -> None:
        """Raise `OutOfTime` if no time is left."""
        if self._unseen:
            self._unseen -= 1
        elif self._passing() >= self._not_before:
            self._look()

    def found(self) -> None:
        """Add the time of a match, and raise `OutOfTime` if no time is left nevertheless."""
        self._spent -= SECONDS_PER_MATCH
        self.check()

    def left(self) -> float:
        """Return the seconds that are left at least, or raise `OutOfTime`."""
        left = self._not_before - self._passing()
        if not 0 < left < math.inf:
            self._look()
            left = self._not_before - self._passing()
        return left

    def out_of_time(self) -> OutOfTime:
        """Return the exception for a budget that is used up."""
        return OutOfTime(f"It took longer than {self._seconds * 1000:g} ms.")

    def _look(self) -> None:
        now = self._clock()
        if self._end == math.inf:
            self._end = now + self._seconds
        left = self._end - now - self._spent
        if left <= 0:
            raise self.out_of_time()
        self._not_before = self._passing() + left
