"""git's own check of new files, as of a push: a client would read some of them as settings, such as `.gitmodules`."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from roadstead.errors import GitFailed, InvalidInput
from roadstead.git.names import may_be_settings
from roadstead.git.processes import run
from roadstead.git.trees import NoSuchPath, entry

_FAULT = "fsck error"


async def check_settings(folder: Path, tree: str, paths: Iterable[bytes]) -> None:
    """Check the files at some paths below a new tree whose names git gives a meaning.

    Raise `InvalidInput` for what a push could not bring, such as a submodule whose address is an option of a command.
    """
    ids = {found for path in paths for found in _objects_at(folder, tree, path)}
    if not ids:
        return
    pack = await run(folder, "pack-objects", "--quiet", "--stdout", stdin="\n".join(ids).encode())
    # The pack goes where a push brings its own, and is deleted. Cleaning finds it there if this process is killed.
    with tempfile.TemporaryDirectory(prefix="tmp_objdir-", dir=folder / "objects") as apart:
        variables = {"GIT_OBJECT_DIRECTORY": apart, "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(folder / "objects")}
        try:
            await run(folder, "index-pack", "--stdin", "--strict", stdin=pack, variables=variables)
        except GitFailed as exc:
            if _FAULT not in exc.detail:
                raise
            raise InvalidInput("git accepts no such file, nor would a push.", exc.detail.partition("\n")[0]) from exc


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
