"""The journal: what a push did is recorded once, before its client knows, and also when its process has died."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from threading import Thread

import pytest

from roadstead.domain.access.credentials import find_token
from roadstead.domain.host import Host
from roadstead.domain.repositories import journal
from roadstead.domain.repositories.changes import delete_repository
from roadstead.domain.repositories.journal import begin, new_id, record
from roadstead.domain.repositories.maintaining import maintain_repositories
from roadstead.domain.repositories.pushing import push_changes
from roadstead.domain.repositories.reconciling import record_left_pushes
from roadstead.domain.shutdown import meanwhile
from roadstead.domain.upkeep.pruning import prune_repository
from roadstead.errors import GitFailed, StorageBusy
from roadstead.git import caretaker, locks
from roadstead.git.caretaker import Caretaker
from roadstead.git.folders import Folders
from roadstead.git.refs import update
from roadstead.git.transfer.outcome import refs_now
from roadstead.pushed import NO_OBJECT, Push, Ref, RefChange
from tests.smart_http.conftest import Place, wait_until
from tests.smart_http.git_client import Work, git

MAIN, OTHER = "refs/heads/main", "refs/heads/other"


def _begun(place: Place, *changes: RefChange, done: Sequence[RefChange] = ()) -> Push:
    """Begin a push as a process does, let git make some of its changes, and let the process die."""

    async def job(host: Host) -> Push:
        ann = await find_token(host, place.ann)
        assert ann is not None
        push = await begin(host, ann, place.repository, new_id(), changes)
        if done:
            with locks.shared(place.folder) as lock:
                assert lock is not None
                await update(place.folder, done, push_id=push.id, passed=[lock])
        return push

    made: Push = place.host.work(job)
    return made


@pytest.fixture
def filled(place: Place, work: Work) -> Place:
    """Return a repository with two commits, main at the second and another branch at the first."""
    work.commit("second")
    work.git("push", place.url(), "main", "HEAD~1:refs/heads/other")
    return place


def test_a_push_that_was_cut_off_is_recorded_by_the_next_start(filled: Place, work: Work) -> None:
    """Those of its changes that git has made, and no others; a second start finds nothing to do."""
    first, second = work.head("HEAD~1"), work.head()
    moved, deleted = RefChange(second, first, MAIN), RefChange(first, NO_OBJECT, OTHER)
    created, never = RefChange(NO_OBJECT, second, "refs/tags/v1"), RefChange(NO_OBJECT, second, "refs/tags/v2")
    _begun(filled, moved, deleted, created, never, done=[moved, deleted, created])
    assert len(filled.open_pushes()) == 1
    for _ in range(2):
        filled.host.work(record_left_pushes)
    assert filled.changes()[2:] == [("main", second, first), ("v1", None, second), ("other", first, None)]
    assert filled.is_whole()


def test_a_push_that_is_cut_off_just_before_pruning_is_recorded(
    filled: Place, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pruning ends the logs by which a start finds what the push did, so it looks for such pushes under its lock."""
    created = RefChange(NO_OBJECT, work.head(), "refs/tags/v1")
    alone = locks.alone

    def cut_off_before(folder: Path) -> AbstractContextManager[int | None]:
        monkeypatch.setattr(locks, "alone", alone)
        cut_off = Thread(target=partial(_begun, filled, created, done=[created]))
        cut_off.start()
        cut_off.join()
        return alone(folder)

    async def prune(host: Host) -> None:
        ann = await find_token(host, filled.ann)
        assert ann is not None
        await prune_repository(host, ann, filled.repository)

    monkeypatch.setattr(locks, "alone", cut_off_before)
    filled.host.work(prune)
    filled.host.work(record_left_pushes)
    assert filled.changes()[2:] == [("v1", None, work.head())]
    assert filled.is_whole()


@pytest.mark.slow
def test_a_push_that_did_nothing_leaves_nothing(filled: Place, work: Work) -> None:
    """Its row is removed without an event."""
    _begun(filled, RefChange(work.head(), NO_OBJECT, MAIN), RefChange(NO_OBJECT, work.head(), "refs/tags/v1"))
    filled.host.work(record_left_pushes)
    assert len(filled.events()) == 1
    assert filled.is_whole()


def test_a_push_to_a_repository_that_is_deleted_meanwhile_ends(filled: Place, work: Work) -> None:
    """Its record finds nothing to record, instead of a folder that cannot be read, again and again."""
    push = _begun(filled, RefChange(work.head(), work.head("HEAD~1"), MAIN))

    async def job(host: Host) -> Sequence[RefChange]:
        ann = await find_token(host, filled.ann)
        assert ann is not None
        await delete_repository(host, ann, filled.repository)
        await Folders(host.settings.data).trash(filled.repository.uuid)
        return await record(host, filled.repository, push)

    assert filled.host.work(job) == []


def test_a_push_to_a_folder_that_is_gone_fails(filled: Place, work: Work) -> None:
    """As git does that cannot be run, and without a stack trace in the log."""
    filled.folder.rename(filled.folder.with_suffix(".gone"))
    with pytest.raises(GitFailed):
        filled.host.work(lambda host: _locked_for_a_moment(filled))


