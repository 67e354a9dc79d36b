"""Archives of the files of a commit, made by git while they are sent."""

import resource
from collections.abc import AsyncGenerator
from pathlib import Path

from roadstead.errors import GitLimit
from roadstead.git.environment import environment, program
from roadstead.git.transfer.piped import Piped
from roadstead.pushed import ArchiveFormat

MOST_BYTES = 4 * 1024**3
"""Of an archive, as of a pack."""
MOST_SECONDS = 120
"""Of a processor. git reads all names before it writes anything, and a small repository may have endless many."""
_MOST_MEMORY = 4 * 1024**3


async def archive(
    folder: Path,
    commit: str,
    wanted: ArchiveFormat,
    prefix: str,
    *,
    most: int = MOST_BYTES,
    seconds: int = MOST_SECONDS,
) -> AsyncGenerator[bytes, None]:
    """Yield an archive of a commit, named by its id, in which all files are below a folder. Raise `GitLimit`."""
    command = [program(), f"--git-dir={folder}", "archive", f"--format={wanted}", f"--prefix={prefix}/", commit]
    limits = {resource.RLIMIT_CPU: seconds, resource.RLIMIT_AS: _MOST_MEMORY}
    child, left = Piped(command, environment(), reads=False, limits=limits), most
    try:
        while piece := await child.read():
            left -= len(piece)
            if left < 0:
                raise GitLimit("The archive is larger than is allowed here.")
            yield piece
        if await child.wait():
            raise GitLimit("The archive could not be made, or takes longer than is allowed here.")
    finally:
        await child.kill()
        await child.end()
