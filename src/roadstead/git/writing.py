"""New trees, commits and tags. Each is on the disk when its id is returned; a ref makes it visible (`refs.update`).

libgit2 writes small objects, and threads wait for the disk: if libgit2 waited itself, no other task could run. git
writes large objects.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import pygit2

from roadstead.errors import GitFailed, InvalidInput
from roadstead.git.blobs import INLINE
from roadstead.git.checks import check_settings
from roadstead.git.disk import sync_all
from roadstead.git.file_names import segments_of
from roadstead.git.objects import OBJECT_TYPES, Kind, Signature
from roadstead.git.opened import repository
from roadstead.git.processes import run
from roadstead.git.ref_names import TAG
from roadstead.git.tree_format import FILE, FOLDER, LINK, PROGRAM, sort_key
from roadstead.git.trees import NoSuchPath, read_tree


class FileWrite(NamedTuple):
    """A file to write, or to remove if `content` is `None`. Without a mode it keeps its own; a new one is plain."""

    path: bytes
    content: bytes | None
    mode: int | None = None


async def write_tree(folder: Path, base: str | None, files: Sequence[FileWrite]) -> str:
    """Write the tree `base`, or an empty one, with some files changed, and return its id.

    A folder without files disappears. Raise `InvalidInput` for an impossible path or mode, for a path that is a file
    and a folder, and for a file that git's check of a push refuses; `NoSuchPath` if a file to remove is not there; and
    `NoSuchObject`.
    """
    large = {
        file.path: await _write_large(folder, "blob", file.content)
        for file in files
        if file.content is not None and len(file.content) > INLINE
    }
    writer = _Writer(repository(folder), large)
    changes = sorted(((segments_of(file.path), file) for file in files), key=itemgetter(0))
    tree = writer.tree(base, changes) or writer.write("tree", b"")
    await check_settings(folder, tree, (file.path for file in files))
    await _make_durable(folder, writer.written)
    return tree


async def _write_large(folder: Path, kind: Kind, content: bytes) -> str:
    """Let git write an object that is too large for the loop, and return its id. git makes it durable."""
    return (await run(folder, "hash-object", "-w", "-t", kind, "--stdin", stdin=content)).decode().strip()


async def write_commit(
    folder: Path, tree: str, parents: Sequence[str], author: Signature, committer: Signature, message: str
) -> str:
    """Write a commit, and return its id. Raise `InvalidInput` for a person or message that git would refuse."""
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    people = [f"author {_line(author)}", f"committer {_line(committer)}"]
    return await _write(folder, "commit", [*lines, *people], message)


async def write_tag(folder: Path, name: str, target: str, kind: Kind, tagger: Signature, message: str) -> str:
    """Write an annotated tag of an object, and return its id. Raise `InvalidInput` for what git would refuse."""
    if "\0" in name or not pygit2.reference_is_valid_name(TAG + name):
        raise InvalidInput(f"This is no name of a tag: {name}")
    lines = [f"object {target}", f"type {kind}", f"tag {name}", f"tagger {_line(tagger)}"]
    return await _write(folder, "tag", lines, message)


async def _write(folder: Path, kind: Kind, lines: Sequence[str], message: str) -> str:
    if "\0" in message:
        raise InvalidInput("A message has no NUL character.")
    content = "\n".join([*lines, "", message])
    try:
        data = content.encode()
    except UnicodeEncodeError as exc:
        raise InvalidInput("This is no text.", str(exc)) from exc
    if len(data) > INLINE:
        return await _write_large(folder, kind, data)
    writer = _Writer(repository(folder))
    id_ = writer.write(kind, data)
    await _make_durable(folder, writer.written)
    return id_


def _line(person: Signature) -> str:
    """Return a person and the time in git's spelling. Raise `InvalidInput` for a name that git would refuse."""
    name, email = person.name.strip(), person.email.strip()
    if not name or any(character in name + email for character in "<>\n\0"):
        raise InvalidInput(
            f"This is no author of a commit: {person.raw!r}", "Write it like this: Ada <ada@example.com>"
        )
    sign = "-" if person.offset < 0 else "+"
    hours, minutes = divmod(abs(person.offset), 60)
    return f"{name} <{email}> {person.seconds} {sign}{hours:02}{minutes:02}"


