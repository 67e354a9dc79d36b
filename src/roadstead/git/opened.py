"""Open repositories: opening costs several times what a small read does, so each process keeps the last ones.

A library's handle is for the loop's thread, and for one step: get it, read, and drop it before the next `await`.
"""

import os
import threading
from collections import OrderedDict
from pathlib import Path
from time import monotonic

import pygit2
from pygit2.enums import ConfigLevel, Option, RepositoryOpenFlag

from roadstead.errors import GitFailed
from roadstead.git import closing

_LEVELS = (ConfigLevel.PROGRAMDATA, ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL)
_CACHE_BYTES = 48 << 20
_MAPPED_BYTES = 1 << 30
UNREADABLE = (
    "A repository cannot be read.",
    "Files of it are missing or damaged. Its operator types: roadstead repo check",
)
"""Message and detail for callers. They do not name the host's files."""
_LOOK_SECONDS = 0.002
"""How long packs count as unchanged: one answer gets its repository some ten times, and `stat` would dominate."""


class _Handle:
    """An open repository, and its packs when it was opened."""

    __slots__ = ("_looked_at", "_packs", "repository", "until")

    def __init__(self, folder: Path, until: float) -> None:
        self._packs = packs_of(folder)
        self._looked_at = monotonic()
        self.repository = _open(folder)
        self.until = until

    def is_valid(self, folder: Path, now: float) -> bool:
        """Return whether it may still be read. Raise `GitFailed` if the repository is gone."""
        if now - self._looked_at > _LOOK_SECONDS:
            packs = packs_of(folder)
            self._looked_at = now
            return packs == self._packs and now < self.until
        return now < self.until


class Opened(threading.local):
    """The open repositories of the present thread. When there are too many, the least recently used one is closed.

    A repository is opened again when its packs have changed, because a handle keeps deleted packs on the disk, and
    after some minutes in any case. Threads share no handle, so closing one does not affect another thread's reads.
    """

    def __init__(self, *, most: int = 200, seconds: float = 600) -> None:
        self._most = most
        self._seconds = seconds
        self._handles: OrderedDict[Path, _Handle] = OrderedDict()

    def repository(self, folder: Path) -> pygit2.Repository:
        """Return a repository. Raise `GitFailed` if it is not there."""
        handle, now = self._handles.get(folder), monotonic()
        if handle is None or not handle.is_valid(folder, now):
            self.close(folder)
            self._close_expired()
            handle = self._handles[folder] = _Handle(folder, now + self._seconds)
            if len(self._handles) > self._most:
                self.close(next(iter(self._handles)))
        else:
            self._handles.move_to_end(folder)
        return handle.repository

    def close(self, folder: Path) -> None:
        """Close a repository that may be open."""
        handle = self._handles.pop(folder, None)
        if handle is not None:
            handle.repository.free()

    def _close_expired(self) -> None:
        """Close what is too old: this alone closes a repository that was deleted."""
        now = monotonic()
        for folder in [folder for folder, handle in self._handles.items() if handle.until < now]:
            self.close(folder)

    async def close_all(self) -> None:
        """Close all that are open."""
        for folder in list(self._handles):
            self.close(folder)


def packs_of(folder: Path) -> int:
    """Return a number that changes with the packs of a repository."""
    try:
        return os.stat(f"{folder}/objects/pack").st_mtime_ns  # noqa: PTH116  # twice as fast
    except OSError as exc:
        raise GitFailed(*UNREADABLE) from exc


def _open(folder: Path) -> pygit2.Repository:
    try:
        return pygit2.Repository(str(folder), RepositoryOpenFlag.NO_SEARCH | RepositoryOpenFlag.BARE)
    except pygit2.GitError as exc:
        raise GitFailed(*UNREADABLE) from exc


def _set_up() -> None:
    """Make libgit2 read no configuration but a repository's, and keep little."""
    pygit2.settings.owner_validation = False
    pygit2.settings.cache_max_size(_CACHE_BYTES)
    pygit2.settings.mwindow_mapped_limit = _MAPPED_BYTES
    # Objects were checked when they came in; checking them again costs more than reading them.
    pygit2.option(Option.ENABLE_STRICT_HASH_VERIFICATION, False)
    for level in _LEVELS:
        pygit2.settings.search_path[level] = ""


_set_up()
OPENED = Opened()
"""The open repositories of this process, for each of its threads."""
closing.append(OPENED.close_all)


def repository(folder: Path) -> pygit2.Repository:
    """Return an open repository. Raise `GitFailed` if it is not there."""
    return OPENED.repository(folder)
