"""A host that is killed during pushes, changes and deliveries: each event is delivered, none is invented."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from roadstead.domain.access import credentials
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from roadstead.listing import PageRequest
from roadstead.model.deliveries import Delivery
from roadstead.query import Comparison
from roadstead.receiver import Arrived
from roadstead.settings import Settings
from roadstead.storage.deliveries import page_of_deliveries
from tests.conftest import NewDatabase
from tests.events.scene import receiving
from tests.live import host_process, opened
from tests.smart_http.git_client import Work, git, new_work

HOOKS = ("/one", "/two")
EVENTS = ("repo:updated", "repo:push")


async def _make(host: Host) -> str:
    owner = await users.create_user(host, "ann")
    await workspaces.create_workspace(host, "acme", name=None, owner="ann")
    return (await credentials.create_api_token(host, "test", None, user_id=owner.id))[0]


async def _deliveries(host: Host) -> list[Delivery]:
    wanted = PageRequest(number=1, length=100_000, filter=Comparison("event", "!=", "repo:created"))
    return list((await page_of_deliveries(host.store.database, wanted)).items)


async def _events(host: Host) -> int:
    rows = await host.store.database.read("SELECT COUNT(*) FROM events WHERE key <> ?", "repo:created")
    return int(rows[0][0])


@dataclass
class Changing:
    """Changes a repository over the API and by pushes, until the host is gone, and counts what was answered."""

    token: str
    work: Work
    updates: int = 0
    pushed: list[str] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def update(self, url: str) -> bool:
        given = {"description": f"{time.perf_counter_ns()}"}
        try:
            changed = httpx.put(f"{url}/2.0/repositories/acme/widgets", json=given, headers=self.headers, timeout=30)
        except httpx.HTTPError:
            return False
        self.updates += changed.status_code == 200
        return True

    def push(self, url: str) -> bool:
        commit = self.work.commit(f"{time.perf_counter_ns()}")
        there = f"{url.replace('://', f'://ann:{self.token}@')}/acme/widgets.git"
        if git("push", "--quiet", there, "HEAD:refs/heads/main", folder=self.work.folder).returncode:
            return False
        self.pushed.append(commit)
        return True


def _repeat(change: Callable[[str], bool], url: str, stopped: threading.Event, began: threading.Event) -> None:
    """Change until stopped, with pauses: no more may come than deliveries may wait while hosts are killed."""
    while not stopped.wait(0.05) and change(url):
        began.set()


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, 200])
def test_a_killed_host_delivers_each_event(tmp_path: Path, new_database: NewDatabase, kills: int) -> None:
    """Each event has one delivery for each hook, which arrived; one that arrived twice was the same request, sent again
    because its answer was lost. Each hook hears of each push.
    """
    data, database = tmp_path / "data", new_database()
    environ = {"ROADSTEAD_KEEP_DELIVERIES": "100000", **({"ROADSTEAD_DATABASE_URL": database} if database else {})}
    settings = Settings(data=data, database_url=database)
    with opened(settings) as work:
        changing = Changing(work(_make), new_work(tmp_path / "work"))
    chance = random.Random(kills)
    with receiving() as receiver:
        for kill in range(kills):
            with host_process(data, tmp_path / "log", **environ) as (host, _, process):
                if not kill:
                    _make_repository(host.url, changing.headers, receiver.url)
                stopped, began = threading.Event(), threading.Event()
                changes = (changing.update, changing.push)
                threads = [threading.Thread(target=_repeat, args=[one, host.url, stopped, began]) for one in changes]
                for thread in threads:
                    thread.start()
                assert began.wait(30)
                time.sleep(chance.uniform(0, 0.5))
                process.kill()
                process.wait()
                stopped.set()
                for thread in threads:
                    thread.join()
        with host_process(data, tmp_path / "log", **environ) as (host, _, _), opened(settings) as work:
            assert changing.push(host.url)
            # The claims of a process that was killed run out after half a minute.
            deadline = time.monotonic() + 120
            while _is_at_work(found := work(_deliveries), events := work(_events)):
                assert time.monotonic() < deadline, Counter(one.state for one in found)
                time.sleep(0.1)
    assert events >= changing.updates + len(changing.pushed) > 0
    assert len(found) == events * len(HOOKS)
    assert {one.state for one in found} == {"delivered"}
    arrived = Counter(one.headers["X-Request-UUID"] for one in receiver.kept)
    assert set(arrived) == {one.request_id for one in found}
    assert arrived.total() - len(arrived) <= kills * len(HOOKS)
    for hook in HOOKS:
        _expect_each_push([one for one in receiver.kept if one.target == hook], changing)


def _make_repository(url: str, headers: dict[str, str], receiver: str) -> None:
    repository = f"{url}/2.0/repositories/acme/widgets"
    with httpx.Client(headers=headers, timeout=60) as owner:
        assert owner.post(repository, json={}).status_code == 200
        for path in HOOKS:
            hook = {"url": f"{receiver}{path}", "description": "", "events": list(EVENTS)}
            assert owner.post(f"{repository}/hooks", json=hook).status_code == 201


def _is_at_work(found: list[Delivery], events: int) -> bool:
    return len(found) < events * len(HOOKS) or any(one.state == "pending" for one in found)


def _expect_each_push(heard: list[Arrived], changing: Changing) -> None:
    """Expect each push once, in a chain up to the last one: each begins where another ended.

    What a killed host did not record becomes known after the next start, maybe after a later push.
    """
    once = {one.headers["X-Request-UUID"]: one for one in heard if one.event == "repo:push"}
    changes = [change for one in once.values() for change in json.loads(one.body)["push"]["changes"]]
    olds, news = ([change[side] and change[side]["target"]["hash"] for change in changes] for side in ("old", "new"))
    last = changing.work.head()
    assert Counter([*olds, last]) == Counter([None, *news])
    assert {*changing.pushed, last} <= {*news}
