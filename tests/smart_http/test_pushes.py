"""Pushes by git itself: each is recorded, once and as a whole, before git's client learns that it went through."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from roadstead.git import disk
from tests.smart_http.conftest import Place
from tests.smart_http.git_client import Work, git, new_work


def test_a_branch_lives(place: Place, work: Work, tmp_path: Path) -> None:
    """It is created, moved, forced and deleted; each time there is one event, and the mirror is right."""
    first = work.head()
    work.git("push", place.url(), "HEAD:refs/heads/work")
    second = work.commit("second")
    work.git("push", place.url(), "HEAD:work")
    work.git("reset", "--hard", first)
    other = work.commit("another second")
    work.git("push", place.url(), "HEAD:work", code=1)
    work.git("push", "--force", place.url(), "HEAD:work", "HEAD:main")
    assert place.mirror() == {"refs/heads/work": other, "refs/heads/main": other}
    work.git("push", place.url(), ":main")
    told = [change for event in place.events() for change in event.payload["changes"]]
    assert [(change["name"], change["created"], change["closed"], change["forced"]) for change in told] == [
        ("work", True, False, False),
        ("work", False, False, False),
        ("work", False, False, True),
        ("main", True, False, False),
        ("main", False, True, False),
    ]
    assert [(change["old"], change["new"]) for change in told if change["name"] == "work"] == [
        (None, first),
        (first, second),
        (second, other),
    ]
    assert place.is_whole()


def test_the_actor_of_an_event_is_who_pushed(place: Place, work: Work) -> None:
    """The event tells the user, the workspace and the repository, and which event it is."""
    work.git("push", place.url(), "main")
    (event,) = place.events()
    assert (event.key, event.repository_id) == ("repo:push", place.repository.id)
    assert event.workspace_id == place.repository.workspace.id
    assert event.user_id is not None
    assert event.installation_id is None


def test_tags_and_notes_are_pushed(place: Place, work: Work) -> None:
    """Light and annotated tags, of commits and of files, and notes are mirrored with the commit that they lead to."""
    work.git("tag", "light")
    work.git("tag", "-m", "a tag", "annotated")
    work.git("tag", "of-a-file", "HEAD:file")
    work.git("notes", "add", "-m", "a note")
    work.git("push", place.url(), "main", "--tags", "refs/notes/*:refs/notes/*")
    assert place.mirror() == {
        "refs/heads/main": work.head(),
        "refs/tags/light": work.head(),
        "refs/tags/annotated": work.head("annotated"),
        "refs/tags/of-a-file": work.head("of-a-file"),
        "refs/notes/commits": work.head("refs/notes/commits"),
    }
    assert place.is_whole()
    assert len(place.events()) == 1, "one push is one event, of several changes"


def test_the_first_branch_is_checked_out_by_clones(place: Place, tmp_path: Path) -> None:
    """It becomes the main branch, whatever its name: else a clone of it would have no files."""
    work = new_work(tmp_path / "old", branch="trunk")
    work.commit("the first")
    work.git("push", place.url(), "trunk")
    assert git("clone", "--quiet", place.url(), str(tmp_path / "clone")).returncode == 0
    assert Work(tmp_path / "clone").git("branch", "--show-current").strip() == "trunk"
    assert "The main branch is not allowed to be deleted" in work.git("push", place.url(), ":trunk", code=1)


def test_a_push_prints_a_link(place: Place, work: Work) -> None:
    """The words and the address are the cloud's: of a new branch, and of a pushed one that is not the main."""
    page = f"{place.host.url}/{place.repository.full_name}/pull-requests/new?source="
    said = work.git("push", place.url(), "main", "HEAD:feature/é&x")
    assert "remote: Create pull request for main:" in said
    assert f"remote:   {page}main&t=1 " in said
    assert f"remote:   {page}feature/%C3%A9%26x&t=1 " in said
    work.commit("more")
    said = work.git("push", place.url(), "main")
    assert "Create pull request" not in said


