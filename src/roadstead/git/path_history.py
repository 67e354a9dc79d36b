"""The history of paths. git reads it, in a process with a time limit: it compares trees faster than libgit2."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from roadstead.git.objects import NoSuchObject, kind_of
from roadstead.git.processes import Limits, run

_LIMITS = Limits(seconds=60, output=16 << 20)


class PathCommit(NamedTuple):
    """A commit that changed a file, and the path that the file had in it."""

    commit: str
    path: bytes


async def commits_of(
    folder: Path,
    include: Sequence[str] | None,
    paths: Sequence[bytes],
    *,
    exclude: Sequence[str] = (),
    skip: int = 0,
    length: int = 30,
) -> list[str]:
    """Return ids of commits that changed a file or folder, the latest first, as `git log -- PATH` shows them.

    Without `include` they are those of all branches and tags. Raise `NoSuchObject`, and `GitLimit` if that takes long.
    """
    window = (f"--skip={skip}", f"--max-count={length}")
    everything = ("--branches", "--tags") if include is None else ()
    which = (*everything, *_tips(folder, include or (), exclude), "--", *map(os.fsdecode, paths))
    return (await run(folder, "rev-list", *window, *which, limits=_LIMITS)).decode().split()


async def file_history(
    folder: Path, commit: str, path: bytes, *, renames: bool = True, skip: int = 0, length: int = 50
) -> list[PathCommit]:
    """Return the commits that changed a file, the latest first, and before a rename by its earlier path.

    The empty path is the root folder. Raise `NoSuchObject`, and `GitLimit` if it takes too long.
    """
    follow = ("--follow", "-M") if renames else ("--no-renames",)
    shown = ("--format=%x00%H", "--name-only", "-z", "--no-ext-diff", "--no-textconv")
    # git's own `--skip` counts commits that it does not show when it follows renames.
    most = f"--max-count={skip + length}"
    which = (*_tips(folder, [commit]), "--", os.fsdecode(path) or ".")
    said = await run(folder, "log", *follow, *shown, most, *which, limits=_LIMITS)
    return [_commit(record, path) for record in said.split(b"\0\0")[skip:]] if said else []


def _commit(record: bytes, path: bytes) -> PathCommit:
    """Return a commit and the path that git names; of a merge it names none, and there is no rename in one."""
    id_, _, named = record.strip(b"\0").partition(b"\0\n")
    return PathCommit(id_.decode(), named or path)


def _tips(folder: Path, include: Sequence[str], exclude: Sequence[str] = ()) -> list[str]:
    for id_ in (*include, *exclude):
        if kind_of(folder, id_) != "commit":
            raise NoSuchObject("commit", id_)
    return [*include, *(f"^{id_}" for id_ in exclude)]
