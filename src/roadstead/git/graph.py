"""The graph of commits: their parents and times, read without the rest of a commit."""

import re
from heapq import heappop, heappush
from typing import NamedTuple

import msgspec
import pygit2

from roadstead.git.objects import data_of

_LINKS = re.compile(rb"tree .{40}\n((?:parent .{40}\n)*)(?:author [^\n]*\ncommitter [^\n>]*> *(\d{0,19}))?")


class Links(msgspec.Struct, frozen=True, gc=False):
    """The time of a commit in seconds, and the ids of its parents."""

    seconds: int
    parents: list[str]


def links_of(data: bytes) -> Links:
    """Return the links that the content of a commit has."""
    found = _LINKS.match(data)
    if found is None:
        return Links(0, [])
    parents, seconds = found.groups()
    return Links(int(seconds or 0), parents.decode().split()[1::2])


class Reached(NamedTuple):
    """A commit in a queue. The latest comes first; of two of the same second, the one that was reached first."""

    order: int
    turn: int
    id: str
    data: bytes
    links: Links


class Queue:
    """Commits that were reached and not yet visited, in the order in which `git log` visits them."""

    def __init__(self, opened: pygit2.Repository) -> None:
        self._opened = opened
        self._heap: list[Reached] = []
        self._turn = 0
        self.links: dict[str, Links] = {}
        """The links of all commits that were ever in the queue, or are kept out of it."""

    def __bool__(self) -> bool:
        return bool(self._heap)

    def add(self, id_: str) -> None:
        """Put in a commit that was never in the queue. Raise `NoSuchObject`."""
        if id_ not in self.links:
            self.push(id_)

    def leave_out(self, id_: str) -> None:
        """Keep a commit out of the queue."""
        self.links[id_] = Links(0, [])

    def push(self, id_: str) -> None:
        """Put in a commit, even if it was there before. Raise `NoSuchObject`."""
        data = data_of(self._opened, "commit", id_)
        links = self.links[id_] = links_of(data)
        self._turn += 1
        heappush(self._heap, Reached(-links.seconds, self._turn, id_, data, links))

    def pop(self) -> Reached:
        """Take the next commit out."""
        return heappop(self._heap)

    def latest(self) -> int:
        """Return the time of the next commit."""
        return -self._heap[0].order

    def left(self) -> list[Reached]:
        """Return what is in the queue, in its order."""
        return sorted(self._heap, key=lambda reached: reached[:2])
