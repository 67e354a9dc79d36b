"""One caller that requests all that it can, and the effect on others. `--log-cli-level INFO` shows the figures."""

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from roadstead.domain.host import Host
from roadstead.domain.linking import linkers
from tests.live import AppClient, LiveHost, host_process, recording_app

pytestmark = pytest.mark.slow

VALUES = "/2.0/addon/linkers/tickets/values"
MANY = 1_000_000
SLOW = f"{VALUES}?q=value~%22nothing%22"

log = logging.getLogger(__name__)


def test_writers_that_come_while_the_database_is_held_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """Another process holds SQLite's lock: each of six concurrent writers is refused within its own ten seconds."""
    with _host(tmp_path) as host, recording_app() as app:
        api = AppClient(host.url, host.install(app))
        with contextlib.closing(sqlite3.connect(tmp_path / "roadstead.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with _health(host) as health:
                waits = _at_once(6, lambda number: _send(api, "PUT", VALUES, json=[f"V{number}"]), 503)
            began = time.monotonic()
            assert httpx.get(f"{host.url}/-/requests", timeout=60).status_code == 200
            record = time.monotonic() - began
        log.info("six writers were refused after %s; the record was shown after %.1f s", _seconds(waits), record)
        log.info("%s", health)
        assert max(waits) < 15
        assert record < 5


def test_an_app_with_a_hundred_slow_filters_holds_up_no_other(tmp_path: Path) -> None:
    """Beside a hundred concurrent ones over a million values, another app's filter is answered after one of them."""
    with _host(tmp_path) as host, recording_app() as greedy, recording_app() as modest:
        installed, other = host.install(greedy), host.install(modest)
        host.work(lambda work: _fill(work, installed.id, MANY))
        host.work(lambda work: _fill(work, other.id, 5_000))
        attacker, api = AppClient(host.url, installed), AppClient(host.url, other)
        began = time.monotonic()
        assert _send(attacker, "GET", SLOW).status_code == 200
        alone = time.monotonic() - began
        with _health(host) as health, ThreadPoolExecutor(100) as threads:
            asked = [threads.submit(_send, attacker, "GET", SLOW) for _ in range(100)]
            time.sleep(1)
            waits = [_at_once(1, lambda _: _send(api, "GET", SLOW), 200)[0] for _ in range(3)]
            statuses = {one.result().status_code for one in asked}
        log.info("one takes %.1f s; the other app's filter was answered after %s; %s", alone, _seconds(waits), health)
        assert max(waits) < 10 * alone + 5
        assert statuses <= {200, 429, 503}


@contextlib.contextmanager
def _host(data: Path) -> Iterator[LiveHost]:
    with host_process(data, data.with_suffix(".log")) as (host, _, _process):
        yield host


async def _fill(host: Host, installation_id: int, count: int) -> None:
    await linkers.replace_values(host, installation_id, "tickets", [f"K{number}" for number in range(count)])


def _send(api: AppClient, method: str, target: str, **request: Any) -> httpx.Response:
    """Send a signed request on a separate connection: clients that share some would wait for each other."""
    headers = {"Authorization": f"JWT {api.token(method, target)}"}
    return httpx.request(method, f"{api._url}{target}", headers=headers, timeout=300, **request)


def _at_once(number: int, ask: Callable[[int], httpx.Response], status: int) -> list[float]:
    """Send so many requests concurrently; return the seconds of each answer. All must have the status."""

    def timed(one: int) -> float:
        began = time.monotonic()
        assert ask(one).status_code == status
        return time.monotonic() - began

    with ThreadPoolExecutor(number) as threads:
        return sorted(threads.map(timed, range(number)))


def _seconds(waits: list[float]) -> str:
    return ", ".join(f"{wait:.1f}" for wait in waits) + " s"


class _Health:
    """The durations of health checks."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def __str__(self) -> str:
        waits = sorted(self.waits)
        return f"health p99 {waits[len(waits) * 99 // 100] * 1000:.0f} ms, longest {waits[-1] * 1000:.0f} ms"


@contextlib.contextmanager
def _health(host: LiveHost) -> Iterator[_Health]:
    health, done = _Health(), threading.Event()

    def ask() -> Any:
        with httpx.Client(base_url=host.url, timeout=120) as client:
            while not done.wait(0.01):
                began = time.monotonic()
                assert client.get("/-/health/live").status_code == 200
                health.waits.append(time.monotonic() - began)

    with ThreadPoolExecutor(1) as thread:
        asking = thread.submit(ask)
        try:
            yield health
        finally:
            done.set()
            asking.result()
