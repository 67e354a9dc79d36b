"""Folders of repositories: made whole or not at all, forked without a copy, imported without what is dangerous."""

import asyncio
import os
import shutil
import uuid
from pathlib import Path

import pytest

from roadstead.errors import Conflict, GitFailed, InvalidInput
from roadstead.git import folders as module
from roadstead.git import locks
from roadstead.git.folders import Folders, sweep
from tests.git.plain import commit, git, repository
from tests.log import records_of_this_thread


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "data")


def new_uuid() -> str:
    return f"{{{uuid.uuid4()}}}"


def _refs(folder: Path) -> dict[str, str]:
    lines = git(folder, "for-each-ref", "--format=%(refname) %(objectname)").decode().splitlines()
    return dict(line.split(" ") for line in lines)


def test_a_new_repository_is_empty_and_states_its_format(folders: Folders) -> None:
    """It is bare, at the place that its UUID names, with SHA-1, refs in files, no hooks and no template."""
    name = new_uuid()
    made = asyncio.run(folders.create(name, branch="trunk"))
    plain = name.strip("{}")
    assert made == folders.path(name) == folders.root / plain[:2] / plain[2:4] / f"{plain}.git"
    assert git(made, "symbolic-ref", "HEAD") == b"refs/heads/trunk\n"
    assert git(made, "rev-parse", "--is-bare-repository", "--show-object-format") == b"true\nsha1\n"
    assert sorted(path.name for path in made.iterdir()) == ["HEAD", "config", "objects", "refs"]
    assert list(folders.uuids()) == [plain]
    assert list(folders.root.glob("tmp/*")) == []


def test_a_place_that_is_taken_stays_as_it_is(folders: Folders, tmp_path: Path) -> None:
    """To make a repository twice is a conflict, and the first is not touched."""
    name = new_uuid()
    made = asyncio.run(folders.create(name))
    (made / "mark").touch()
    for again in (folders.create(name), folders.import_from(repository(tmp_path / "source"), name)):
        with pytest.raises(Conflict):
            asyncio.run(again)
    assert (made / "mark").exists()
    assert list(folders.root.glob("tmp/*")) == []


def test_a_disk_that_fails_is_said_without_its_paths(folders: Folders, caplog: pytest.LogCaptureFixture) -> None:
    """A repository that cannot be made is an error with the reason alone; one that cannot be taken away stays."""
    name = new_uuid()
    made = asyncio.run(folders.create(name))
    (folders.root / "trash").touch()
    asyncio.run(folders.trash(name))
    assert made.is_dir()
    assert [record.levelname for record in records_of_this_thread(caplog)] == ["WARNING"]
    (folders.root / "tmp").rmdir()
    (folders.root / "tmp").touch()
    with pytest.raises(GitFailed) as failure:
        asyncio.run(folders.create(new_uuid()))
    assert str(folders.root) not in failure.value.message + failure.value.detail


@pytest.mark.parametrize("name", ["", "../../etc", "acme/widgets", "{}", "0" * 31])
def test_only_a_uuid_has_a_folder(folders: Folders, name: str) -> None:
    """No text of a caller becomes a part of a path."""
    with pytest.raises(ValueError, match="UUID"):
        folders.path(name)


@pytest.mark.sample(2)
@pytest.mark.parametrize("kind", ["bare", "worktree", "below"])
def test_an_import_brings_branches_tags_and_notes(folders: Folders, tmp_path: Path, kind: str) -> None:
    """A repository comes in from a bare folder, a working tree or a folder in it; configuration and hooks do not."""
    work = repository(tmp_path / "work")
    first = commit(work, one="1")
    git(work, "checkout", "-q", "-b", "topic/one")
    second = commit(work, two="2")
    git(work, "tag", "-a", "v1", "-m", "First")
    git(work, "notes", "add", "-m", "A note")
    git(work, "replace", second, first)
    git(work, "update-ref", "refs/remotes/origin/main", first)
    git(work, "update-ref", "refs/pull/1", first)
    git(work, "config", "core.fsmonitor", "touch /tmp/never")
    (work / ".git/hooks").mkdir(exist_ok=True)
    (work / "deep").mkdir()
    source = {"bare": work / ".git", "worktree": work, "below": work / "deep"}[kind]
    name = new_uuid()
    assert asyncio.run(folders.import_from(source, name)) == "topic/one"
    made = folders.path(name)
    expected = _refs(work)
    assert _refs(made) == {
        ref: expected[ref] for ref in ("refs/heads/main", "refs/heads/topic/one", "refs/tags/v1", "refs/notes/commits")
    }
    assert git(made, "symbolic-ref", "HEAD") == b"refs/heads/topic/one\n"
    assert {path.name for path in made.iterdir()} == {"HEAD", "config", "logs", "objects", "packed-refs", "refs"}
    assert b"fsmonitor" not in (made / "config").read_bytes()
    git(made, "fsck", "--strict")


