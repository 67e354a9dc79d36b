"""Outages under load, of the database and of workers: nothing is lost or doubled, and the host continues."""

import contextlib
import itertools
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest

from tests import postgres
from tests.acceptance.test_uninstall_everywhere import _children
from tests.conftest import NewDatabase
from tests.live import AppClient, host_process, live_host, recording_app

pytestmark = pytest.mark.slow

VALUES = "/2.0/addon/linkers/tickets/values"
CALLERS = 6
GONE = (httpx.TransportError, httpcore.NetworkError, httpcore.RemoteProtocolError)


@dataclass
class Load:
    """Callers that each add values and read them, until they are stopped.

    `stored` values were answered with 201; those answered otherwise, or not at all, are `uncertain`.
    """

    api: AppClient
    stored: set[str] = field(default_factory=set)
    uncertain: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    without_advice: list[str] = field(default_factory=list)
    failed: list[tuple[float, float]] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._call, args=(name,)) for name in range(CALLERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()

    def _call(self, name: int) -> None:
        for number in itertools.count():
            if self._stopped.is_set():
                return
            value = f"C{name}-{number}"
            answer = self._ask("POST", VALUES, json={"value": value})
            if answer is not None and answer.status_code == 201:
                self.stored.add(value)
                self._ask("GET", f"{VALUES}/{answer.json()['id']}")
            else:
                self.uncertain.add(value)

    def _ask(self, method: str, target: str, **request: Any) -> httpx.Response | None:
        started = time.monotonic()
        try:
            answer = self.api(method, target, **request)
        except GONE:
            self.failed.append((started, time.monotonic()))
            return None
        self.statuses[answer.status_code] += 1
        if answer.status_code == 503 and "Retry-After" not in answer.headers:
            self.without_advice.append(answer.text)
        return answer

    def goes_on(self) -> None:
        """Wait until another value has been stored."""
        before = len(self.stored)
        _until(lambda: len(self.stored) > before + CALLERS)

    def check(self) -> None:
        """Check that every answered value exists, once, and no value that was not sent."""
        found: list[str] = []
        page = self.api("GET", f"{VALUES}?pagelen=100").json()
        size = page["size"]
        while True:
            found += [value["value"] for value in page["values"]]
            if "next" not in page:
                break
            page = self.api("GET", page["next"].removeprefix(self.api._url)).json()
        assert len(found) == size == len(set(found))
        assert self.stored <= set(found) <= self.stored | self.uncertain


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it did not go on"
        time.sleep(0.02)


def test_a_database_that_is_restarted_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """While the database is down there are 503s with `Retry-After`, and then everything continues without a restart of
    the host.
    """
    try:
        stack = contextlib.ExitStack()
        server = stack.enter_context(postgres.running_server())
    except postgres.NoServer as exc:
        pytest.skip(str(exc))
    with stack, recording_app() as app, live_host(tmp_path, database_url=server.new_database()) as host:
        load = Load(AppClient(host.url, host.install(app)))
        with load.running():
            for _ in range(4):
                load.goes_on()
                refused = load.statuses[503]
                server.stop()
                _until(lambda: load.statuses[503] > refused + CALLERS)  # noqa: B023  # it is looked at in this round
                server.start()
            load.goes_on()
        load.check()
        assert load.statuses.keys() == {200, 201, 503}
        assert (load.without_advice, load.failed) == ([], [])


def test_workers_that_are_killed_lose_what_they_had_in_flight_and_nothing_else(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    """One of two at a time, while others continue: no answered value is lost, and no other request fails."""
    url = new_database()
    environ = {"ROADSTEAD_WORKERS": "2", **({} if url is None else {"ROADSTEAD_DATABASE_URL": url})}
    with recording_app() as app, host_process(tmp_path, tmp_path / "log", **environ) as (host, _, process):
        load = Load(AppClient(host.url, host.install(app)))
        kills = []
        with load.running():
            for number in range(6):
                load.goes_on()
                _until(lambda: len(_workers(process.pid)) == 2)
                victim = _workers(process.pid)[number % 2]
                started = time.monotonic()
                os.kill(victim, signal.SIGKILL)
                # Its connections are open until the system has removed it; only then is its process id gone.
                _until(lambda: not Path(f"/proc/{victim}").exists())  # noqa: B023  # it is looked at in this round
                kills.append((started, time.monotonic()))
            load.goes_on()
        load.check()
        assert load.statuses.keys() <= {200, 201}
        for began, ended in load.failed:
            assert any(began < gone and killed < ended for killed, gone in kills), "a request failed on its own"


def _workers(supervisor: int) -> list[int]:
    """Return the child processes that answer requests: they were spawned, and are not a tracker of resources."""
    return [child for child in _children(supervisor) if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
