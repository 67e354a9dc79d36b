"""A restored host: its database was backed up first, so its repositories may be newer."""

import asyncio
import errno
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from roadstead.domain.host import Host, open_host
from roadstead.domain.people.workspaces import create_workspace
from roadstead.domain.repositories.catching_up import catch_up, out_of_line
from roadstead.domain.repositories.marks import is_behind_mark, keep_mark
from roadstead.domain.upkeep.copying import move_state
from roadstead.domain.upkeep.repository_check import Checked, check_repositories
from roadstead.model import Repository
from roadstead.settings import Settings
from tests.live import LiveHost, live_host
from tests.smart_http.conftest import Place, new_repository, tokens, wait_until
from tests.smart_http.git_client import Work

LATER = 7


def _copy_database(data: Path, there: Path) -> None:
    """Back the database up, as its own tools do while a host runs."""
    with sqlite3.connect(data / "roadstead.db") as here, sqlite3.connect(there / "roadstead.db") as copy:
        here.backup(copy)
    shutil.copy(data / "secret.key", there)


def _faults(host: LiveHost) -> list[str]:
    async def job(opened: Host) -> list[Checked]:
        return [one async for one in check_repositories(opened)]

    found: list[Checked] = host.work(job)
    return [fault for one in found for fault in one.faults]


def _out_of_line(host: LiveHost) -> list[str]:
    found: list[Repository] = host.work(out_of_line)
    return [one.full_name for one in found]


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Place]:
    """Yield an empty private repository at a host whose database is a file."""
    with live_host(tmp_path / "data") as host:
        ann, ben = host.work(tokens(["ann", "ben"]))
        host.work(lambda opened: create_workspace(opened, "acme", name="Acme", owner="ann"))
        yield Place(host, host.work(new_repository(ann, "acme")), ann, ben)


def test_the_database_follows_newer_repositories(on_sqlite: Place, work: Work, tmp_path: Path) -> None:
    """At the start of the restored host: its refs and events are as the pushes left them, once."""
    data, there = on_sqlite.host.settings.data, tmp_path / "there"
    there.mkdir(mode=0o700)
    first = work.head()
    work.git("push", on_sqlite.url(), "main", "HEAD:gone")
    _copy_database(data, there)
    second = work.commit("second")
    work.git("push", on_sqlite.url(), "main", "HEAD:later", ":gone")
    shutil.copytree(data / "git", there / "git")

    with live_host(there) as host:
        place = replace(on_sqlite, host=host)
        wait_until(place.is_whole)
        assert place.mirror() == {"refs/heads/main": second, "refs/heads/later": second}
        assert sorted(place.changes()[2:]) == [("gone", first, None), ("later", None, second), ("main", first, second)]
        assert place.events()[-1].user_id is None, "who pushed is not known"
        wait_until(lambda: not host.work(is_behind_mark))
        assert (_faults(host), _out_of_line(host)) == ([], [])
    with live_host(there) as host:
        assert len(replace(on_sqlite, host=host).events()) == 2


def test_a_copied_database_is_older_only_after_a_push(on_sqlite: Place, work: Work, tmp_path: Path) -> None:
    """`migrate-data` leaves the events behind, so the copy's have other numbers than the repositories' mark."""
    settings = on_sqlite.host.settings
    copied = replace(settings, database_url=f"sqlite:///{tmp_path}/copy.db")
    work.git("push", on_sqlite.url(), "main")

    async def copy() -> bool:
        async with open_host(settings) as old, open_host(copied) as new:
            await move_state(old, new)
            return await is_behind_mark(new)

    async def is_behind() -> bool:
        async with open_host(copied) as new:
            return await is_behind_mark(new)

    assert not asyncio.run(copy())
    work.git("push", on_sqlite.url(), "main:later")
    assert asyncio.run(is_behind())


def test_a_push_during_a_copy_stays_marked(on_sqlite: Place, work: Work, tmp_path: Path) -> None:
    """The copy lacks it: the host that starts with the copy has to look."""
    settings = on_sqlite.host.settings
    copied = replace(settings, database_url=f"sqlite:///{tmp_path}/copy.db")

    async def copy() -> bool:
        async with open_host(settings) as old, open_host(copied) as new:
            await move_state(old, new, progress=push_at_the_end)
            return await is_behind_mark(new)

    def push_at_the_end(done: int, of: int) -> None:
        if done == of:
            work.git("push", on_sqlite.url(), "main")

    assert asyncio.run(copy())


def test_a_full_disk_keeps_the_earlier_mark(on_sqlite: Place, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """The push goes through, and a database from before the earlier one is still found to be older."""
    work.git("push", on_sqlite.url(), "main")
    mark = on_sqlite.host.settings.data / "git" / "latest-event"
    marked, write = mark.read_text("ascii"), Path.write_text

    def fill_up(file: Path, *content: str) -> int:
        if file.parent != mark.parent:
            return write(file, *content)
        file.open("w").close()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fill_up)
    work.git("push", on_sqlite.url(), "main:later")
    assert mark.read_text("ascii") == marked


def test_of_two_hosts_that_mark_at_once_the_later_event_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host with the earlier event has looked at the mark and is about to write when the other one comes."""
    (tmp_path / "git").mkdir()
    other = Thread(target=lambda: asyncio.run(mark(LATER)))
    write = Path.write_text

    async def mark(event: int) -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            await keep_mark(host, event)

    def write_after_the_other(file: Path, text: str, encoding: str) -> int:
        monkeypatch.setattr(Path, "write_text", write)
        other.start()
        other.join(1.0)  # as long as it takes to see that it waits
        return write(file, text, encoding)

    monkeypatch.setattr(Path, "write_text", write_after_the_other)
    asyncio.run(mark(LATER - 1))
    other.join()
    assert int((tmp_path / "git" / "latest-event").read_text("ascii")) == LATER


def test_a_start_that_is_cut_off_leaves_the_rest_to_the_next(on_sqlite: Place, work: Work, tmp_path: Path) -> None:
    """Where several repositories are newer, and the host stops after the first: none is forgotten."""
    data, there = on_sqlite.host.settings.data, tmp_path / "there"
    there.mkdir(mode=0o700)
    other = replace(on_sqlite, repository=on_sqlite.host.work(new_repository(on_sqlite.ann, "acme")))
    _copy_database(data, there)
    for place in (on_sqlite, other):
        work.git("push", place.url(), "main")
    shutil.copytree(data / "git", there / "git")

    async def cut_off() -> None:
        async with open_host(replace(on_sqlite.host.settings, data=there)) as host:
            assert await catch_up(host, on_sqlite.repository)

    asyncio.run(cut_off())
    with live_host(there) as host:
        wait_until(replace(other, host=host).is_whole)


def test_other_refs_than_those_of_the_database_are_found(own_place: Place, work: Work) -> None:
    """`doctor` names the repository of which a ref was changed without the host."""
    work.git("push", own_place.url(), "main")
    assert _out_of_line(own_place.host) == []
    work.git("--git-dir", str(own_place.folder), "tag", "made-by-hand", "main")
    assert _out_of_line(own_place.host) == [own_place.repository.full_name]
