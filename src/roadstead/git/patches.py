"""Commits as patches, as `git format-patch` writes them for mail."""

from collections.abc import AsyncGenerator
from pathlib import Path

from roadstead.git.objects import Commit
from roadstead.git.processes import Limits, stream

_LIMITS = Limits(seconds=60, output=1 << 30)
_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-notes")
_SERIES = (*_PLAIN, "--stdout", "--no-signature")
_OF_MERGE = ("--format=email", "--patch-with-stat", "--diff-merges=first-parent", "-M")


def patch(folder: Path, commit: Commit) -> AsyncGenerator[bytes]:
    """Yield a commit as a patch; for a merge, its changes to its first parent. Raise `GitLimit`."""
    if len(commit.parents) < 2:
        return stream(folder, "format-patch", *_SERIES, "--root", "-1", commit.hash, limits=_LIMITS)
    return stream(folder, "log", *_PLAIN, *_OF_MERGE, "-1", commit.hash, limits=_LIMITS)


def series(folder: Path, source: str, destination: str) -> AsyncGenerator[bytes]:
    """Yield the commits that `source` has and `destination` has not, the earliest first, without merges.

    Raise `GitLimit`.
    """
    return stream(folder, "format-patch", *_SERIES, source, f"^{destination}", limits=_LIMITS)
