"""Maintenance keeps repositories small and whole, whatever runs beside it."""

import asyncio
import os
from pathlib import Path

import pytest

from roadstead.git import close, history, locks, maintenance, refs
from roadstead.git.caretaker import Caretaker
from roadstead.git.maintenance import maintain, prune
from roadstead.git.processes import Child, run
from tests.git.plain import commit, git, repository


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = repository(tmp_path / "work")
    commit(folder, one="1")
    return folder


@pytest.fixture(autouse=True)
def closed() -> None:
    """Close what an earlier test opened."""
    asyncio.run(close())


def _many(work: Path, count: int, name: str) -> None:
    """Make commits, each in a pack of its own, and a branch for each."""
    for number in range(count):
        stream = b"commit refs/heads/%s-%d\ncommitter A <a> %d +0000\ndata 0\n" % (name.encode(), number, number)
        stream += b"M 100644 inline f\ndata 2\n%02d\n" % number
        git(work, "-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", stdin=stream)


def test_many_packs_and_refs_become_few_and_large_packs_stay(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small packs are joined, refs are packed, and a large pack keeps its file, which forks may share."""
    monkeypatch.setattr(maintenance, "_MOST_PACKS", 3)
    monkeypatch.setattr(maintenance, "_MOST_LOOSE_REFS", 3)
    (work / "large").write_bytes(os.urandom(100_000))
    for number in range(40):
        (work / f"f{number}").write_text(str(number))
    commit(work)
    git(work, "repack", "-adq")
    (large,) = (work / ".git/objects/pack").glob("*.pack")
    inode = large.stat().st_ino
    _many(work, 5, "x")
    before = git(work, "for-each-ref")
    assert asyncio.run(maintain(work / ".git"))
    packs = list((work / ".git/objects/pack").glob("*.pack"))
    assert len(packs) == 2
    assert large.stat().st_ino == inode
    assert list((work / ".git/objects/pack").glob("multi-pack-index*"))
    assert [path for path in (work / ".git/refs").rglob("*") if path.is_file()] == []
    assert git(work, "for-each-ref") == before
    git(work, "fsck", "--strict")


def test_a_sandbox_that_forbids_another_priority(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service manager's filter of system calls may refuse it: git then runs with the usual one."""

    def refused(*_: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "setpriority", refused)
    assert list((work / ".git/objects/pack").glob("*.pack")) == []
    git(work, "gc", "-q")
    assert asyncio.run(maintain(work / ".git"))


def test_a_small_change_costs_no_repack(work: Path) -> None:
    """Where little changed, the graph of commits is written, and nothing else moves."""
    asyncio.run(maintain(work / ".git"))
    assert list((work / ".git/objects/info/commit-graphs").glob("*.graph"))
    assert list((work / ".git/objects/pack").glob("*.pack")) == []
    assert (work / ".git/refs/heads/main").exists()


def test_history_is_the_same_before_and_after(work: Path) -> None:
    """A repository that is open while it is maintained reads the same afterwards."""
    folder = work / ".git"
    _many(work, 3, "x")
    tips = [ref.target for ref in asyncio.run(refs.read_all(folder))]
    before = asyncio.run(history.page(folder, tips))
    assert asyncio.run(prune(folder, older_than="now"))
    assert asyncio.run(history.page(folder, tips)) == before


def test_a_commit_of_a_late_year_hides_no_other(work: Path) -> None:
    """git finds the branches that have a commit by the graph, which has no room for the date of one that is between."""
    folder, base = work / ".git", git(work, "rev-parse", "main").decode().strip()
    for name, parent, date in (("late", base, 18_000_000_000), ("after", "late", 1_900_000_000)):
        stream = f"commit refs/heads/{name}\ncommitter A <a> {date} +0000\ndata 0\nfrom {parent}\n"
        git(work, "fast-import", "--quiet", stdin=stream.replace("from late", "from refs/heads/late").encode())
    asyncio.run(maintain(folder))
    found = asyncio.run(run(folder, "for-each-ref", "--contains", base, "--format=%(refname:short)"))
    assert found.split() == [b"after", b"late", b"main"]


def test_pruning_removes_what_nothing_leads_to_and_waits_for_pushes(work: Path) -> None:
    """A commit that a branch has left behind is gone after pruning, not before, and not while a push has the lock."""
    folder = work / ".git"
    secret = commit(work, two="secret")
    git(work, "reset", "--quiet", "--hard", "HEAD~1")
    with locks.shared(folder):
        assert not asyncio.run(prune(folder, older_than="now"))
    assert asyncio.run(prune(folder))
    assert git(work, "cat-file", "-t", secret) == b"commit\n"
    assert asyncio.run(prune(folder, older_than="now"))
    assert b"missing" in git(work, "cat-file", "--batch-check", stdin=secret.encode())
    git(work, "fsck", "--strict")


def test_pruning_comes_once_a_week(work: Path) -> None:
    """Maintenance prunes when the last time was more than a week ago, and not at the first."""
    mark = work / ".git/pruned"
    asyncio.run(maintain(work / ".git"))
    assert list((work / ".git/objects/pack").glob("*.pack")) == []
    os.utime(mark, (0, 0))
    asyncio.run(maintain(work / ".git"))
    assert len(list((work / ".git/objects/pack").glob("*.pack"))) == 1
    assert mark.stat().st_mtime > 1_000_000


def test_maintenance_gives_way_to_pruning(work: Path) -> None:
    """While something has the lock alone, maintenance does nothing and says so."""
    with locks.alone(work / ".git"):
        assert not asyncio.run(maintain(work / ".git"))


def test_a_running_git_keeps_the_lock(work: Path) -> None:
    """What a killed host leaves running holds the lock that it was given, so nothing is pruned under it."""
    folder = work / ".git"

    async def leave() -> None:
        with locks.shared(folder) as lock:
            assert lock is not None
            git = Child(folder, "cat-file", "--batch", stays=True, passed=[lock])
        async with git:
            with locks.alone(folder) as alone:
                assert alone is None
        with locks.alone(folder) as alone:
            assert alone is not None

    asyncio.run(leave())


def test_changed_repositories_are_maintained_one_after_the_other(work: Path, tmp_path: Path) -> None:
    """After a push, maintenance comes by itself; many pushes are one; a deleted repository stops nothing, and goes."""

    async def live() -> None:
        left = tmp_path / "trash/old.git"
        left.mkdir(parents=True)
        os.utime(left, (0, 0))
        maintained: list[Path] = []
        caretaker = Caretaker(tmp_path, delay=0.05, maintained=maintained.append)
        running = asyncio.create_task(caretaker.run())
        caretaker.changed(tmp_path / "deleted")
        for _ in range(3):
            caretaker.changed(work / ".git")
        while not list((work / ".git/objects/info").glob("commit-graphs/*.graph")):
            await asyncio.sleep(0.02)
        while left.exists():
            await asyncio.sleep(0.02)
        while work / ".git" not in maintained:
            await asyncio.sleep(0.02)
        assert not running.done()
        running.cancel()

    asyncio.run(live())
