"""How two commits differ, as text and file by file, found by git itself: no library finds the same renames."""

import os
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from roadstead.errors import GitLimit
from roadstead.git.diff_processes import POOL
from roadstead.git.environment import EMPTY_TREE
from roadstead.git.objects import NoSuchObject, data_of, kind_of, tree_id
from roadstead.git.opened import repository
from roadstead.git.processes import Limits, run, stream

_FIXED = ("-r", "--no-ext-diff", "--no-textconv", "--no-color")
_INLINE = Limits(seconds=10, output=1 << 20)
"""A larger or slower diff has a process of its own, whose output passes through as fast as it is read."""
_WHOLE = Limits(seconds=60, output=1 << 30)
_FILES = Limits(seconds=60, output=64 << 20)

Status = Literal["added", "removed", "modified", "renamed"]
_STATUS: dict[str, Status] = {
    "A": "added",
    "D": "removed",
    "M": "modified",
    "T": "modified",
    "R": "renamed",
}


class DiffOptions(NamedTuple):
    """How to compare. `paths` are files or folders; without one, all."""

    context: int = 3
    renames: bool = True
    ignore_whitespace: bool = False
    paths: tuple[bytes, ...] = ()


USUAL = DiffOptions()


class FileChange(msgspec.Struct, frozen=True):
    """How a file differs. There is no `old` path of one that was added, and no `new` path of one that was removed.

    `lines_added` and `lines_removed` are missing for a binary file. A submodule has the mode 0o160000.
    """

    status: Status
    old: bytes | None
    new: bytes | None
    old_mode: int
    new_mode: int
    lines_added: int | None
    lines_removed: int | None


async def patch(folder: Path, old: str | None, new: str | None, options: DiffOptions = USUAL) -> AsyncGenerator[bytes]:
    """Yield the difference of two commits, or trees, as `git diff` prints it. `None` stands for an empty tree.

    Raise `NoSuchObject`, `GitLimit`.
    """
    trees = _tree(folder, old), _tree(folder, new)
    arguments = ("-p", f"-U{options.context}", *_options(options))
    if not options.paths:
        try:
            answer = await POOL.ask(folder, arguments, *trees, _INLINE)
        except GitLimit:
            pass
        else:
            yield answer
            return
    arguments = ("diff-tree", *arguments, *trees, "--", *_texts(options.paths))
    async with aclosing(stream(folder, *arguments, limits=_WHOLE)) as pieces:
        async for piece in pieces:
            yield piece


async def diffstat(folder: Path, old: str | None, new: str | None, options: DiffOptions = USUAL) -> list[FileChange]:
    """Return how each file differs, in git's order, which is that of the new paths.

    Raise `NoSuchObject`, and `GitLimit` if they are too many.
    """
    trees = _tree(folder, old), _tree(folder, new)
    arguments = ("--raw", "--numstat", "-z", *_options(options))
    if options.paths:
        said = await run(folder, "diff-tree", *arguments, *trees, "--", *_texts(options.paths), limits=_FILES)
    else:
        said = await POOL.ask(folder, arguments, *trees, _FILES)
    return list(_changes(iter(said.split(b"\0")[:-1])))


def _tree(folder: Path, id_: str | None) -> str:
    if id_ is None:
        return EMPTY_TREE
    kind = kind_of(folder, id_)
    if kind == "tree":
        return id_
    if kind != "commit":
        raise NoSuchObject("commit", id_)
    return tree_id(data_of(repository(folder), "commit", id_))


def _options(options: DiffOptions) -> tuple[str, ...]:
    renames = "-M" if options.renames else "--no-renames"
    return (*_FIXED, renames, *(["-w"] if options.ignore_whitespace else []))


def _texts(paths: Sequence[bytes]) -> list[str]:
    return [os.fsdecode(path) for path in paths]


class _Raw(NamedTuple):
    status: Status
    old_mode: int
    new_mode: int


def _changes(fields: Iterator[bytes]) -> Iterator[FileChange]:
    """Yield the changes in git's output: first status and modes of every file (`--raw`), then lines (`--numstat`)."""
    raw: dict[bytes, _Raw] = {}
    for field in fields:
        if field.startswith(b":"):
            old_mode, new_mode, _, _, status = field[1:].decode().split(" ")
            found = _Raw(_STATUS[status[0]], int(old_mode, 8), int(new_mode, 8))
            if found.status == "renamed":
                next(fields)  # the old path
            raw[next(fields)] = found
        else:
            yield _change(field, fields, raw)


def _change(field: bytes, fields: Iterator[bytes], raw: Mapping[bytes, _Raw]) -> FileChange:
    added, removed, path = field.split(b"\t", 2)
    old, new = (path, path) if path else (next(fields), next(fields))
    status, old_mode, new_mode = raw[new]
    return FileChange(
        status,
        None if status == "added" else old,
        None if status == "removed" else new,
        old_mode,
        new_mode,
        None if added == b"-" else int(added),
        None if removed == b"-" else int(removed),
    )
