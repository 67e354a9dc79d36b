"""How often an act is allowed within a rolling window of time."""

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

MOST_KEYS = 10_000
"""Of more keys than these, the one that acted least recently is forgotten: strangers can make up any number."""


class RateLimit:
    """Counts in this process. Keeps the time of each act within the window, so at most `limit` for each key.

    The clock never jumps, unlike that of the machine: one set 300 days ahead and back would leave 300 days to wait.
    """

    def __init__(
        self,
        limit: int,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        most_keys: int = MOST_KEYS,
    ) -> None:
        self.limit = limit
        self._seconds = seconds
        self._clock = clock
        self._most_keys = most_keys
        self._taken: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def take(self, key: Hashable) -> int:
        """Count one act and return 0, or the seconds until there is room for it; then it does not count."""
        now = self._clock()
        wait = self._wait(key, now)
        if not wait:
            self._taken.setdefault(key, deque()).append(now)
            self._taken.move_to_end(key)
            if len(self._taken) > self._most_keys:
                self._taken.popitem(last=False)
        return wait

    def wait(self, key: Hashable) -> int:
        """Return 0, or the seconds until there is room for one more act."""
        return self._wait(key, self._clock())

    def _wait(self, key: Hashable, now: float) -> int:
        taken = self._taken.get(key)
        if taken is None:
            return 0
        while taken and taken[0] <= now - self._seconds:
            taken.popleft()
        return 0 if len(taken) < self.limit else math.ceil(taken[0] + self._seconds - now)
