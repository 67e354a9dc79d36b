"""The last commit of each entry of a folder: the one that `git log -1 -- PATH` shows.

From a commit, git follows the first parent in which the entry is the same. So do all entries here, together: of two
versions of the folder, only the entries that differ are looked at.
"""

import asyncio
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from pathlib import Path
from time import perf_counter

import msgspec
import pygit2

from roadstead.git.graph import links_of
from roadstead.git.objects import data_of, tree_id
from roadstead.git.opened import repository
from roadstead.git.tree_versions import TreeVersion, folder_finder
from roadstead.turns import TURN_SECONDS


async def last_commits(
    folder: Path, commit: str, path: bytes, names: Iterable[bytes], *, most: int = 500_000
) -> dict[bytes, str]:
    """Return the last commit of each of some entries of a folder, by name.

    Names that the folder does not have are left out, and those that have not changed for `most` commits. Raise
    `NoSuchObject`.
    """
    walk = _Walk(path)
    walk.begin(repository(folder), commit, names)
    while walk.goes_on and most > 0:
        most -= walk.turn(repository(folder), most)
        await asyncio.sleep(0)
    return walk.found


class _Reached(msgspec.Struct, gc=False):
    """A commit that has the folder. `way` has the ids of its tree and of the folders on the path, the last the folder.

    `waiting` has the names of the entries that wait here.
    """

    seconds: int
    parents: Sequence[str]
    way: Sequence[str]
    folder: TreeVersion
    waiting: set[bytes]


class _Walk:
    """A walk back in history. Each entry of the folder waits at the commit up to which it is unchanged."""

    def __init__(self, path: bytes) -> None:
        self.found: dict[bytes, str] = {}
        self._finders = [folder_finder(name) for name in path.split(b"/")] if path else []
        self._reached: dict[str, _Reached] = {}
        self._heap: list[tuple[int, str]] = []

    @property
    def goes_on(self) -> bool:
        """Return whether entries wait."""
        return bool(self._heap)

    def begin(self, opened: pygit2.Repository, commit: str, names: Iterable[bytes]) -> None:
        """Let the entries with these names wait at a commit."""
        tip = self._reach(opened, commit, None)
        if tip is not None:
            self._wait(commit, tip, tip.folder.names().intersection(names))

    def turn(self, opened: pygit2.Repository, most: int) -> int:
        """Visit commits for some milliseconds, the latest first. Return how many."""
        until = perf_counter() + TURN_SECONDS
        visited = 0
        while self._heap and visited < most and perf_counter() < until:
            self._visit(opened, heappop(self._heap)[1])
            visited += 1
        return visited

    def _visit(self, opened: pygit2.Repository, id_: str) -> None:
        """Move each entry that waits at a commit to the first parent that has the same. The others are found."""
        here = self._reached.pop(id_)
        left = here.waiting
        for parent in here.parents:
            there = self._reached.get(parent) or self._reach(opened, parent, here)
            if there is None:
                continue
            changed = here.folder.changed_since(there.folder) & left
            self._wait(parent, there, left - changed if changed else left)
            left = changed
            if not left:
                return
        self.found |= dict.fromkeys(left, id_)

    def _wait(self, id_: str, commit: _Reached, names: set[bytes]) -> None:
        if not names:
            return
        if commit.waiting:
            commit.waiting |= names
        else:
            commit.waiting = names
            self._reached[id_] = commit
            heappush(self._heap, (-commit.seconds, id_))

    def _reach(self, opened: pygit2.Repository, id_: str, child: _Reached | None) -> _Reached | None:
        """Return a commit, or `None` if it does not have the folder."""
        data = data_of(opened, "commit", id_)
        way = self._way(opened, tree_id(data), child.way if child else ())
        if way is None:
            return None
        links = links_of(data)
        folder = child.folder if child and child.way[-1] == way[-1] else TreeVersion(data_of(opened, "tree", way[-1]))
        return _Reached(links.seconds, links.parents, way, folder, set())

    def _way(self, opened: pygit2.Repository, root: str, known: Sequence[str]) -> Sequence[str] | None:
        """Return the ids on the path from a commit's tree to the folder, or `None`. From a `known` one on, copy."""
        way = [root]
        for depth, finder in enumerate(self._finders):
            if known and known[depth] == way[depth]:
                return [*way, *known[depth + 1 :]]
            found = finder.match(data_of(opened, "tree", way[depth]))
            if found is None:
                return None
            way.append(found[1].hex())
        return way
