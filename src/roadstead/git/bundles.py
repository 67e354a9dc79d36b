"""Repositories as one stream of bytes, with all refs and what they reach: git calls it a bundle."""

from collections.abc import AsyncIterator
from pathlib import Path

from roadstead.git.processes import MOST_MEMORY, Child, Limits, run

_WHOLE = Limits(seconds=24 * 3600, output=1 << 60, memory=MOST_MEMORY)


async def pieces(folder: Path) -> AsyncIterator[bytes]:
    """Yield the bundle of a repository piece by piece, nothing for one without refs. Raise `GitFailed`."""
    if not await run(folder, "for-each-ref", "--count=1", "--format=%(refname)"):
        return
    async with Child(folder, "bundle", "create", "--quiet", "-", "--all", limits=_WHOLE) as git:
        async for piece in git.pieces():
            yield piece
        await git.end()
