"""How two commits are related: where their histories part, and whether one was made on top of the other.

Near relations are found here, by git's own way; of distant ones git is asked, in a process that can end.
"""

from pathlib import Path

from roadstead.git.graph import Queue
from roadstead.git.opened import repository
from roadstead.git.processes import run

_MOST_VISITED = 1000
"""Commits that take the loop some 5 ms."""
_LEFT, _RIGHT, _BELOW = 1, 2, 4
_BOTH = _LEFT | _RIGHT


async def merge_base(folder: Path, one: str, other: str) -> str | None:
    """Return the best common ancestor of two commits, or `None`. Raise `NoSuchObject`."""
    if one == other:
        return one
    bases = _bases(folder, one, other)
    if bases is not None and len(bases) < 2:
        return bases[0] if bases else None
    said = await run(folder, "merge-base", "--end-of-options", one, other, codes=(0, 1))
    return said.decode().strip() or None


async def is_ancestor(folder: Path, one: str, other: str) -> bool:
    """Return whether `other` is `one`, or was made on top of it. Raise `NoSuchObject`."""
    return await merge_base(folder, one, other) == one


def _bases(folder: Path, one: str, other: str) -> list[str] | None:
    """Return the best common ancestors of two commits, or `None` if finding them would take long."""
    walk = _Walk(Queue(repository(folder)), one, other)
    while walk.deciding:
        walk.step()
        if len(walk.marks) > _MOST_VISITED:
            return None
    return [id_ for id_ in walk.common if not walk.marks[id_] & _BELOW]


class _Walk:
    """A walk from two commits that marks each with those from which it is reachable.

    `common` are the commits that both reach. Ancestors of one of these are marked as below it. `deciding` are those in
    the queue that are below none: once it is empty, the walk is done.
    """

    def __init__(self, queue: Queue, one: str, other: str) -> None:
        self.common: list[str] = []
        self.marks: dict[str, int] = {}
        self.deciding: set[str] = set()
        self._queue = queue
        self._mark(one, _LEFT)
        self._mark(other, _RIGHT)

    def step(self) -> None:
        """Visit the next commit."""
        latest = self._queue.pop()
        self.deciding.discard(latest.id)
        marks = self.marks[latest.id]
        if marks == _BOTH:
            if latest.id not in self.common:
                self.common.append(latest.id)
            marks |= _BELOW
        for parent in latest.links.parents:
            self._mark(parent, marks)

    def _mark(self, id_: str, marks: int) -> None:
        known = self.marks.get(id_, 0)
        if known | marks == known:
            return
        self.marks[id_] = known | marks
        self._queue.push(id_)
        if (known | marks) & _BELOW:
            self.deciding.discard(id_)
        else:
            self.deciding.add(id_)
