"""Archives of the files of a commit, made by git while they are sent."""

from collections.abc import AsyncGenerator
from pathlib import Path

from roadstead.git.processes import Limits, stream
from roadstead.pushed import ArchiveFormat

_LIMITS = Limits(seconds=120, output=4 << 30)
"""git reads all names before it writes anything, and a small repository may have endless many."""


def archive(
    folder: Path, commit: str, wanted: ArchiveFormat, prefix: str, *, limits: Limits = _LIMITS
) -> AsyncGenerator[bytes]:
    """Yield an archive of a commit, named by its id, in which all files are below the folder `prefix`.

    Raise `GitLimit`, and `GitFailed`.
    """
    return stream(folder, "archive", f"--format={wanted}", f"--prefix={prefix}/", commit, limits=limits)
