"""How often something may be done within a rolling window of time."""

import math
from collections import defaultdict, deque
from collections.abc import Hashable


class RateLimit:
    """Counts in this process. Keeps the time of each act within the window, so at most `limit` for each key."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self._seconds = seconds
        self._taken: defaultdict[Hashable, deque[float]] = defaultdict(deque)

    def take(self, key: Hashable, now: float) -> int:
        """Count one act and return 0, or the seconds after which there is room for it; then it does not count."""
        taken = self._taken[key]
        while taken and taken[0] <= now - self._seconds:
            taken.popleft()
        if len(taken) >= self.limit:
            return math.ceil(taken[0] + self._seconds - now)
        taken.append(now)
        return 0