@pytest.mark.parametrize("files", [1, 20])
def test_objects_are_on_the_disk_before_a_ref_changes(
    place: Place, work: Work, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    """Each file that a push adds, loose or a pack, was waited for while the branch was at its old commit."""
    work.git("push", place.url(), "main")
    before, there = place.refs(), _objects(place)
    synced: set[str] = set()

    def sync(path: Path) -> None:
        if place.refs() == before:
            synced.add(path.name)

    for number in range(files):
        (work.folder / f"{number}").write_text(f"{number}", "utf-8")
    work.git("add", ".")
    work.commit("more")
    with monkeypatch.context() as watched:
        watched.setattr(disk, "sync", sync)
        work.git("push", place.url(), "main")
    assert place.refs() == {"refs/heads/main": work.head()}
    assert len(_objects(place) - there) > 1
    assert _objects(place) - there <= synced


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/new/branch", ":refs/heads/old"])
def test_a_changed_ref_is_on_the_disk_before_its_event_is_stored(
    place: Place, work: Work, monkeypatch: pytest.MonkeyPatch, ref: str
) -> None:
    """Also the folders that have its name: git waits for its content only."""
    work.git("push", place.url(), "main", "main:refs/heads/old")
    before, events = place.refs(), len(place.events())
    synced: set[Path] = set()

    def sync(path: Path) -> None:
        if place.refs() != before and len(place.events()) == events:
            synced.add(path)

    work.commit("more")
    with monkeypatch.context() as watched:
        watched.setattr(disk, "sync", sync)
        work.git("push", place.url(), ref if ref.startswith(":") else f"main:{ref}")
    assert len(place.events()) == events + 1
    changed = (place.folder / ref.removeprefix(":")).parent
    assert synced == {changed, *(folder for folder in changed.parents if folder.is_relative_to(place.folder))}


def test_a_push_is_refused_if_its_objects_do_not_get_on_the_disk(
    place: Place, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user reads why, and nothing has changed."""
    work.git("push", place.url(), "main")
    before, there = place.refs(), _objects(place)

    def fail(path: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    work.commit("more")
    with monkeypatch.context() as failing:
        failing.setattr(disk, "sync", fail)
        assert "remote: The objects cannot be stored." in work.git("push", place.url(), "main", code=1)
    assert (place.refs(), _objects(place), len(place.events()), place.open_pushes()) == (before, there, 1, [])
    work.git("push", place.url(), "main")


@pytest.mark.parametrize(("files", "packs", "loose"), [(7, 0, 9), (8, 1, 0)])
def test_a_push_of_many_objects_is_a_pack(place: Place, work: Work, files: int, packs: int, loose: int) -> None:
    """It waits for the disk once for a pack, and would for each loose object."""
    for number in range(files - 1):
        (work.folder / f"{number}").write_text(f"{number}", "utf-8")
    work.git("add", ".")
    work.git("commit", "--amend", "-m", "all")
    work.git("push", place.url(), "main")
    assert len(list(place.folder.glob("objects/pack/*.pack"))) == packs
    assert len(list(place.folder.glob("objects/??/*"))) == loose
    assert place.is_whole()


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("refs", "reason"),
    [
        (["HEAD:refs/pull-requests/1/from"], "Only branches, tags and notes"),
        (["HEAD:refs/replace/{head}"], "Only branches, tags and notes"),
        (["HEAD:refs/heads/-d"], "not a valid name"),
        (["HEAD:refs/heads/good", "HEAD:refs/keep/x"], "Only branches, tags and notes"),
        (["HEAD:refs/heads/" + "x" * 256], "too long"),
        (["HEAD:refs/heads/good", ":main"], "main branch is not allowed to be deleted: main"),
    ],
)
def test_a_refused_push_says_why_and_changes_nothing(place: Place, work: Work, refs: list[str], reason: str) -> None:
    """Neither a ref nor an object stays, also where others of the same push would be taken."""
    work.git("push", place.url(), "main")
    before, objects = place.refs(), _objects(place)
    work.commit("more")
    named = [ref.format(head=work.head()) for ref in refs]
    assert reason in work.git("push", place.url(), *named, code=1)
    assert place.refs() == before
    assert _objects(place) == objects
    assert len(place.events()) == 1
    assert place.is_whole()


def test_no_ref_changes_where_git_cannot_change_one(place: Place, work: Work) -> None:
    """A branch below the name of another is refused by git itself, and with it all others of the push."""
    work.git("push", place.url(), "main")
    before = place.refs()
    assert "cannot create" in work.git("push", place.url(), "HEAD:refs/heads/good", "HEAD:refs/heads/main/x", code=1)
    assert place.refs() == before
    assert len(place.events()) == 1
    assert place.is_whole()


def test_a_branch_makes_room_for_those_below_its_name(place: Place, work: Work) -> None:
    """In one push, as `git push --mirror` does it, where git can change the refs only one after the other."""
    work.git("push", place.url(), "main", "HEAD:part")
    work.git("push", place.url(), ":part", "HEAD:refs/heads/part/one")
    assert set(place.refs()) == {"refs/heads/main", "refs/heads/part/one"}
    assert place.is_whole()


def _objects(place: Place) -> set[str]:
    return {path.name for path in (place.folder / "objects").rglob("*") if path.is_file()}


def test_of_two_pushes_at_once_to_one_branch_one_wins(place: Place, tmp_path: Path) -> None:
    """The other is refused, and has no event."""
    results = _at_once(place, tmp_path, lambda number: ["HEAD:main"])
    assert sorted(code for code, _ in results) == [0, 1]
    assert len(place.changes()) == 2, "the first commit, and one of the two"
    assert place.is_whole()


def test_two_pushes_at_once_to_two_branches_both_go_through(place: Place, tmp_path: Path) -> None:
    """Neither waits for the other, and both have an event."""
    results = _at_once(place, tmp_path, lambda number: [f"HEAD:refs/heads/of-{number}"])
    assert [code for code, _ in results] == [0, 0], results
    assert {name for name, _, _ in place.changes()} == {"main", "of-0", "of-1"}
    assert place.is_whole()


def _at_once(place: Place, folder: Path, refs: Callable[[int], list[str]]) -> list[tuple[int, str]]:
    """Push from two clones at the same time; return the exit codes and what git said."""
    works = [Work(folder / str(number)) for number in range(2)]
    base = new_work(folder / "base")
    base.commit("the first")
    base.git("push", place.url(), "main")
    for number, one in enumerate(works):
        git("clone", "--quiet", str(base.folder), str(one.folder))
        one.commit(f"of {number}", file=f"{number}")
    start, results = threading.Barrier(len(works)), [(-1, "")] * len(works)

    def push(number: int) -> None:
        start.wait()
        done = git("push", place.url(), *refs(number), folder=works[number].folder)
        results[number] = done.returncode, done.stderr

    threads = [threading.Thread(target=push, args=[number]) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
