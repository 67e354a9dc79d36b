"""Folders of a commit: what is at a path, and what is below it."""

import os
from collections.abc import Container, Iterator, Sequence
from itertools import starmap
from pathlib import Path
from typing import Literal, overload

import msgspec
import pygit2

from roadstead.errors import GitFailed, GitLimit, NotFound
from roadstead.git.objects import NoSuchObject, data_of, header_of
from roadstead.git.opened import UNREADABLE, repository
from roadstead.git.tree_format import ENTRY, EXECUTABLE, FOLDER, LINK, SUBMODULE, TYPE

EntryKind = Literal["folder", "file", "submodule"]

_Raw = tuple[bytes, bytes, bytes]
"""Mode, name and id of an entry, as git writes them."""
_MOST_LISTED = 60_000
"""A repository of some kilobytes can have folders in folders in folders with billions of paths."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What a folder has under a name. `id` is that of a tree, a blob, or of a commit in another repository."""

    path: bytes
    mode: int
    id: str

    @property
    def kind(self) -> EntryKind:
        """Return what it is. A symbolic link is a file, whose content is its target."""
        form = self.mode & TYPE
        return "folder" if form == FOLDER else "submodule" if form == SUBMODULE else "file"

    @property
    def name(self) -> bytes:
        """Return the last part of the path."""
        return self.path.rpartition(b"/")[2]

    @property
    def is_link(self) -> bool:
        """Return whether it is a symbolic link."""
        return self.mode & TYPE == LINK

    @property
    def is_executable(self) -> bool:
        """Return whether it is a program."""
        return self.kind == "file" and not self.is_link and bool(self.mode & EXECUTABLE)


class NoSuchPath(NotFound):
    """A commit has nothing at this path."""

    def __init__(self, path: bytes) -> None:
        super().__init__(f"No such file or directory: {path.decode('utf-8', 'replace')}")


def entry(folder: Path, tree: str, path: bytes) -> Entry:
    """Return what is at a path below a tree, such as that of a commit. The empty path is the tree itself.

    Raise `NoSuchPath`, and `NoSuchObject` if there is no such tree.
    """
    return _entry(repository(folder), tree, path)


class Entries(Sequence[Entry]):
    """What a folder has, its folders before its files. Each entry is made when it is used: there may be 50,000."""

    def __init__(self, path: bytes, raw: list[_Raw]) -> None:
        modes = {mode for mode in {entry[0] for entry in raw} if int(mode, 8) == FOLDER}
        self._prefix = path + b"/" if path else b""
        self.folders = sum(1 for entry in raw if entry[0] in modes)
        """How many of them are folders."""
        self._raw = sorted(raw, key=lambda entry: entry[0] not in modes) if self.folders else raw

    def __len__(self) -> int:
        return len(self._raw)

    def __iter__(self) -> Iterator[Entry]:
        return starmap(self._entry, self._raw)

    @overload
    def __getitem__(self, place: int) -> Entry: ...

    @overload
    def __getitem__(self, place: slice) -> list[Entry]: ...

    def __getitem__(self, place: int | slice) -> Entry | list[Entry]:
        if isinstance(place, slice):
            return [self._entry(*raw) for raw in self._raw[place]]
        return self._entry(*self._raw[place])

    def called(self, names: Container[bytes]) -> list[Entry]:
        """Return the entries whose names, in lower case, are among these."""
        return [self._entry(*raw) for raw in self._raw if raw[1].lower() in names]

    def _entry(self, mode: bytes, name: bytes, id_: bytes) -> Entry:
        return Entry(self._prefix + name, int(mode, 8), id_.hex())


def entries(folder: Path, tree: str, path: bytes = b"") -> Entries:
    """Return what a folder has, its folders before its files, both in git's order: that of bytes.

    Raise `NoSuchPath` if it is no folder, and `NoSuchObject` if there is no such tree.
    """
    opened = repository(folder)
    return Entries(path, _read(opened, _folder(opened, tree, path)))


def walk(folder: Path, tree: str, path: bytes = b"", *, depth: int = 1, most: int = _MOST_LISTED) -> Iterator[Entry]:
    """Yield what is in a folder, folders first, then what is in its folders, and so on for `depth` levels.

    `tree` is the folder's own, and `path` where it is. A folder is read when its first entry is wanted. Raise
    `NoSuchObject` if there is no such tree, and `GitLimit` before a folder whose entries would be too many.
    """
    level = [Entry(path, FOLDER, tree)]
    for levels_below in reversed(range(depth)):
        below: list[Entry] = []
        for parent in level:
            found = Entries(parent.path, _read(repository(folder), parent.id))
            most -= len(found)
            if most < 0:
                raise GitLimit("The list would have too many files and folders.", "Ask for fewer levels of folders.")
            if levels_below:
                below += found[: found.folders]
            yield from found
        level = below


def sizes(folder: Path, entries_: Sequence[Entry]) -> list[int | None]:
    """Return the size in bytes of each entry that is a file."""
    opened = repository(folder)
    return [header_of(opened, found.id)[1] if found.kind == "file" else None for found in entries_]


def _folder(opened: pygit2.Repository, tree: str, path: bytes) -> str:
    found = _entry(opened, tree, path)
    if found.kind != "folder":
        raise NoSuchPath(path)
    return found.id


def _entry(opened: pygit2.Repository, tree: str, path: bytes) -> Entry:
    at = Entry(path, FOLDER, tree)
    for name in path.split(b"/") if path else ():
        at = _below(opened, at, path, name)
    return at


def _below(opened: pygit2.Repository, at: Entry, path: bytes, name: bytes) -> Entry:
    if at.kind != "folder" or not name or b"\0" in name:
        raise NoSuchPath(path)
    try:
        # The library keeps the folders that it has parsed: a name is found in one of 50,000 without a search.
        found = _parsed(opened, at.id)[os.fsdecode(name)]
    except KeyError:
        raise NoSuchPath(path) from None
    return Entry(path, int(found.filemode), str(found.id))


def _parsed(opened: pygit2.Repository, id_: str) -> pygit2.Tree:
    """Return a tree as the library keeps it. Raise `NoSuchObject`, and `GitFailed` if it is damaged."""
    try:
        found = opened.get(id_)
    except pygit2.GitError as exc:
        raise GitFailed(*UNREADABLE) from exc
    if not isinstance(found, pygit2.Tree):
        raise NoSuchObject("tree", id_)
    return found


def read_tree(opened: pygit2.Repository, id_: str) -> list[tuple[int, bytes, str]]:
    """Return mode, name and id of each entry of a tree, in git's order. Raise `NoSuchObject`."""
    return [(int(mode, 8), name, below.hex()) for mode, name, below in _read(opened, id_)]


def _read(opened: pygit2.Repository, id_: str) -> list[_Raw]:
    return ENTRY.findall(data_of(opened, "tree", id_))
