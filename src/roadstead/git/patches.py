"""Commits as patches, as `git format-patch` writes them for mail."""

from collections.abc import AsyncGenerator
from pathlib import Path

from roadstead.git.objects import Commit
from roadstead.git.processes import Child, Limits

_LIMITS = Limits(seconds=60, output=1 << 30)
_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-notes")


async def patch(folder: Path, commit: Commit) -> AsyncGenerator[bytes]:
    """Yield a commit as a patch; of a merge, what it changed in its first parent. Raise `GitLimit`."""
    if len(commit.parents) < 2:
        async for piece in _pieces(folder, "format-patch", *_SERIES, "--root", "-1", commit.hash):
            yield piece
        return
    whole = ("--format=email", "--patch-with-stat", "--diff-merges=first-parent", "-M", "-1")
    async for piece in _pieces(folder, "log", *_PLAIN, *whole, commit.hash):
        yield piece


async def series(folder: Path, source: str, destination: str) -> AsyncGenerator[bytes]:
    """Yield the commits that `source` has and `destination` has not, the earliest first. There are none of merges.

    Raise `GitLimit`.
    """
    async for piece in _pieces(folder, "format-patch", *_SERIES, source, f"^{destination}"):
        yield piece


_SERIES = (*_PLAIN, "--stdout", "--no-signature")


async def _pieces(folder: Path, *arguments: str) -> AsyncGenerator[bytes]:
    async with Child(folder, *arguments, limits=_LIMITS) as git:
        async for piece in git.pieces():
            yield piece
        await git.end()
