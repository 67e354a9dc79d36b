"""What a commit changed, or what differs between two, for people to read: as much as fits on a page, and found in the
time that a reader waits.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from itertools import groupby, islice
from typing import Literal, NamedTuple

from roadstead.domain.repositories.comparing import Sides, diff, files_of
from roadstead.domain.repositories.reading import Reading
from roadstead.errors import GitLimit
from roadstead.git.diffs import USUAL, FileChange
from roadstead.git.tree_format import TYPE

MOST_FILES = 500
MOST_LINES = 10_000
"""Of all files together."""
MOST_LINES_OF_FILE = 1_000
LONGEST_LINE = 1_000
_MOST_BYTES = 2 << 20
_SECONDS = 5.0
_NEXT = b"\ndiff --git "

Kind = Literal["added", "removed", "same", "place"]
_KINDS: dict[bytes, Kind] = {b"+": "added", b"-": "removed", b"@": "place"}


class Run(NamedTuple):
    """Lines that follow each other and are of one kind; a place is where in the file they are."""

    kind: Kind
    text: str


class FileDiff(NamedTuple):
    """How a file changed. Without `runs`, its lines are not shown; if it `is_cut`, not all of them are."""

    change: FileChange
    runs: list[Run]
    is_cut: bool


class Comparison(NamedTuple):
    """The first files that differ, and the number of all."""

    files: list[FileDiff]
    size: int


async def changes_between(reading: Reading, sides: Sides) -> Comparison | None:
    """Return what differs between two commits, or `None` if that takes too long to find."""
    try:
        async with asyncio.timeout(_SECONDS):
            changed = await files_of(reading, sides, USUAL)
            patch, is_whole = await _beginning(diff(reading, sides, USUAL, binary=True))
    except (TimeoutError, GitLimit):
        return None
    return Comparison(with_lines(changed[:MOST_FILES], patch, is_whole=is_whole), len(changed))


async def _beginning(pieces: AsyncGenerator[bytes]) -> tuple[bytes, bool]:
    """Return a patch, or its beginning, and whether it is whole."""
    patch = bytearray()
    async with aclosing(pieces):
        async for piece in pieces:
            patch += piece
            if len(patch) > _MOST_BYTES:
                return bytes(patch[:_MOST_BYTES]), False
    return bytes(patch), True


class _Section(NamedTuple):
    """What a patch says of one file."""

    text: bytes
    is_whole: bool


def _sections(patch: bytes, *, is_whole: bool) -> Iterator[_Section]:
    """Yield what a patch says of each file. No line of a file's content begins as a section does."""
    found = (b"\n" + patch).split(_NEXT)[1:]
    for number, section in enumerate(found, 1):
        yield _Section(section, is_whole or number < len(found))


def with_lines(changed: Sequence[FileChange], patch: bytes, *, is_whole: bool) -> list[FileDiff]:
    """Return files with the lines that a patch has of them, as long as there is room on the page."""
    files, left, sections = [], MOST_LINES, _sections(patch, is_whole=is_whole)
    for change in changed:
        file = _file(change, list(islice(sections, _number_of_sections(change))), min(left, MOST_LINES_OF_FILE))
        left -= sum(run.text.count("\n") for run in file.runs)
        files.append(file)
    return files


def _number_of_sections(change: FileChange) -> int:
    """Return the number of sections that a patch has of a file: where it becomes a link, one is removed, one added."""
    return 2 if change.old and change.new and (change.old_mode ^ change.new_mode) & TYPE else 1


def _file(change: FileChange, sections: list[_Section], room: int) -> FileDiff:
    lines = [line for section in sections for line in _lines(section.text)]
    is_whole = bool(sections) and all(section.is_whole for section in sections)
    return FileDiff(change, list(_runs(lines[:room])), is_cut=not is_whole or len(lines) > room)


def _lines(section: bytes) -> list[bytes]:
    """Return the lines of a file's differences. A binary file has none."""
    _, begins, hunks = section.partition(b"\n@@ ")
    return (begins[1:] + hunks).removesuffix(b"\n").split(b"\n") if begins else []


def _runs(lines: list[bytes]) -> Iterator[Run]:
    for kind, run in groupby(lines, _kind):
        yield Run(kind, "".join(f"{_shown(line)}\n" for line in run))


def _kind(line: bytes) -> Kind:
    return _KINDS.get(line[:1], "same")


def _shown(line: bytes) -> str:
    text = line[: LONGEST_LINE * 4].decode("utf-8", "replace")
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}…"