def test_a_bundle_brings_branches_tags_and_notes(folders: Folders, tmp_path: Path) -> None:
    """Other refs of it, such as a replaced commit, would change what everyone sees."""
    work = repository(tmp_path / "work")
    first = commit(work, one="1")
    second = commit(work, two="2")
    git(work, "replace", second, first)
    git(work, "bundle", "create", "--quiet", str(tmp_path / "bundle"), "--all")
    name = new_uuid()
    asyncio.run(folders.unpack(tmp_path / "bundle", name, branch="main"))
    assert _refs(folders.path(name)) == {"refs/heads/main": second}
    assert b"remote" not in (folders.path(name) / "config").read_bytes()


def test_an_import_copies_what_the_source_borrows(folders: Folders, tmp_path: Path) -> None:
    """Of a source with alternates, objects come along and the reference to the other repository does not."""
    work = repository(tmp_path / "work")
    first = commit(work, one="1")
    git(tmp_path, "clone", "--quiet", "--shared", "--bare", str(work), "borrowing.git")
    name = new_uuid()
    asyncio.run(folders.import_from(tmp_path / "borrowing.git", name))
    assert not (folders.path(name) / "objects/info/alternates").exists()
    assert _refs(folders.path(name)) == {"refs/heads/main": first}


def _bad_tree(work: Path) -> None:
    blob = git(work, "hash-object", "-w", "--stdin", stdin=b"x").decode().strip()
    entry = b"100644 .git\0" + bytes.fromhex(blob)
    tree = git(work, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=entry).decode().strip()
    bad = git(work, "commit-tree", tree, "-m", "Bad").decode().strip()
    git(work, "update-ref", "refs/heads/bad", bad)


def _shallow(work: Path) -> None:
    (work / ".git/shallow").write_bytes(git(work, "rev-parse", "HEAD"))


def _odd_name(work: Path) -> None:
    line = git(work, "rev-parse", "HEAD").strip() + b" refs/heads/caf\xe9\n"
    (work / ".git/packed-refs").write_bytes(line)


def _no_repository(work: Path) -> None:
    (work / ".git/HEAD").unlink()


def _other_hash(work: Path) -> None:
    shutil.rmtree(work)
    work.mkdir()
    git(work, "init", "--quiet", "--object-format=sha256")
    commit(work, one="1")


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (_bad_tree, GitFailed),
        (_shallow, InvalidInput),
        (_odd_name, InvalidInput),
        (_no_repository, InvalidInput),
        (_other_hash, InvalidInput),
    ],
)
def test_a_bad_source_is_refused_and_leaves_nothing(
    folders: Folders, tmp_path: Path, spoil: object, error: type[Exception]
) -> None:
    """A tree with `.git` in it, missing commits, odd names, no repository, objects by SHA-256: each says why."""
    work = repository(tmp_path / "work")
    commit(work, one="1")
    assert callable(spoil)
    spoil(work)
    name = new_uuid()
    with pytest.raises(error):
        asyncio.run(folders.import_from(work, name))
    assert not folders.path(name).exists()
    assert list(folders.root.glob("tmp/*")) == []


def test_a_deleted_repository_goes_to_the_trash_and_then_away(folders: Folders) -> None:
    """It is gone at once, its files later, and not while a push has its lock; deleting it twice is the same."""
    name, kept = new_uuid(), new_uuid()
    for one in (name, kept):
        asyncio.run(folders.create(one))
    for _ in range(2):
        asyncio.run(folders.trash(name))
    assert not folders.path(name).exists()
    (gone,) = folders.root.glob("trash/*")
    asyncio.run(sweep(folders.root, older_than=3600))
    assert gone.exists()
    with locks.shared(gone):
        asyncio.run(sweep(folders.root, older_than=0))
    assert gone.exists()
    asyncio.run(sweep(folders.root, older_than=0))
    assert not gone.exists()
    assert folders.path(kept).exists()


def test_what_was_begun_long_ago_is_swept(folders: Folders) -> None:
    """A repository that a killed host was making does not stay for ever."""
    begun = folders.root / "tmp" / "x.git"
    begun.mkdir(parents=True)
    asyncio.run(sweep(folders.root))
    assert begun.exists()
    os.utime(begun, (0, 0))
    asyncio.run(sweep(folders.root))
    assert not begun.exists()


def test_quarantines_of_killed_pushes_are_removed(tmp_path: Path) -> None:
    """The objects of a push that was never accepted go after a day."""
    old, new = (tmp_path / "objects" / f"tmp_objdir-incoming-{name}" for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    module.remove_quarantines(tmp_path)
    assert [old.exists(), new.exists()] == [False, True]


def test_removing_waits_for_those_who_share(tmp_path: Path) -> None:
    """Pushes share the lock; nothing has it alone beside them, and none beside that."""
    with locks.shared(tmp_path) as first, locks.shared(tmp_path) as second, locks.alone(tmp_path) as alone:
        assert first is not None
        assert second is not None
        assert alone is None
    with locks.alone(tmp_path) as alone, locks.shared(tmp_path) as late:
        assert alone is not None
        assert late is None
