"""Repositories that begin with commits: forks, and copies of repositories on this machine."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from roadstead.domain.access.credentials import find_token
from roadstead.domain.host import Host
from roadstead.domain.repositories import mirroring
from roadstead.domain.repositories.creation import ForkChanges, fork_repository, import_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.git.transfer.outcome import mirrored
from roadstead.model import Repository
from roadstead.pushed import Ref
from tests.smart_http.conftest import Place
from tests.smart_http.git_client import Work, git, new_work


def test_a_fork_has_the_refs_of_its_parent(place: Place, work: Work, tmp_path: Path) -> None:
    """The mirror has its branches and tags, git clones it, and a push to it does not reach the parent."""
    work.git("tag", "v1")
    work.git("push", place.url(), "main", "v1")

    async def fork(host: Host) -> Repository:
        ann = await find_token(host, place.ann)
        assert ann is not None
        given = RepositoryChanges(name=f"fork-of-{place.repository.slug}")
        return await fork_repository(host, ann, place.repository, ForkChanges(given))

    copy = replace(place, repository=place.host.work(fork))
    assert copy.is_whole()
    assert copy.refs() == place.refs()
    assert git("clone", "--quiet", copy.url(), str(tmp_path / "clone")).returncode == 0
    work.commit("in the fork")
    work.git("push", copy.url(), "main")
    assert copy.refs()["refs/heads/main"] == work.head()
    assert place.refs()["refs/heads/main"] == work.head("v1")


def test_an_import_has_branches_tags_and_notes(place: Place, work: Work) -> None:
    """The mirror has them from the beginning, and the branch of HEAD is the main one."""
    work.git("tag", "-a", "v1", "-m", "one")
    work.git("notes", "add", "-m", "a note")
    work.git("branch", "feature/one")

    async def bring(host: Host) -> Repository:
        ann = await find_token(host, place.ann)
        assert ann is not None
        slug = f"copy-{place.repository.slug}"
        return await import_repository(host, ann, "acme-git", slug, RepositoryChanges(), work.folder)

    copy = replace(place, repository=place.host.work(bring))
    assert copy.is_whole()
    assert copy.refs().keys() == {"refs/heads/main", "refs/heads/feature/one", "refs/tags/v1", "refs/notes/commits"}
    assert copy.repository.mainbranch == "main"


def test_an_import_of_nothing_is_empty(place: Place, tmp_path: Path) -> None:
    """A repository without commits has no main branch; the first push chooses it."""
    empty = new_work(tmp_path / "empty", branch="odd")

    async def bring(host: Host) -> Repository:
        ann = await find_token(host, place.ann)
        assert ann is not None
        slug = f"empty-{place.repository.slug}"
        return await import_repository(host, ann, "acme-git", slug, RepositoryChanges(), empty.folder)

    copy = replace(place, repository=place.host.work(bring))
    assert copy.is_whole()
    assert copy.repository.mainbranch is None


def test_the_refs_of_a_copy_are_read_by_the_thread_of_the_loop(
    place: Place, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open repository is of one thread: another one could close it while it is read."""
    work.git("push", place.url(), "main")
    threads = []

    def noted(folder: Path, name: str, target: str, commit_hash: str | None) -> Ref | None:
        threads.append(threading.current_thread())
        return mirrored(folder, name, target, commit_hash)

    async def job(_: Host) -> threading.Thread:
        await mirroring.refs_of(place.folder)
        return threading.current_thread()

    monkeypatch.setattr(mirroring, "mirrored", noted)
    assert [place.host.work(job)] == threads
