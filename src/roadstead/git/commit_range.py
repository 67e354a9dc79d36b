"""Ranges: the commits that are reachable from some commits and not from others, in git's order."""

from collections.abc import Iterable, Sequence
from math import inf
from pathlib import Path

from roadstead.git.graph import Queue
from roadstead.git.opened import repository

_MOST_VISITED = 2000
"""Commits that take the loop some 10 ms."""
_SLOP = 5
"""How many excluded commits git still visits once it seems done, because commits may have wrong dates."""


def range_of(folder: Path, include: Sequence[str], exclude: Sequence[str]) -> list[str] | None:
    """Return all commits that are reachable from `include` and not from `exclude`, in the order of `git rev-list`.

    Return `None` if the walk would visit too many commits. Raise `NoSuchObject`.
    """
    walk = _Walk(Queue(repository(folder)), include, exclude)
    while walk.step():
        if len(walk.found) + len(walk.excluded) > _MOST_VISITED:
            return None
    return [id_ for id_ in walk.found if id_ not in walk.excluded]


class _Walk:
    """A walk over a range. A commit that was found can turn out to be excluded until the walk ends."""

    def __init__(self, queue: Queue, include: Sequence[str], exclude: Sequence[str]) -> None:
        self.found: list[str] = []
        self.excluded = set(exclude)
        self._queue = queue
        self._wanted: set[str] = set()
        self._last = inf
        self._slop = _SLOP
        for tip in (*include, *exclude):
            self._reach(tip)

    def step(self) -> bool:
        """Visit the next commit. Return whether the walk must go on."""
        if not self._queue:
            return False
        latest = self._queue.pop()
        self._wanted.discard(latest.id)
        for parent in latest.links.parents:
            self._reach(parent)
        if latest.id not in self.excluded:
            self.found.append(latest.id)
            self._last = latest.links.seconds
            return True
        self._exclude(latest.links.parents)
        return self._goes_on()

    def _goes_on(self) -> bool:
        if not self._queue:
            return False
        is_open = self._wanted or self._last <= self._queue.latest()
        self._slop = _SLOP if is_open else self._slop - 1
        return self._slop > 0

    def _reach(self, id_: str) -> None:
        if id_ not in self._queue.links:
            self._queue.add(id_)
            if id_ not in self.excluded:
                self._wanted.add(id_)

    def _exclude(self, ids: Iterable[str]) -> None:
        """Exclude commits, and all visited commits that are reachable from them."""
        waiting = list(ids)
        while waiting:
            id_ = waiting.pop()
            if id_ not in self.excluded:
                self.excluded.add(id_)
                self._wanted.discard(id_)
                waiting += self._queue.links[id_].parents if id_ in self._queue.links else []