async def _locked_for_a_moment(place: Place) -> None:
    async with locks.wait_for(locks.shared, place.folder):
        pass


@pytest.mark.slow
def test_a_push_that_was_repeated_is_recorded_once(filled: Place, work: Work) -> None:
    """A push that died before git changed anything is pushed again: the same change by another push is not its own."""
    first, second = work.head("HEAD~1"), work.head()
    _begun(filled, RefChange(first, second, OTHER), RefChange(NO_OBJECT, second, "refs/tags/v1"))
    _begun(filled, RefChange(second, NO_OBJECT, OTHER))
    work.git("push", filled.url(), f"{second}:{OTHER}", f"{second}:refs/tags/v1")
    work.git("push", filled.url(), f":{OTHER}")
    filled.host.work(record_left_pushes)
    assert filled.changes()[2:] == [("other", first, second), ("v1", None, second), ("other", second, None)]
    assert filled.is_whole()


def test_two_processes_that_record_a_push_record_it_once(filled: Place, work: Work) -> None:
    """Each that starts looks for pushes which others have left."""
    created = RefChange(NO_OBJECT, work.head(), "refs/tags/v1")
    push = _begun(filled, created, done=[created])

    async def both(host: Host) -> None:
        await asyncio.gather(*(record(host, filled.repository, push) for _ in range(2)))

    filled.host.work(both)
    assert filled.changes()[2:] == [("v1", None, work.head())]
    assert filled.is_whole()


def test_a_ref_that_changes_again_before_the_record_is_mirrored_as_it_is(
    filled: Place, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refs are read before the transaction, which must not wait for git, and a later push may be recorded first."""
    created = RefChange(NO_OBJECT, work.head(), "refs/tags/v1")
    moved = RefChange(work.head(), work.head("HEAD~1"), "refs/tags/v1")
    push = _begun(filled, created, done=[created])

    async def read_and_move(folder: Path, names: Iterable[str]) -> dict[str, Ref | None]:
        found = await refs_now(folder, names)
        await update(folder, [moved])
        return found

    monkeypatch.setattr(journal, "refs_now", read_and_move)
    filled.host.work(lambda host: record(host, filled.repository, push))
    assert filled.changes()[2:] == [("v1", None, work.head())]
    assert filled.is_whole()


def test_a_running_push_is_not_judged_by_a_start(filled: Place, work: Work) -> None:
    """Its lock is held, so what it will do is not known; a start waits, and then finds nothing left."""
    created = RefChange(NO_OBJECT, work.head(), "refs/tags/v1")
    push = _begun(filled, created)

    async def start_meanwhile(host: Host) -> None:
        with locks.shared(filled.folder) as lock:
            assert lock is not None
            starting = asyncio.create_task(record_left_pushes(host))
            await asyncio.sleep(0.1)
            await update(filled.folder, [created], push_id=push.id, passed=[lock])
        await starting

    filled.host.work(start_meanwhile)
    assert filled.changes()[2:] == [("v1", None, work.head())]
    assert filled.is_whole()


@pytest.mark.slow
def test_an_old_entry_of_a_long_reflog_is_found(filled: Place, work: Work) -> None:
    """Also when many pushes came after the one that was cut off."""
    created = RefChange(NO_OBJECT, work.head(), "refs/tags/v1")
    _begun(filled, created, done=[created])
    with (filled.folder / "logs" / created.ref).open("a") as log:
        log.writelines(f"{work.head()} {work.head()} push <{number}> 1 +0000\tpush\n" for number in range(1000))
    filled.host.work(record_left_pushes)
    assert filled.changes()[2:] == [("v1", None, work.head())]


def test_a_client_learns_of_its_push_after_the_record(
    filled: Place, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database cannot take the event, git's user is not told that the push went through; it is not lost."""
    real, failed = journal.record, list[Push]()

    async def fail_once(*arguments: object) -> Sequence[RefChange]:
        if not failed:
            failed.append(arguments[2])  # type: ignore[arg-type]
            raise StorageBusy("Not now.")
        return await real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(journal, "record", fail_once)
    monkeypatch.setattr(journal, "AGAIN_SECONDS", 0.01)
    assert git("push", filled.url(), "HEAD:refs/heads/new", folder=work.folder).returncode != 0
    assert failed
    wait_until(lambda: not filled.open_pushes())
    assert filled.changes()[2:] == [("new", None, work.head())]
    assert filled.is_whole()


def test_a_repository_is_maintained_after_a_push(filled: Place, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each recorded push tells who maintains repositories, some time later; git's own maintenance is off."""
    monkeypatch.setattr(caretaker, "Caretaker", partial(Caretaker, delay=0))
    graph = filled.folder / "objects" / "info" / "commit-graphs"
    assert not graph.exists()

    async def push_and_wait(host: Host) -> None:
        ann = await find_token(host, filled.ann)
        assert ann is not None
        async with meanwhile(maintain_repositories(host)), asyncio.timeout(20):
            await push_changes(host, ann, filled.repository, [RefChange(work.head(), NO_OBJECT, MAIN)])
            while not graph.exists():
                await asyncio.sleep(0.01)

    filled.host.work(push_and_wait)
    assert filled.is_whole()
