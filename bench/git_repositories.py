"""Repositories for the benchmark of git reads: one with a long history, one with many files."""

import random
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

_WORDS = ("return", "value", "index", "request", "session", "parse", "commit", "branch", "tree", "option", "default")
_BEGAN = 1_500_000_000
_FOLDERS = 100
README = b"README.md"


def long_history(folder: Path, commits: int) -> Path:
    """Make a repository with so many commits, one in eight of them a merge, over 2,000 files."""
    return _imported(folder, _long(random.Random(7), commits))


def many_files(folder: Path, files: int, changed: int) -> Path:
    """Make a repository with so many files, some of which its second commit changes."""
    return _imported(folder, _wide(random.Random(8), files, changed))


def many_branches(folder: Path, branches: int) -> Path:
    """Make a repository with two commits and so many branches at them, beside its main one."""
    made = _imported(folder, _wide(random.Random(9), 10, 5))
    ids = subprocess.check_output(["git", f"--git-dir={made}", "rev-list", "main"], text=True).split()
    commands = "".join(f"create refs/heads/b{number} {ids[number % 2]}\n" for number in range(branches))
    for arguments, given in (["update-ref", "--stdin"], commands), (["pack-refs", "--all"], ""):
        subprocess.run(["git", f"--git-dir={made}", *arguments], input=given.encode(), check=True)
    return made


def _imported(folder: Path, stream: Iterator[bytes]) -> Path:
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder)], check=True)
    command = ["git", "-C", str(folder), "fast-import", "--quiet"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=1 << 20) as importing:
        assert importing.stdin is not None
        for piece in stream:
            importing.stdin.write(piece)
    assert importing.returncode == 0
    return folder


def _long(draw: random.Random, commits: int) -> Iterator[bytes]:
    paths = [b"src/m%03d/file_%d.py" % (number % _FOLDERS, number) for number in range(2_000)]
    yield _commit(1, {README: _text(draw, 130), **{path: _text(draw, 15) for path in paths}})
    side = 0
    for number in range(2, commits + 1):
        path = paths[min(int(draw.paretovariate(0.35)) % len(paths), len(paths) - 1)]
        if number % 8 == 0:
            side = number
            yield _commit(number, {path: _text(draw, 15)}, b"side", number - 4)
        else:
            merged = side if number % 8 == 1 else 0
            parent = number - 2 if number % 8 == 1 and side else number - 1
            yield _commit(number, {path: _text(draw, 15)}, b"main", parent, merged)


def _wide(draw: random.Random, files: int, changed: int) -> Iterator[bytes]:
    paths = [b"d%02d/e%02d/f%d.txt" % (number % 50, number // 50 % 50, number) for number in range(files)]
    yield _commit(1, {path: _text(draw, 3) for path in paths})
    yield _commit(2, {path: _text(draw, 3) for path in paths[:changed]}, b"main", 1)


def _commit(
    number: int, files: Mapping[bytes, bytes], branch: bytes = b"main", parent: int = 0, merged: int = 0
) -> bytes:
    who = b"Ada <ada@example.com> %d +0000" % (_BEGAN + 300 * number)
    message = b"PROJ-%d Change it\n\nIt was otherwise.\n" % number
    lines = [b"commit refs/heads/%s\nmark :%d\nauthor %s\ncommitter %s\n" % (branch, number, who, who)]
    lines += [b"data %d\n%s" % (len(message), message)]
    lines += [b"from :%d\n" % parent] if parent else []
    lines += [b"merge :%d\n" % merged] if merged else []
    lines += [b"M 100644 inline %s\ndata %d\n%s\n" % (path, len(text), text) for path, text in files.items()]
    return b"".join(lines)


def _text(draw: random.Random, lines: int) -> bytes:
    return b"".join(" ".join(draw.choices(_WORDS, k=7)).encode() + b"\n" for _ in range(lines))
