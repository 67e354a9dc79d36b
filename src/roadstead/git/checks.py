"""git's own check of new files, as of a push: a client would read some of them as settings, such as `.gitmodules`."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from roadstead.errors import GitFailed, InvalidInput
from roadstead.git import locks
from roadstead.git.file_names import may_be_settings
from roadstead.git.processes import run
from roadstead.git.trees import NoSuchPath, entry

_FAULT = "fsck error"


async def check_settings(folder: Path, tree: str, paths: Iterable[bytes]) -> None:
    """Check those files of a new tree, among some paths, whose names have a meaning for git.

    Raise `InvalidInput` for a file that git refuses in a push, such as a submodule whose address is an option of a
    command, and `HostBusy`.
    """
    ids = {found for path in paths for found in _objects_at(folder, tree, path)}
    if not ids:
        return
    pack = await run(folder, "pack-objects", "--quiet", "--stdout", stdin="\n".join(ids).encode())
    try:
        await _index(folder, pack)
    except GitFailed as exc:
        if _FAULT not in exc.detail:
            raise
        raise InvalidInput("git accepts no such file, nor would a push.", exc.detail.partition("\n")[0]) from exc


async def _index(folder: Path, pack: bytes) -> None:
    """Let git check a pack, in a folder named like the quarantine of a push: if this process is killed, it is removed.

    Hold the lock, because pruning removes such folders at once.
    """
    objects = folder / "objects"
    async with locks.wait_for(locks.shared, folder) as lock:
        with tempfile.TemporaryDirectory(prefix="tmp_objdir-", dir=objects) as apart:
            variables = {"GIT_OBJECT_DIRECTORY": apart, "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects)}
            command = ("index-pack", "--stdin", "--strict")
            await run(folder, *command, stdin=pack, variables=variables, passed=[lock])


def _objects_at(folder: Path, tree: str, path: bytes) -> Iterator[str]:
    """Yield the ids of a file or folder that may be settings, and of the folder in which it is."""
    names = path.split(b"/")
    for depth, name in enumerate(names):
        if may_be_settings(name):
            try:
                here = entry(folder, tree, b"/".join(names[: depth + 1]))
            except NoSuchPath:  # it was removed
                return
            yield entry(folder, tree, b"/".join(names[:depth])).id
            yield here.id
