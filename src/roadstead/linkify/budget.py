"""How long one linker may keep one text."""

from collections.abc import Callable

Clock = Callable[[], float]


class Exhausted(Exception):
    """A limit was reached; the message says which, in words for the app's author."""


class Budget:
    """A number of seconds that starts to run when this is made."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    def left(self) -> float:
        """Return the seconds that are left, or raise `Exhausted`."""
        left = self._end - self._clock()
        if left <= 0:
            raise self.exhausted()
        return left

    def check(self) -> None:
        """Raise `Exhausted` if no time is left."""
        self.left()

    def exhausted(self) -> Exhausted:
        return Exhausted(f"It took longer than {self._seconds * 1000:g} ms.")
