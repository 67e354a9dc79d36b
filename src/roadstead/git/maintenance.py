"""Maintenance: keep a repository fast and small while pushes go on. git's own `gc` never runs.

It shares the lock of the repository with pushes. Its processes inherit the lock: one that outlives a killed host keeps
it. Only pruning, which removes objects, has the lock alone.
"""

import asyncio
import os
import time
from itertools import islice
from pathlib import Path

from roadstead.git import locks
from roadstead.git.folders import remove_quarantines
from roadstead.git.processes import MOST_MEMORY, Limits, run

_LIMITS = Limits(seconds=3600, memory=MOST_MEMORY, nice=True)
_MOST_LOOSE_REFS = 50
_MOST_PACKS = 20
_MOST_LOOSE_OBJECTS = 1000
_PARTS = 256
"""Folders of loose objects. Ids spread evenly, so the size of one folder gives that of all."""
_WEEK = 7 * 86400.0
_PRUNED = "pruned"
"""The file whose time is that of the last pruning."""


async def maintain(folder: Path) -> bool:
    """Do what a repository needs after pushes. Return `False` if something else had the lock, so that none was done.

    It costs a few milliseconds where little has changed.
    """
    if await asyncio.to_thread(_is_due_for_pruning, folder):
        return await prune(folder)
    with locks.shared(folder) as lock:
        if lock is None:
            return False
        await asyncio.to_thread(remove_quarantines, folder)
        if await asyncio.to_thread(_has_many_loose_refs, folder):
            await run(folder, "pack-refs", "--all", limits=_LIMITS, passed=[lock])
        if await asyncio.to_thread(_has_many_packs, folder):
            # Large packs stay as they are, and so do the hard links by which forks share them.
            repack = ("repack", "-d", "-q", "--geometric=2", "--write-midx", "--write-bitmap-index")
            await run(folder, *repack, limits=_LIMITS, passed=[lock])
        await _write_graph(folder, lock)
    return True


async def prune(folder: Path, *, older_than: str = "2.weeks.ago") -> bool:
    """Prune a repository as `prune_locked` does. Return whether that could be done: a push that runs keeps the lock."""
    with locks.alone(folder) as lock:
        if lock is None:
            return False
        await prune_locked(folder, lock, older_than)
    return True


async def prune_locked(folder: Path, lock: int, older_than: str) -> None:
    """Pack a repository anew, without objects that have been unreachable for some time, `now` for none at all.

    The caller has the lock alone.
    """
    await asyncio.to_thread(remove_quarantines, folder, older_than=0)
    # For git, the log of a ref leads to all that the ref has left behind.
    expire = ("reflog", "expire", f"--expire={older_than}", f"--expire-unreachable={older_than}", "--all")
    await run(folder, *expire, limits=_LIMITS, passed=[lock])
    cruft = ("repack", "-d", "-q", "--cruft", f"--cruft-expiration={older_than}", "--write-bitmap-index")
    await run(folder, *cruft, limits=_LIMITS, passed=[lock])
    # What was too old for a pack of the unreachable is left in files of its own.
    await run(folder, "prune", f"--expire={older_than}", limits=_LIMITS, passed=[lock])
    await _write_graph(folder, lock)
    await asyncio.to_thread((folder / _PRUNED).touch)


async def _write_graph(folder: Path, lock: int) -> None:
    """Write git's commit graph, with the paths that commits change, by which git finds the history of a path."""
    write = ("commit-graph", "write", "--reachable", "--changed-paths", "--split", "--no-progress")
    await run(folder, *write, limits=_LIMITS, passed=[lock])


def _is_due_for_pruning(folder: Path) -> bool:
    """Return whether the last pruning is a week ago. Before the first, count from the first call."""
    mark = folder / _PRUNED
    if not mark.exists():
        mark.touch()
    return mark.stat().st_mtime < time.time() - _WEEK


def _has_many_loose_refs(folder: Path) -> bool:
    files = (file for _, _, names in os.walk(folder / "refs") for file in names)
    return next(islice(files, _MOST_LOOSE_REFS, None), None) is not None


def _has_many_packs(folder: Path) -> bool:
    packs = sum(name.endswith(".pack") for name in os.listdir(folder / "objects/pack"))  # noqa: PTH208
    part = folder / "objects/17"
    loose = len(os.listdir(part)) * _PARTS if part.exists() else 0  # noqa: PTH208
    return packs > _MOST_PACKS or loose > _MOST_LOOSE_OBJECTS
