"""How many requests an installation may make in an hour. As on the cloud the hour is a rolling one."""

import math
from collections import defaultdict, deque

from roadstead.errors import RateLimitExceeded

WINDOW_SECONDS = 3600


class RateLimit:
    """Counts in this process. Keeps the time of each request of the last hour, so at most `limit` for each caller."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: defaultdict[int, deque[float]] = defaultdict(deque)

    def take(self, installation_id: int, now: float) -> None:
        """Count one request. Raises `RateLimitExceeded`; what is refused does not count."""
        taken = self._taken[installation_id]
        while taken and taken[0] <= now - WINDOW_SECONDS:
            taken.popleft()
        if len(taken) >= self._limit:
            raise RateLimitExceeded(self._limit, math.ceil(taken[0] + WINDOW_SECONDS - now))
        taken.append(now)
