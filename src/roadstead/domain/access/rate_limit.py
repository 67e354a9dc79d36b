"""How often an act is allowed within a rolling window of time."""

import math
import time
from collections import defaultdict, deque
from collections.abc import Callable, Hashable


class RateLimit:
    """Counts in this process. Keeps the time of each act within the window, so at most `limit` for each key.

    The clock never jumps, unlike that of the machine: one set 300 days ahead and back would leave 300 days to wait.
    """

    def __init__(self, limit: int, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._seconds = seconds
        self._clock = clock
        self._taken: defaultdict[Hashable, deque[float]] = defaultdict(deque)

    def take(self, key: Hashable) -> int:
        """Count one act and return 0, or the seconds until there is room for it; then it does not count."""
        taken, now = self._taken[key], self._clock()
        while taken and taken[0] <= now - self._seconds:
            taken.popleft()
        if len(taken) >= self.limit:
            return math.ceil(taken[0] + self._seconds - now)
        taken.append(now)
        return 0
