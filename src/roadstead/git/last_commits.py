"""The last commit of each entry of a folder: the one that `git log -1 -- PATH` shows.

From a commit, git follows the first parent in which the entry is the same. So do all entries here, together: of a
commit in which the whole folder is as in its parent, no entry is looked at.
"""

import asyncio
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pygit2

from roadstead.git.graph import Queue
from roadstead.git.objects import data_of, tree_id
from roadstead.git.opened import repository
from roadstead.git.trees import tree_of

_TURN = 500
"""Commits that take the loop some 5 ms."""

_OTHER_MODE = re.compile(rb"1(?:00755|00664|20000|60000) ")

_Entries = dict[str, pygit2.Oid]


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


class _Folder(NamedTuple):
    """A folder as it is in a commit.

    `has_other_modes` says that it may have entries other than plain files and folders, whose ids tell one from the
    other: the library takes several times as long for a mode as for an id.
    """

    tree: pygit2.Tree
    has_other_modes: bool


class _Walk:
    """Entries on their way back in history. `waiting` has those that wait at each commit."""

    def __init__(self, opened: pygit2.Repository, path: bytes) -> None:
        self.found: dict[str, str] = {}
        self.waiting: dict[str, _Entries] = {}
        self._opened = opened
        self._path = os.fsdecode(path)
        self._queue = Queue(opened)
        self._folders: dict[str, _Folder | None] = {}

    def begin(self, commit: str, names: Iterable[bytes]) -> None:
        """Let the entries with these names wait at a commit."""
        there = self._folder(commit)
        if there is not None:
            tree = there.tree
            self._wait(commit, {name: tree[name].id for name in map(os.fsdecode, names) if name in tree})

    def step(self) -> None:
        """Let what waits at the latest commit go on to its parents; what stays is found."""
        if not self._queue:
            return
        latest = self._queue.pop()
        left = self.waiting.pop(latest.id)
        here = self._folder(latest.id)
        for parent in latest.links.parents:
            same = _same(here, self._folder(parent), left)
            if not same:
                del self._folders[parent]
            left = {name: id_ for name, id_ in left.items() if name not in same}
            self._wait(parent, same)
        self.found |= dict.fromkeys(left, latest.id)
        del self._folders[latest.id]

    def _wait(self, commit: str, entries: _Entries) -> None:
        if not entries:
            return
        if commit not in self.waiting:  # it may have been visited already, where a clock went wrong
            self._queue.push(commit)
            self.waiting[commit] = {}
        self.waiting[commit].update(entries)

    def _folder(self, commit: str) -> _Folder | None:
        """Return the folder in a commit, if it has one there."""
        if commit not in self._folders:
            self._folders[commit] = self._read(commit)
        return self._folders[commit]

    def _read(self, commit: str) -> _Folder | None:
        id_ = tree_id(data_of(self._opened, "commit", commit))
        if self._path:
            try:
                found = tree_of(self._opened, id_)[self._path]
            except KeyError:
                return None
            if found.type_str != "tree":
                return None
            id_ = str(found.id)
        # Content first: the library parses what it has just read, and does not keep both.
        has_other_modes = _OTHER_MODE.search(data_of(self._opened, "tree", id_)) is not None
        return _Folder(tree_of(self._opened, id_), has_other_modes)


def _same(here: _Folder | None, there: _Folder | None, entries: _Entries) -> _Entries:
    """Return the entries that are the same in two folders."""
    if here is None or there is None:
        return {}
    before, after = there.tree, here.tree
    if before == after:
        return entries
    same = {name: id_ for name, id_ in entries.items() if name in before and before[name].id == id_}
    if here.has_other_modes or there.has_other_modes:
        return {name: id_ for name, id_ in same.items() if before[name].filemode == after[name].filemode}
    return same
