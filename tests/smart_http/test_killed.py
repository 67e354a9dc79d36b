"""A host that is killed during pushes and writes over the API: what it answered is there, and each change of a ref has
one event.
"""

import random
import threading
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
import pytest

from roadstead.domain.people.workspaces import create_workspace
from roadstead.settings import Settings
from tests.conftest import NewDatabase
from tests.live import LiveHost, host_process, opened
from tests.smart_http.conftest import Place, new_repository, tokens, wait_until
from tests.smart_http.git_client import Work, git, new_work

Change = tuple[str, str | None, str | None]
WRITTEN = "written"
"""The branch that is written over the API alone."""


class _Pusher:
    """Pushes one commit after the other, each to main, and to branches that it creates and deletes."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._number = 0
        self.answered: list[Change] = []
        self.went_through = threading.Event()
        self._at: dict[str, str] = {}

    def push_until(self, url: str, stopped: threading.Event) -> None:
        self._learn(url)
        while not stopped.is_set():
            self._number += 1
            commit = self._work.commit(f"{self._number}")
            wanted: dict[str, str | None] = {"main": commit}
            if self._number % 3 == 0:
                wanted[f"branch-{self._number}"] = commit
            if self._number % 4 == 0:
                wanted |= dict.fromkeys([name for name in self._at if name != "main"][:1])
            self._push(url, wanted)

    def _push(self, url: str, wanted: dict[str, str | None]) -> None:
        refs = [f"{commit or ''}:refs/heads/{name}" for name, commit in wanted.items()]
        before = dict(self._at)
        if git("push", "--quiet", url, *refs, folder=self._work.folder).returncode == 0:
            self.answered += [(name, before.get(name), commit) for name, commit in wanted.items()]
            self.went_through.set()
            self._at = {name: commit for name, commit in {**before, **wanted}.items() if commit is not None}

    def _learn(self, url: str) -> None:
        """Ask where the branches are after a kill: some may have moved although no answer came."""
        shown = git("ls-remote", "--heads", url).stdout
        found = (line.partition("\trefs/heads/") for line in shown.splitlines())
        self._at = {name: commit for commit, _, name in found if name != WRITTEN}


def _commit_until(url: str, token: str, stopped: threading.Event, written: list[str]) -> None:
    """Commit over the API to a branch, one file after the other, until the host is gone; note what was answered."""
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=30) as client, suppress(httpx.HTTPError):
        while not stopped.is_set():
            form = {"branch": WRITTEN, f"{time.perf_counter_ns()}": "x"}
            answer = client.post(f"{url}/src", data=form)
            if answer.status_code == 201:
                written.append(answer.headers["Location"].rpartition("/")[2])


def _has_more(found: list[str], number: int) -> bool:
    return len(found) > number


def _logged(place: Place) -> "Counter[Change]":
    """Return the changes of the refs that are there, from their reflogs."""
    found: Counter[Change] = Counter()
    logs = place.folder / "logs" / "refs" / "heads"
    for log in logs.rglob("*"):
        for line in log.read_text("utf-8").splitlines():
            old, new, *_ = line.split(" ")
            found[log.name, None if not old.strip("0") else old, new] += 1
    return found


def _state(settings: Settings) -> Place:
    """Make a state with an empty repository."""
    with opened(settings) as work:
        ann, ben = work(tokens(["ann", "ben"]))
        work(lambda host: create_workspace(host, "acme", name="Acme", owner="ann"))
        repository = work(new_repository(ann, "acme"))
    return Place(LiveHost("http://nowhere", settings), repository, ann, ben)


@pytest.mark.parametrize("kills", [1, pytest.param(200, marks=pytest.mark.slow)])
def test_a_killed_host_loses_nothing_and_doubles_nothing(tmp_path: Path, new_database: NewDatabase, kills: int) -> None:
    """Killed at any moment of a push, or of a commit over the API: no event is missing for what a client was told, or
    for what a ref went through, no event is there twice, and the repository is whole.
    """
    data, log, database = tmp_path / "data", tmp_path / "log", new_database()
    environ = {"ROADSTEAD_DATABASE_URL": database} if database else {}
    place = _state(Settings(data=data, database_url=database))
    pusher, written = _Pusher(new_work(tmp_path / "work")), list[str]()
    chance = random.Random(kills)
    for _ in range(kills):
        with host_process(data, log, **environ) as (host, _, process):
            stopped, url = threading.Event(), Place(host, place.repository, place.ann, place.ben).url()
            thread = threading.Thread(target=pusher.push_until, args=[url, stopped])
            pusher.went_through.clear()
            thread.start()
            assert pusher.went_through.wait(30)
            api = f"{host.url}/2.0/repositories/{place.repository.full_name}"
            committing = threading.Thread(target=_commit_until, args=[api, place.ann, stopped, written])
            committing.start()
            wait_until(partial(_has_more, written, len(written)))
            time.sleep(chance.uniform(0, 0.3))
            process.kill()
            process.wait()
            stopped.set()
            thread.join()
            committing.join()
    with host_process(data, log, **environ):
        wait_until(lambda: not place.open_pushes())
    told, logged = Counter(place.changes()), _logged(place)
    assert Counter(pusher.answered) - told == Counter(), "answered without an event"
    assert set(written) <= {new for *_, new in told}, "answered without an event"
    assert logged - told == Counter(), "changed without an event"
    assert {change: count for change, count in told.items() if count > 1} == {}
    there = {ref.removeprefix("refs/heads/") for ref in place.refs()}
    moves = Counter({change: count for change, count in told.items() if change[0] in there})
    assert moves - logged == Counter(), "an event without a change"
    assert place.mirror() == place.refs()
    checked = git("--git-dir", str(place.folder), "fsck", "--strict", "--connectivity-only")
    assert checked.returncode == 0, checked.stderr
