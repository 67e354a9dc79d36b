"""The last commit of each entry of a folder: the one that `git log -1 -- PATH` shows.

From a commit, git follows the first parent in which the entry is the same. So do all entries here, together: of a
commit in which the whole folder is as in its parent, no entry is looked at.
"""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

import pygit2

from roadstead.git.graph import Queue
from roadstead.git.objects import data_of, tree_id
from roadstead.git.opened import repository
from roadstead.git.trees import tree_of

_TURN = 500
"""Commits that take the loop some 5 ms."""

_Entry = tuple[int, pygit2.Oid]


async def last_commits(
    folder: Path, commit: str, path: bytes, names: Iterable[bytes], *, most: int = 500_000
) -> dict[bytes, str]:
    """Return the last commit of each of some entries of a folder, by name.

    Names that the folder does not have are left out, and those that have not changed for `most` commits. Raise
    `NoSuchObject`.
    """
    walk = _Walk(repository(folder), path)
    walk.begin(commit, names)
    while walk.waiting and most > 0:
        for _ in range(_TURN):
            walk.step()
        most -= _TURN
        await asyncio.sleep(0)
    return {os.fsencode(name): id_ for name, id_ in walk.found.items()}


class _Walk:
    """Entries on their way back in history. `waiting` has those that wait at each commit."""

    def __init__(self, opened: pygit2.Repository, path: bytes) -> None:
        self.found: dict[str, str] = {}
        self.waiting: dict[str, dict[str, _Entry]] = {}
        self._opened = opened
        self._path = os.fsdecode(path)
        self._queue = Queue(opened)

    def begin(self, commit: str, names: Iterable[bytes]) -> None:
        """Let the entries with these names wait at a commit."""
        there = self._folder(commit)
        entries = ((name, _in(there, name)) for name in map(os.fsdecode, names))
        self._wait(commit, {name: (entry.filemode, entry.id) for name, entry in entries if entry is not None})

    def step(self) -> None:
        """Let what waits at the latest commit go on to its parents; what stays is found."""
        if not self._queue:
            return
        latest = self._queue.pop()
        left = self.waiting.pop(latest.id)
        here = self._folder(latest.id)
        for parent in latest.links.parents:
            there = self._folder(parent)
            same = left if there == here else {name: entry for name, entry in left.items() if _is(there, name, entry)}
            left = {name: entry for name, entry in left.items() if name not in same}
            self._wait(parent, same)
        self.found |= dict.fromkeys(left, latest.id)

    def _wait(self, commit: str, entries: dict[str, _Entry]) -> None:
        if not entries:
            return
        if commit not in self.waiting:  # it may have been visited already, where a clock went wrong
            self._queue.push(commit)
            self.waiting[commit] = {}
        self.waiting[commit].update(entries)

    def _folder(self, commit: str) -> pygit2.Tree | None:
        """Return the folder as it is in a commit, if it has one there."""
        root = tree_of(self._opened, tree_id(data_of(self._opened, "commit", commit)))
        found = _in(root, self._path) if self._path else root
        return found if isinstance(found, pygit2.Tree) else None


def _in(tree: pygit2.Tree | None, name: str) -> pygit2.Object | None:
    if tree is None:
        return None
    try:
        return tree[name]
    except KeyError:
        return None


def _is(tree: pygit2.Tree | None, name: str, entry: _Entry) -> bool:
    found = _in(tree, name)
    return found is not None and (found.filemode, found.id) == entry
