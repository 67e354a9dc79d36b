"""Repositories of every shape, made from examples: merges, renames, binary files, odd names, wrong clocks."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st

from tests.git.plain import git

NAMES = [
    b"a",
    b"b.txt",
    b"dir/a",
    b"dir/b",
    b"dir/deep/er/c",
    b"dir.txt",
    b"dir-x/y",
    b"a b",
    b'quo"te\\',
    b"new\nline",
    b"caf\xc3\xa9",
    b"latin\xe9/x",
    b":(top)a",
    b"-rf",
    b"*",
]
"""What paths can look like. None is a folder of another, so that any of them can be there at once."""
LINES = [b"one\n", b"two\n", b"three\n", b"\n", b"windows\r\n", b"\xff\xfe\n", b"  spaces\n"]
MODES = ["100644", "100755", "120000"]


@dataclass(frozen=True)
class Change:
    """A new content for a path, nothing for its removal; or another path from which it is renamed."""

    path: bytes
    content: bytes | None = None
    mode: str = "100644"
    renamed_from: bytes | None = None
    submodule: bool = False


@dataclass(frozen=True)
class Made:
    """A commit: the numbers of its parents, its time, its changes."""

    parents: tuple[int, ...]
    seconds: int
    changes: tuple[Change, ...]
    message: bytes = b"A change\n"


@dataclass
class Repository:
    """A generated repository, with the ids of its commits."""

    folder: Path
    ids: list[str] = field(default_factory=list)


CONTENTS = st.one_of(
    st.lists(st.sampled_from(LINES), max_size=12).map(b"".join),
    st.lists(st.sampled_from(LINES), min_size=1, max_size=6).map(lambda lines: b"".join(lines).rstrip(b"\n")),
    st.sampled_from([b"", b"\0binary\0", b"\0other\n\0", b"x" * 300]),
)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    path = draw(st.sampled_from(NAMES))
    match draw(st.integers(0, 9)):
        case 0:
            return Change(path)
        case 1 | 2:
            return Change(path, renamed_from=draw(st.sampled_from(NAMES)))
        case 3:
            return Change(path, submodule=True)
        case _:
            return Change(path, draw(CONTENTS), draw(st.sampled_from(MODES)))


MESSAGES = st.sampled_from([b"A change\n", b"Subject\n\nBody\n", b"", b"no newline", b"caf\xe9\n", b"\n\nlate\n"])


@st.composite
def histories(draw: st.DrawFn, *, clocks_go_wrong: bool = False, most: int = 12) -> list[Made]:
    """Draw commits. The times of equal commits, and of most merges, are equal: that is where orders differ."""
    made: list[Made] = []
    for number in range(draw(st.integers(1, most))):
        choices = st.lists(st.integers(max(0, number - 4), number - 1), unique=True, max_size=min(number, 3))
        parents = tuple(draw(choices)) if number else ()
        latest = max((made[parent].seconds for parent in parents), default=1_000_000)
        step = draw(st.integers(-5, 5) if clocks_go_wrong else st.integers(0, 3))
        changed = tuple(draw(st.lists(changes(), max_size=4)))
        made.append(Made(parents, latest + step, changed, draw(MESSAGES)))
    return made


@contextmanager
def repository(history: list[Made]) -> Iterator[Repository]:
    """Make a bare repository with a branch for each commit, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="generated-"))
    try:
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main")
        git(folder, "fast-import", "--quiet", "--export-marks=marks", stdin=b"".join(_stream(history)))
        marks = dict(line.split() for line in (folder / "marks").read_text().splitlines())
        yield Repository(folder, [marks[f":{number + 1}"] for number in range(len(history))])
    finally:
        shutil.rmtree(folder)


def _stream(history: list[Made]) -> Iterator[bytes]:
    files: list[set[bytes]] = []
    for number, made in enumerate(history):
        yield b"commit refs/heads/c%d\nmark :%d\n" % (number, number + 1)
        yield b"author Ada <ada@example.com> %d +0230\n" % (made.seconds - 7)
        yield b"committer Bob <bob@example.com> %d -0700\ndata %d\n" % (made.seconds, len(made.message))
        yield made.message + b"\n"
        there = set(files[made.parents[0]]) if made.parents else set()
        for place, parent in enumerate(made.parents):
            yield b"%s :%d\n" % (b"merge" if place else b"from", parent + 1)
        if not made.parents:
            yield b"deleteall\n"
        for change in made.changes:
            yield from _changed(change, there)
        files.append(there)
        yield b"\n"


def _changed(change: Change, there: set[bytes]) -> Iterator[bytes]:
    path = _quoted(change.path)
    if change.renamed_from is not None:
        if change.renamed_from in there and change.renamed_from != change.path:
            there -= {change.renamed_from}
            there |= {change.path}
            yield b"R %s %s\n" % (_quoted(change.renamed_from), path)
        return
    if change.submodule:
        there |= {change.path}
        yield b"M 160000 %s %s\n" % (b"ab" * 20, path)
    elif change.content is None:
        there -= {change.path}
        yield b"D %s\n" % path
    else:
        there |= {change.path}
        yield b"M %s inline %s\ndata %d\n%s\n" % (change.mode.encode(), path, len(change.content), change.content)


def _quoted(path: bytes) -> bytes:
    return b'"%s"' % path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
