"""The lines of a diff reach the file that they are of, whatever git writes around them."""

import asyncio
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from hypothesis import given, settings

from roadstead.domain.repositories.commit_diffs import FileDiff, with_lines
from roadstead.git import close, diffs, objects
from roadstead.git.diffs import FileChange
from roadstead.git.objects import Commit
from tests.git.generated import Change, Made, histories, repository

BEFORE = Made((), 1, (Change(b"a", b"target", "120000"), Change(b"b.txt", b"--- a\n+++ b\ndiff --git a/x b/x\n")))
AFTER = Made((0,), 2, (Change(b"a", b"one\n"), Change(b"b.txt", b"@@ -1 +1 @@\n-- a\ndiff --git a/x b/x\n")))
"""A link becomes a file, and lines look like what git writes around them."""
_NO_NEWLINE = re.compile(r"^\\ No newline at end of file\n", re.MULTILINE)


Difference = tuple[list[FileChange], bytes]


async def _differences(folder: Path, ids: Sequence[str]) -> list[Difference]:
    """Return what each commit changed, as git says it."""
    try:
        return [await _difference(folder, objects.commit(folder, id_)) for id_ in ids]
    finally:
        await close()


async def _difference(folder: Path, commit: Commit) -> Difference:
    sides = (commit.parents[0] if commit.parents else None, commit.hash)
    return await diffs.diffstat(folder, *sides), b"".join([piece async for piece in diffs.patch(folder, *sides)])


@settings(max_examples=15)
@given(histories(most=5))
def test_each_file_has_the_lines_that_git_counts(history: list[Made]) -> None:
    """In any commit: links that become files, binary files, odd names, renames, lines that look like headers."""
    with repository([BEFORE, AFTER, *(_later(made) for made in history)]) as made:
        for changed, patch in asyncio.run(_differences(made.folder, made.ids)):
            files = with_lines(changed, patch, is_whole=True)
            assert [file.change for file in files] == changed
            assert not any(file.is_cut for file in files)
            for file in files:
                if file.change.lines_added is not None and not _is_of_another_kind(file.change):
                    counted = (file.change.lines_added, file.change.lines_removed)
                    assert (_count(file, "added"), _count(file, "removed")) == counted
            shown = "".join(run.text for file in files for run in file.runs)
            assert _NO_NEWLINE.sub("", shown) == "".join(_lines_of_hunks(patch))


def _is_of_another_kind(change: FileChange) -> bool:
    """Return whether a file has become a link, or the reverse: git counts the lines that differ, but writes all, as of
    two files.
    """
    return len({stat.S_IFMT(mode) for mode in (change.old_mode, change.new_mode) if mode}) > 1


def _later(made: Made) -> Made:
    """Return a commit of a history that begins after two others."""
    return Made(tuple(parent + 2 for parent in made.parents), made.seconds, made.changes, made.message)


def _count(file: FileDiff, kind: str) -> int:
    return sum(run.text.count("\n") for run in file.runs if run.kind == kind)


def _lines_of_hunks(patch: bytes) -> Iterator[str]:
    """Yield the lines of all hunks, by the numbers in their heads."""
    lines = iter(patch.split(b"\n"))
    for line in lines:
        head = re.match(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@", line)
        if head is None:
            continue
        yield _text(line)
        old, new = (int(number or 1) for number in head.groups())
        while old or new:
            content = next(lines)
            if not content.startswith(b"\\"):
                yield _text(content)
            old -= content[:1] in (b" ", b"-")
            new -= content[:1] in (b" ", b"+")


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace") + "\n"
