"""Archives of the files of a commit, made by git while they are sent."""

from collections.abc import AsyncGenerator
from pathlib import Path

from roadstead.git.processes import Child, Limits
from roadstead.pushed import ArchiveFormat

_LIMITS = Limits(seconds=120, output=4 << 30)
"""git reads all names before it writes anything, and a small repository may have endless many."""


async def archive(
    folder: Path, commit: str, wanted: ArchiveFormat, prefix: str, *, limits: Limits = _LIMITS
) -> AsyncGenerator[bytes, None]:
    """Yield an archive of a commit, named by its id, in which all files are below a folder.

    Raise `GitLimit`, and `GitFailed`.
    """
    options = (f"--format={wanted}", f"--prefix={prefix}/")
    async with Child(folder, "archive", *options, commit, limits=limits) as git:
        async for piece in git.pieces():
            yield piece
        await git.end()
