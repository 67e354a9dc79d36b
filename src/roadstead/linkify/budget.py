"""How long one linker may keep one text."""

import math
import time
from collections.abc import Callable

Clock = Callable[[], float]

SECONDS_PER_MATCH = 8e-6
"""What each match adds to a budget: where many stand close together it takes less to find the next one, 2 to 3 µs.

So the number of links ends an ordinary linker on a long text, also on a busy machine, and time a hostile one: those
that are quadratic over all their matches take many times as long for each.
"""


class Exhausted(Exception):
    """A limit was reached; the message says which, in words for the app's author."""


class OutOfTime(Exhausted):
    """The limit is the time."""


class Budget:
    """A number of seconds, some of which may be `spent`, and which starts to run when it is first looked at.

    To read the time of a processor is a call of the kernel, so it is not read before as much time has passed on the
    wall; and of the first checks so many are `unseen`, in which a short text is done.
    """

    def __init__(self, seconds: float, clock: Clock, unseen: int = 0, spent: float = 0.0) -> None:
        self._seconds = seconds
        self._spent = spent
        self._clock = clock
        self._passing = time.perf_counter if clock is time.thread_time else clock
        self._unseen = unseen
        self._end = math.inf
        self._not_before = -math.inf

    def check(self) -> None:
        """Raise `OutOfTime` if no time is left."""
        if self._unseen:
            self._unseen -= 1
        elif self._passing() >= self._not_before:
            self._look()

    def found(self) -> None:
        """Add what a match adds, and raise `OutOfTime` if no time is left all the same."""
        self._spent -= SECONDS_PER_MATCH
        self.check()

    def _look(self) -> None:
        now = self._clock()
        if self._end == math.inf:
            self._end = now + self._seconds
        left = self._end - now - self._spent
        if left <= 0:
            raise self.out_of_time()
        self._not_before = self._passing() + left

    def left(self) -> float:
        """Return the seconds that are left at least, or raise `OutOfTime`."""
        left = self._not_before - self._passing()
        if not 0 < left < math.inf:
            self._look()
            left = self._not_before - self._passing()
        return left

    def out_of_time(self) -> OutOfTime:
        return OutOfTime(f"It took longer than {self._seconds * 1000:g} ms.")
