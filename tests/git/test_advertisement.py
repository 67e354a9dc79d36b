"""What a client that is about to push is told: git's own words, without a process where refs are few and usual."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from roadstead.git.transfer import advertisement as module
from roadstead.git.transfer.advertisement import advertisement
from tests.git.plain import commit, git, repository

NAMES = (
    "refs/heads/a/b",
    "refs/heads/a-b",
    "refs/heads/\u00e4",
    "refs/heads/\U0001f600",
    "refs/tags/v1",
    "refs/notes/x",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return repository(tmp_path / "work") / ".git"


def _told(folder: Path) -> bytes:
    """Return what git says, but for the name of its version, which makes its line longer."""
    said = git(folder, "receive-pack", "--http-backend-info-refs", str(folder))
    said = re.sub(rb" agent=[^\n ]*", b" agent=roadstead", said)
    line = said[: said.index(b"\n") + 1]
    return b"%04x" % len(line) + said[4:]


def _name(folder: Path, *names: str) -> None:
    tip = git(folder.parent, "rev-parse", "HEAD").decode().strip()
    for name in names:
        git(folder, "update-ref", name, tip)


def _loose(folder: Path) -> None:
    commit(folder.parent)
    _name(folder, *NAMES)
    git(folder.parent, "tag", "-a", "v2", "-m", "Two")


def _packed(folder: Path) -> None:
    _loose(folder)
    git(folder, "pack-refs", "--all")


def _both(folder: Path) -> None:
    _packed(folder)
    commit(folder.parent)
    _name(folder, "refs/heads/a/b", "refs/heads/new")
    git(folder, "update-ref", "-d", "refs/heads/a-b")
    (folder / "refs/heads/held.lock").touch()


@pytest.mark.parametrize("make", [lambda _: None, _loose, _packed, _both], ids=["nothing", "loose", "packed", "both"])
def test_it_is_what_git_says(folder: Path, make: Callable[[Path], None]) -> None:
    """In the order of bytes; a loose ref counts, and not what it was when refs were packed."""
    make(folder)
    assert advertisement(folder) == _told(folder)


def test_a_ref_that_is_packed_meanwhile_is_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in one of the places, whichever is read first."""
    _loose(folder)
    expected = _told(folder)
    for name in ("_loose", "_packed"):
        read = getattr(module, name)

        def read_and_pack(folder: Path, read: Callable[[Path], object] = read) -> object:
            found = read(folder)
            git(folder, "pack-refs", "--all")
            return found

        monkeypatch.setattr(module, name, read_and_pack)
    assert advertisement(folder) == expected


def _symbolic(folder: Path) -> None:
    git(folder, "symbolic-ref", "refs/heads/alias", "refs/heads/a-b")


def _of_another_kind(folder: Path) -> None:
    _name(folder, "refs/pull/1")


def _broken(folder: Path) -> None:
    (folder / "refs/heads/broken").write_text("0" * 39)


def _many(folder: Path) -> None:
    _name(folder, *(f"refs/heads/x{number}" for number in range(module._MOST)))


def _many_packed(folder: Path) -> None:
    with (folder / "packed-refs").open("a") as file:
        file.writelines(f"{'1' * 40} refs/heads/{number}{'x' * 200}\n" for number in range(1000))


def _gone(folder: Path) -> None:
    folder.rename(folder.parent / "trash")


@pytest.mark.parametrize("make", [_symbolic, _of_another_kind, _broken, _many, _many_packed, _gone])
def test_git_is_asked_where_refs_are_many_or_unusual(folder: Path, make: Callable[[Path], None]) -> None:
    """Nothing is told that git might not tell, and nothing that takes long."""
    _loose(folder)
    assert advertisement(folder) is not None
    make(folder)
    assert advertisement(folder) is None
