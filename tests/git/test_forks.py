"""Forks: whole whatever happens to the parent, without a copy of its files."""

import asyncio
import errno
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from roadstead.git import close, forks, locks
from roadstead.git.folders import Folders
from roadstead.git.maintenance import maintain
from tests.git.plain import commit, git, repository


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "data")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A working copy with a branch, a tag, and a note."""
    folder = repository(tmp_path / "work")
    commit(folder, one="1")
    git(folder, "tag", "v1")
    git(folder, "notes", "add", "-m", "A note")
    return folder


@pytest.fixture(autouse=True)
def closed() -> None:
    """Close what an earlier test opened."""
    asyncio.run(close())


def parent_of(folders: Folders, work: Path) -> str:
    """Return the UUID of a repository with the branches, tags and notes of a working copy."""
    name = f"{{{uuid.uuid4()}}}"
    asyncio.run(folders.import_from(work, name))
    return name


def fork_of(folders: Folders, parent: str, *, branch: str | None = None) -> Path:
    name = f"{{{uuid.uuid4()}}}"
    asyncio.run(folders.fork(parent, name, branch=branch))
    return folders.path(name)


def _shown(folder: Path) -> bytes:
    """Return all branches and tags, and what annotated tags stand for."""
    return git(folder, "show-ref", "--dereference", "--heads", "--tags")


def test_a_fork_shares_files_and_outlives_its_parent(folders: Folders, work: Path) -> None:
    """A fork has branches and tags, by hard links and not by alternates, and stays whole when the parent is pruned."""
    parent = parent_of(folders, work)
    folder = folders.path(parent)
    asyncio.run(maintain(folder))
    forked = fork_of(folders, parent)
    assert _shown(forked) == _shown(work)
    assert git(forked, "for-each-ref", "refs/notes") == b""
    packs = list(forked.glob("objects/pack/*.pack"))
    assert [pack.stat().st_nlink for pack in packs] == [2]
    assert list(forked.glob("objects/info/commit-graphs/*.graph"))
    assert not (forked / "objects/info/alternates").exists()
    assert (forked / "config").read_bytes() == (folders.path(parent) / "config").read_bytes()
    for ref in ("refs/heads/main", "refs/tags/v1", "refs/notes/commits"):
        git(folder, "update-ref", "-d", ref)
    git(folder, "gc", "--quiet", "--prune=now")
    git(forked, "fsck", "--strict")


@pytest.mark.parametrize(("branch", "expected"), [(None, b"refs/heads/trunk\n"), ("main", b"refs/heads/main\n")])
def test_head_of_a_fork(folders: Folders, branch: str | None, expected: bytes) -> None:
    """HEAD names the parent's branch, or the one that is asked for, also where there is none yet."""
    parent = f"{{{uuid.uuid4()}}}"
    asyncio.run(folders.create(parent, branch="trunk"))
    assert git(fork_of(folders, parent, branch=branch), "symbolic-ref", "HEAD") == expected


def test_refs_of_a_fork_are_packed_as_git_does(folders: Folders, work: Path) -> None:
    """Tags of tags, of trees and of files, and names in the order of bytes: git would write the same file."""
    git(work, "tag", "-a", "one", "-m", "One")
    git(work, "tag", "-a", "of-a-tag", "-m", "Two", "one")
    git(work, "tag", "-a", "of-a-tree", "-m", "Three", "HEAD^{tree}")
    git(work, "tag", "-a", "of-a-file", "-m", "Four", "HEAD:one")
    git(work, "tag", "tree", "HEAD^{tree}")
    for name in ("a-b", "a/b", "a.b", "\u00e4", "Z"):
        git(work, "branch", name)
    forked = fork_of(folders, parent_of(folders, work))
    ours = (forked / "packed-refs").read_bytes()
    git(forked, "update-ref", "refs/heads/new", "HEAD")
    git(forked, "pack-refs", "--all")
    git(forked, "update-ref", "-d", "refs/heads/new")
    assert ours == (forked / "packed-refs").read_bytes()
    assert _shown(forked) == _shown(work)


def _loose(folder: Path) -> None:
    """Let a repository have its objects in files of their own."""
    packs = folder / "objects/pack"
    packs.rename(folder / "packs")
    packs.mkdir()
    for pack in (folder / "packs").glob("*.pack"):
        git(folder, "unpack-objects", "-q", stdin=pack.read_bytes())


def _packed(folder: Path) -> None:
    git(folder, "repack", "-adq", "--write-midx")


