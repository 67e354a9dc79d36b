"""Deliveries of events: from a push to the first byte at a subscriber, many at once, and beside a million old ones."""

import asyncio
import json
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

from bench import servers
from bench.figures import Figure
from bench.scratch import scratch_folder
from roadstead.domain.access import credentials
from roadstead.domain.host import Host, open_host
from roadstead.domain.people import users, workspaces
from roadstead.settings import Settings

SINGLE = 100
PUSHES = 1_000
HOOKS = 5
PUSHERS = 4
"""At the same time, so that the host does not wait for the next push while one waits for its disk."""
OLD = 1_000_000
PATIENCE_SECONDS = 120.0
_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class _Subscriber(asyncio.Protocol):
    """Answers each request, and notes the time of its first byte."""

    def __init__(self, arrived: list[float]) -> None:
        self._arrived = arrived
        self._missing = 0
        self._head = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if not self._missing:
            if not self._head:
                self._arrived.append(time.perf_counter())
            self._head += data
            head, end, rest = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            self._missing, self._head, data = int(length.partition(b":")[2]), b"", rest
        self._missing -= len(data)
        if not self._missing:
            self._transport.write(_ANSWER)


@contextmanager
def _subscriber() -> Iterator[tuple[str, list[float]]]:
    """Yield the address of a subscriber, and the times at which deliveries arrive."""
    arrived: list[float] = []
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: _Subscriber(arrived), "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", arrived
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()


async def _make(data: Path) -> str:
    async def make(host: Host) -> str:
        owner = await users.create_user(host, "owner")
        await workspaces.create_workspace(host, "acme", name=None, owner="owner")
        return (await credentials.create_api_token(host, "bench", None, user_id=owner.id))[0]

    async with open_host(Settings(data=data)) as host:
        return await make(host)


class _Pusher:
    """Changes refs of a repository, each of which is an event `repo:push`. `first` numbers the first one."""

    def __init__(self, url: str, token: str, first: int = 1) -> None:
        self._url, self._token, self._numbers = f"{url}/2.0/repositories/acme/widgets", token, count(first)

    def call(self, path: str, **body: Any) -> None:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._url}{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:  # our own host
            answer.read()

    def prepare(self) -> None:
        """Create the repository, with a commit."""
        self.call("")
        form = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/x-www-form-urlencoded"}
        first = urllib.request.Request(f"{self._url}/src", b"a=b", form)
        urllib.request.urlopen(first).close()

    def add_hooks(self, url: str, number: int) -> None:
        for _ in range(number):
            self.call("/hooks", url=url, description="", events=["repo:push"])

    def next_number(self) -> int:
        return next(self._numbers)

    def push(self) -> None:
        self.call("/refs/tags", name=f"v{next(self._numbers)}", target={"hash": "main"})


def figures() -> Iterator[Figure]:
    """Yield the figures, of the same subscriber on the same host."""
    with scratch_folder() as data, _subscriber() as (url, arrived):
        token = asyncio.run(_make(data))
        with servers.roadstead(data) as server:
            pusher = _Pusher(f"http://127.0.0.1:{server.port}", token)
            pusher.prepare()
            pusher.add_hooks(url, 1)
            yield from _latency(pusher, arrived)
            pusher.add_hooks(url, HOOKS - 1)
            plain = _drain(server, pusher, arrived)
            yield Figure("deliveries a second, beside pushes", plain.rate, "/s", "least", 300)
        _add_old(data)
        with servers.roadstead(data) as server:
            again = _Pusher(f"http://127.0.0.1:{server.port}", token, first=pusher.next_number())
            again.push()  # imports, as the first server did before
            _await(arrived, PUSHES * HOOKS + HOOKS)
            slower = _drain(server, again, arrived).processor / plain.processor
            yield Figure("processor time beside a million old ones", slower, "times", "most", 1.2)


def _latency(pusher: _Pusher, arrived: list[float]) -> Iterator[Figure]:
    """Yield how soon a delivery arrives, after the first, for which a host imports what it sends with."""
    arrived.clear()
    pusher.push()
    _await(arrived, 1)
    took = []
    for _ in range(SINGLE):
        arrived.clear()
        pusher.push()
        answered = time.perf_counter()
        _await(arrived, 1)
        took.append(1000 * max(arrived[0] - answered, 0))
        time.sleep(0.05)
    yield Figure("push answered to first byte, median", median(took), "ms", "most", 30)
    yield Figure("push answered to first byte, p99", quantiles(took, n=100)[98], "ms", "most", 150)


class _Drained(NamedTuple):
    """How many deliveries a second arrived, and the seconds of processor time that the server took for all."""

    rate: float
    processor: float


def _drain(server: servers.Server, pusher: _Pusher, arrived: list[float]) -> _Drained:
    """Measure from the first push to the last delivery. The processor time does not depend on what else is running."""
    arrived.clear()
    began, busy = time.perf_counter(), server.cpu_seconds()
    with ThreadPoolExecutor(PUSHERS) as pushers:
        for push in [pushers.submit(pusher.push) for _ in range(PUSHES)]:
            push.result()
    _await(arrived, PUSHES * HOOKS)
    return _Drained(PUSHES * HOOKS / (time.perf_counter() - began), server.cpu_seconds() - busy)


def _await(arrived: list[float], count: int) -> None:
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while len(arrived) < count:
        if time.perf_counter() > deadline:
            raise SystemExit(f"{len(arrived)} of {count} deliveries arrived.")
        time.sleep(0.002)


def _add_old(data: Path) -> None:
    """Add delivered deliveries, which are kept."""
    (data / "roadstead.toml").write_text("keep_deliveries = 10000000\n", "utf-8")
    with sqlite3.connect(data / "roadstead.db") as database:
        database.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO deliveries (time, event, hook, url, request_id, state, workspace, lane, target, content, "
            "event_time) SELECT time, event, hook, url, request_id, 'delivered', workspace, lane, target, content, "
            "event_time FROM n, (SELECT * FROM deliveries ORDER BY id LIMIT 1)",
            (OLD,),
        )
