"""A host that is killed during changes and deliveries: each event is delivered, none is invented."""

import random
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from roadstead.domain.access import credentials
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from roadstead.listing import PageRequest
from roadstead.model.deliveries import Delivery
from roadstead.query import Comparison
from roadstead.settings import Settings
from roadstead.storage.deliveries import page_of_deliveries
from tests.events.scene import receiving
from tests.live import host_process, opened

HOOKS = 2


async def _make(host: Host) -> str:
    owner = await users.create_user(host, "ann")
    await workspaces.create_workspace(host, "acme", name=None, owner="ann")
    return (await credentials.create_api_token(host, "test", None, user_id=owner.id))[0]


async def _deliveries(host: Host) -> list[Delivery]:
    wanted = PageRequest(number=1, length=100_000, filter=Comparison("event", "=", "repo:updated"))
    return list((await page_of_deliveries(host.store.database, wanted)).items)


async def _events(host: Host) -> int:
    rows = await host.store.database.read("SELECT COUNT(*) FROM events WHERE key = ?", "repo:updated")
    return int(rows[0][0])


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, 200])
def test_a_killed_host_delivers_each_event(tmp_path: Path, kills: int) -> None:
    """Each event has one delivery for each hook, which arrived; one that arrived twice was the same request, sent again
    because its answer was lost.
    """
    data, settings = tmp_path / "data", Settings(data=tmp_path / "data")
    with opened(settings) as work:
        headers = {"Authorization": f"Bearer {work(_make)}"}
    answered = 0
    chance = random.Random(kills)

    def change_until(url: str, stopped: threading.Event, began: threading.Event) -> None:
        nonlocal answered
        while not stopped.is_set():
            try:
                changed = httpx.put(url, json={"description": str(time.perf_counter_ns())}, headers=headers, timeout=5)
            except httpx.HTTPError:
                return
            answered += changed.status_code == 200
            began.set()

    with receiving() as receiver:
        for kill in range(kills):
            with host_process(data, tmp_path / "log") as (host, _, process):
                url = f"{host.url}/2.0/repositories/acme/widgets"
                if not kill:
                    assert httpx.post(url, json={}, headers=headers).status_code == 200
                    hook = {"url": receiver.url, "description": "", "events": ["repo:updated"]}
                    for _ in range(HOOKS):
                        assert httpx.post(f"{url}/hooks", json=hook, headers=headers).status_code == 201
                stopped, began = threading.Event(), threading.Event()
                thread = threading.Thread(target=change_until, args=[url, stopped, began])
                thread.start()
                assert began.wait(30)
                time.sleep(chance.uniform(0, 0.3))
                process.kill()
                process.wait()
                stopped.set()
                thread.join()
        with host_process(data, tmp_path / "log"), opened(settings) as work:
            # The claims of a process that was killed run out after half a minute.
            deadline = time.monotonic() + 60
            events = work(_events)
            while len(found := work(_deliveries)) < events * HOOKS or any(one.state == "pending" for one in found):
                assert time.monotonic() < deadline, Counter(one.state for one in found)
                time.sleep(0.1)
    assert events >= answered > 0
    assert len(found) == events * HOOKS
    arrived = Counter(one.headers["X-Request-UUID"] for one in receiver.kept)
    assert set(arrived) == {one.request_id for one in found}
    assert {one.state for one in found} == {"delivered"}
    assert arrived.total() - len(arrived) <= kills * HOOKS
