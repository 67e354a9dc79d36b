"""Repositories as one stream of bytes, with all refs and what they reach: git calls it a bundle."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from roadstead.git.processes import MOST_MEMORY, Limits, run, stream

_WHOLE = Limits(seconds=24 * 3600, output=1 << 60, memory=MOST_MEMORY)


async def pieces(folder: Path) -> AsyncGenerator[bytes]:
    """Yield the bundle of a repository, piece by piece; one without refs has none. Raise `GitFailed`."""
    if not await run(folder, "for-each-ref", "--count=1", "--format=%(refname)"):
        return
    async with aclosing(stream(folder, "bundle", "create", "--quiet", "-", "--all", limits=_WHOLE)) as made:
        async for piece in made:
            yield piece