_Change = tuple[list[bytes], FileWrite]
_There = tuple[int, str]


class _Writer:
    """Trees that are being written from the deepest folder up. `written` are the ids of new objects.

    The bytes of a tree are made here, because the library takes no names but in UTF-8.
    """

    def __init__(self, opened: pygit2.Repository, large: Mapping[bytes, str] | None = None) -> None:
        self._opened = opened
        self._large = large or {}
        """Contents that are written already, by path."""
        self.written: list[str] = []

    def tree(self, base: str | None, changes: Iterable[_Change], depth: int = 0) -> str | None:
        """Write a folder with some changes below it, and return its id; `None` if no file is left in it."""
        listed = read_tree(self._opened, base) if base else []
        entries: dict[bytes, _There] = {name: (mode, id_) for mode, name, id_ in listed}
        for name, below in groupby(changes, key=lambda change: change[0][depth]):
            entry = self._entry(entries.pop(name, None), list(below), depth)
            if entry is not None:
                entries[name] = entry
        if not entries:
            return None
        return self.write("tree", b"".join(_line_of(entry) for entry in sorted(entries.items(), key=_order)))

    def _entry(self, there: _There | None, changes: list[_Change], depth: int) -> _There | None:
        file = changes[0][1]
        is_file = len(changes[0][0]) == depth + 1
        was_folder = there is not None and there[0] == FOLDER
        if is_file and was_folder and file.content is None:
            raise InvalidInput(f"{_shown(file.path)} is a folder: name the files in it.")
        if (len(changes) > 1 and is_file) or (there is not None and is_file == was_folder):
            raise InvalidInput(f"{_shown(file.path)} is a file and a folder, or changes twice.")
        if not is_file:
            tree = self.tree(there[1] if there else None, changes, depth + 1)
            return None if tree is None else (FOLDER, tree)
        if file.content is not None:
            return _mode(file, there), self._large.get(file.path) or self.write("blob", file.content)
        if there is None:
            raise NoSuchPath(file.path)
        return None

    def write(self, kind: Kind, content: bytes) -> str:
        """Write an object, and return its id. Raise `GitFailed` for a disk that is full or read-only, or damaged."""
        try:
            self.written.append(str(self._opened.odb.write(OBJECT_TYPES[kind], content)))
        except (OSError, pygit2.GitError) as exc:
            raise GitFailed("The repository cannot be written.", f"{str(exc).rpartition(': ')[2]}.") from exc
        return self.written[-1]


def _order(entry: tuple[bytes, _There]) -> bytes:
    name, (mode, _) = entry
    return sort_key(name, mode)


def _line_of(entry: tuple[bytes, _There]) -> bytes:
    name, (mode, id_) = entry
    return b"%o %s\0" % (mode, name) + bytes.fromhex(id_)


def _mode(file: FileWrite, there: _There | None) -> int:
    mode = file.mode or (there[0] if there is not None else FILE)
    if mode not in {FILE, PROGRAM, LINK}:
        raise InvalidInput(f"{_shown(file.path)} cannot have the mode {mode:o}.")
    return mode


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "replace")


async def _make_durable(folder: Path, ids: Iterable[str]) -> None:
    """Wait until loose objects, and the names of their files, are on the disk. Packed ones are there already.

    Raise `GitFailed` if they cannot be there.
    """
    objects = folder / "objects"
    files = {objects / name[:2] / name[2:] for name in ids}
    try:
        await sync_all((*files, *{file.parent for file in files}, objects))
    except OSError as exc:
        raise GitFailed("The repository cannot be written.", f"{exc.strerror}.") from exc
