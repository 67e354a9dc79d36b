"""What a fork takes from its parent: branches and tags, and the files of objects, which both share by hard links.

git never changes a file of objects in place; it writes a new file and renames it. So neither parent nor fork sees what
the other does with its links.
"""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from roadstead.git.disk import link
from roadstead.git.objects import peeled
from roadstead.git.opened import repository
from roadstead.git.refs import GitRef
from roadstead.turns import by_turns

_GRAPHS, _PACKS = "info/commit-graphs", "pack"
_PART = re.compile("[0-9a-f]{2}")
"""The name of a folder of loose objects."""
_OF_RUNNING = re.compile(r"\.?tmp[-_].*|.*\.(?:lock|keep)")
"""Files of a push or packing that runs. A `.keep` that was linked would keep its pack from ever being repacked."""
_DEEPEST = 5
"""Repositories in a chain of alternates, each of which borrows from the next: git follows no more."""


def share_objects(parent: Path, new: Path) -> None:
    """Link the objects that a repository has into a new one. Pushes and packing may go on, but no pruning.

    The graphs come first, because they name objects; packs come last, because loose objects may be packed meanwhile.
    """
    for objects in _stores(parent / "objects", _DEEPEST):
        parts = sorted(filter(_PART.fullmatch, os.listdir(objects)))  # noqa: PTH208
        for name in (_GRAPHS, *parts, _PACKS):
            _share_files(objects / name, new / "objects" / name)


async def packed_refs(folder: Path, refs: Iterable[GitRef]) -> bytes:
    """Return the file `packed-refs` with some refs of a repository, which are in the order of their names."""
    lines = [line async for ref in by_turns(refs) for line in _lines(folder, ref)]
    return "".join(["# pack-refs with: peeled fully-peeled sorted \n", *lines]).encode()


def _stores(objects: Path, deepest: int) -> list[Path]:
    """Return the folders with the objects of a repository: those that an operator lets it borrow from, then its own."""
    try:
        named = (objects / "info/alternates").read_text("utf-8", "surrogateescape").splitlines()
    except FileNotFoundError:
        return [objects]
    others = [objects / name for name in named if name and not name.startswith("#")] if deepest else []
    return [*(store for other in others for store in _stores(other, deepest - 1)), objects]


def _share_files(source: Path, place: Path) -> None:
    """Link the files of a folder, and list it again until all are linked: packing may replace files meanwhile."""
    linked: set[tuple[str, int]] = set()
    while new := _files(source) - linked:
        place.mkdir(parents=True, exist_ok=True)
        for name, _ in new:
            (place / name).unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                link(source / name, place / name)
        linked |= new


def _files(folder: Path) -> set[tuple[str, int]]:
    """Return the names of the complete files in a folder, each with a number that changes with its file."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as found:
        return {(one.name, one.inode()) for one in found if one.is_file() and not _OF_RUNNING.fullmatch(one.name)}
    return set()


def _lines(folder: Path, ref: GitRef) -> list[str]:
    """Return the line of a ref, and after an annotated tag that of the object that it stands for."""
    line = f"{ref.target} {ref.name}\n"
    found = ref.commit or peeled(repository(folder), ref.target)[0]
    return [line] if found in (None, ref.target) else [line, f"^{found}\n"]