@pytest.mark.parametrize("begin", [_loose, _packed])
@pytest.mark.parametrize("moment", range(3))
def test_a_fork_of_what_is_being_packed_is_whole(
    folders: Folders, work: Path, begin: Callable[[Path], None], moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that vanish while they are linked are in others, which are linked, too."""
    parent = parent_of(folders, work)
    folder, before, linked = folders.path(parent), _shown(work), 0
    begin(folder)

    def link(file: Path, place: Path) -> None:
        nonlocal linked
        if linked == moment:
            commit(work, str(moment))
            git(folder, "fetch", "-q", str(work), "refs/heads/*:refs/heads/later/*")
            _packed(folder)
        linked += 1
        os.link(file, place)

    monkeypatch.setattr(forks, "link", link)
    forked = fork_of(folders, parent)
    assert linked > moment
    git(forked, "fsck", "--strict")
    assert _shown(forked) == before


def test_a_fork_waits_while_its_parent_is_pruned(folders: Folders, work: Path) -> None:
    """Pruning removes objects, so it has the repository alone; a push does not."""
    parent = parent_of(folders, work)
    folder = folders.path(parent)

    async def forked_meanwhile() -> None:
        with locks.shared(folder):
            await folders.fork(parent, str(uuid.uuid4()))
        with locks.alone(folder):
            forking = asyncio.create_task(folders.fork(parent, str(uuid.uuid4())))
            while not list(folders.root.glob("tmp/*")):
                await asyncio.sleep(0.01)
            assert list(folders.root.glob("tmp/*/*")) == []
        await forking

    asyncio.run(forked_meanwhile())
    assert len(list(folders.uuids())) == 3


def test_what_a_push_or_packing_has_while_it_runs_is_not_shared(folders: Folders, work: Path) -> None:
    """Unfinished and quarantined files, locks, and marks that keep a pack from being joined stay with the parent."""
    parent = parent_of(folders, work)
    objects = folders.path(parent) / "objects"
    (pack,) = objects.glob("pack/*.pack")
    (objects / "tmp_objdir-incoming-x").mkdir()
    (objects / "17").mkdir()
    running = ("17/tmp_obj_x", "pack/tmp_pack_x", "pack/.tmp-1-pack-x.pack", "pack/multi-pack-index.lock")
    for name in (*running, f"pack/{pack.stem}.keep"):
        (objects / name).touch()
    forked = fork_of(folders, parent) / "objects"
    found = {str(path.relative_to(forked)) for path in forked.rglob("*") if path.is_file()}
    assert found == {f"pack/{pack.stem}{suffix}" for suffix in (".pack", ".idx")}


def test_a_fork_has_the_objects_that_its_parent_borrows(folders: Folders, work: Path, tmp_path: Path) -> None:
    """An operator lets a repository have objects of another, which has some of a third; the fork needs neither."""
    parent = parent_of(folders, work)
    others = [repository(tmp_path / name) for name in ("second", "third")]
    for number, (other, borrower) in enumerate(zip(others, (folders.path(parent), others[0] / ".git"), strict=True)):
        commit(other, file=f"of {number}")
        borrower.joinpath("objects/info").mkdir(exist_ok=True)
        borrower.joinpath("objects/info/alternates").write_text(f"# of another\n{other}/.git/objects\n", "utf-8")
        tip = git(other, "rev-parse", "HEAD").decode().strip()
        git(folders.path(parent), "update-ref", f"refs/heads/{number}", tip)
    forked = fork_of(folders, parent)
    for other in others:
        shutil.rmtree(other)
    git(forked, "fsck", "--strict")
    assert len(git(forked, "rev-list", "--all").splitlines()) == 3


def test_odd_files_among_the_objects(folders: Folders, work: Path) -> None:
    """Folders, dangling links and other kinds of files stay with the parent; a pack that is elsewhere comes along."""
    parent = parent_of(folders, work)
    objects = folders.path(parent) / "objects"
    for pack in objects.glob("pack/*.pack"):
        pack.symlink_to(pack.rename(objects / "elsewhere"))
    (objects / "pack/old").mkdir()
    (objects / "pack/dangling").symlink_to("nowhere")
    os.mkfifo(objects / "pack/fifo")
    (objects / "aa").touch()
    forked = fork_of(folders, parent)
    shutil.rmtree(folders.path(parent))
    assert {path.suffix for path in forked.glob("objects/pack/*")} == {".pack", ".idx"}
    git(forked, "fsck", "--strict")


def test_files_are_copied_where_they_cannot_be_linked(
    folders: Folders, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system has no links to another, and only so many to one file."""
    parent = parent_of(folders, work)

    def refuse(file: Path, place: Path) -> None:
        raise OSError(errno.EMLINK, "Too many links")

    monkeypatch.setattr(os, "link", refuse)
    forked = fork_of(folders, parent)
    assert [pack.stat().st_nlink for pack in forked.glob("objects/pack/*.pack")] == [1]
    git(forked, "fsck", "--strict")
