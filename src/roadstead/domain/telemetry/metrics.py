"""The counts of a process, for `/-/metrics`.

Counting must cost a request almost nothing, so these are plain numbers; `samples` gives them names and labels on
request. The number of labels is bounded: no text of a caller or an app becomes one.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roadstead.linkify import Unfinished

BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds within which durations are counted together; longer ones are counted too."""

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "SSH"))
"""The methods with a name in the metrics: HTTP knows some thirty more. A session over SSH has none of its own."""


class Durations:
    """A histogram of durations, each counted at the least of `BOUNDS` that it fits; `seconds` is their sum."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds


class Metrics:
    """The numbers of one process since it started."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], Durations] = {}
        self.refused: Counter[tuple[str, str]] = Counter()
        """Requests that the host had no room for, or that were not HTTP, by status and reason."""
        self.closed: Counter[str] = Counter()
        """Connections that were closed while a request or an answer was incomplete, by reason."""
        self.linkified: dict[str, Durations] = {"linear": Durations(), "bounded": Durations()}
        """Texts, by the engine of the slowest of their linkers."""
        self.links = 0
        self.limits: Counter[str] = Counter({"time": 0, "other": 0})
        """Times that a linker met a limit on a text."""

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request to an address of this host. `route` is the address's template."""
        durations = self._requests.get((method, route, status))
        if durations is None:
            durations = self._requests[method, route, status] = Durations()
        durations.add(seconds)

    def linked(self, engine: str, seconds: float, links: int, unfinished: "Collection[Unfinished]") -> None:
        """Count a text that was linked."""
        self.linkified[engine].add(seconds)
        self.links += links
        if unfinished:
            self.limits.update("time" if limit.out_of_time else "other" for limit in unfinished if limit.linker)

    def requests(self) -> Iterator[tuple[tuple[str, str, str], Durations]]:
        """Yield durations by method, route and class of status (`2xx`). The same labels may come more than once."""
        for (method, route, status), durations in self._requests.items():
            yield (method if method in METHODS else "other", route, f"{status // 100}xx"), durations
