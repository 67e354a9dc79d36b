"""Compare commits. As in Bitbucket, and unlike in git, `A..B` means what A has changed in comparison with B."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from roadstead.domain.repositories.commits import find_commit, find_hash, is_possible
from roadstead.domain.repositories.reading import Reading
from roadstead.errors import GitLimit, InvalidInput, NotFound
from roadstead.git import ancestry, diffs, objects, patches
from roadstead.git.diffs import DiffOptions, FileChange
from roadstead.git.objects import Commit

_MOST_PATHS = 1 << 20
"""Bytes of paths on a command line: about half of what Linux allows."""


class NoCommonAncestor(NotFound):
    """Two commits have no history in common."""

    def __init__(self) -> None:
        super().__init__("No common ancestor", "The histories of the two commits never met.")


class Sides(NamedTuple):
    """Two commits to compare; `old` is `None` for the first commit of a history."""

    old: str | None
    new: str


def sides_of_commit(commit: Commit) -> Sides:
    """Return a commit and its first parent, with which it is compared, also if it is a merge."""
    return Sides(commit.parents[0] if commit.parents else None, commit.hash)


async def sides_of(reading: Reading, spec: str, *, topic: bool) -> Sides:
    """Return what a spec compares: a commit with its first parent, or the two of `A..B`.

    With `topic`, A is compared with the commit where it left B. Raise `NoSuchCommit`, `NoCommonAncestor` and
    `InvalidInput`.
    """
    if ".." not in spec:
        return sides_of_commit(find_commit(reading.folder, spec))
    source, destination = pair_of(reading, spec)
    return Sides((await merge_base(reading, source, destination)) if topic else destination, source)


def pair_of(reading: Reading, spec: str) -> tuple[str, str]:
    """Return the two commits of `A..B`. Raise `NoSuchCommit` and `InvalidInput`."""
    source, dots, destination = spec.partition("..")
    if not (source and dots and destination) or destination.startswith("."):
        raise InvalidInput("This names no two commits.", "Write `source..destination`, each a commit, branch or tag.")
    return find_hash(reading.folder, source), find_hash(reading.folder, destination)


async def merge_base(reading: Reading, one: str, other: str) -> str:
    """Return the best common ancestor of two commits. Raise `NoCommonAncestor`."""
    async with reading.process():
        found = await ancestry.merge_base(reading.folder, one, other)
    if found is None:
        raise NoCommonAncestor
    return found


async def common_ancestor(reading: Reading, spec: str) -> Commit:
    """Return the best common ancestor of the two commits of `A..B`. Raise as `pair_of` and `merge_base` do."""
    return objects.commit(reading.folder, await merge_base(reading, *pair_of(reading, spec)))


async def files_of(reading: Reading, sides: Sides, options: DiffOptions) -> Sequence[FileChange]:
    """Return how each file differs. Raise `GitLimit` and `HostBusy`."""
    if not _may_differ(options):
        return []
    async with reading.process():
        return await diffs.diffstat(reading.folder, *sides, options)


async def diff(reading: Reading, sides: Sides, options: DiffOptions, *, binary: bool) -> AsyncGenerator[bytes]:
    """Yield how two commits differ, as git writes it, with or without binary files. Raise as `files_of` does."""
    if not binary:
        options = options._replace(paths=await _paths_of_texts(reading, sides, options))
        if not options.paths:
            return
    if not _may_differ(options):
        return
    async with aclosing(reading.pieces(diffs.patch(reading.folder, *sides, options))) as pieces:
        async for piece in pieces:
            yield piece


def _may_differ(options: DiffOptions) -> bool:
    """Return whether all paths can be in a repository: git fails for one that leads out of it."""
    return all(map(is_possible, options.paths))


async def _paths_of_texts(reading: Reading, sides: Sides, options: DiffOptions) -> tuple[bytes, ...]:
    """Return the paths of the files that differ and are not binary. Raise as `files_of` does."""
    texts = [file for file in await files_of(reading, sides, options) if file.lines_added is not None]
    paths = {path for file in texts for path in (file.old, file.new) if path is not None}
    if sum(map(len, paths)) > _MOST_PATHS:
        raise GitLimit("There are too many files to leave out the binary ones.", "Ask for some files with `path`.")
    return tuple(sorted(paths))


def patch(reading: Reading, spec: str) -> AsyncGenerator[bytes]:
    """Yield a commit as a patch, or those that A of `A..B` has alone. Raise as `sides_of` and `files_of` do."""
    if ".." in spec:
        return reading.pieces(patches.series(reading.folder, *pair_of(reading, spec)))
    return reading.pieces(patches.patch(reading.folder, find_commit(reading.folder, spec)))
