"""Uninstalled is uninstalled: right after the 204, no worker of any host accepts the app any more."""

import http.client
import json
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from roadstead.model import Installation
from tests.conftest import NewDatabase
from tests.live import AppClient, LiveHost, host_process, recording_app

LINKERS = "/2.0/addon/linkers"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc says which worker answers a connection")


class Worker:
    """A connection that stays open, and so is answered by the same worker."""

    def __init__(self, host: LiveHost) -> None:
        self._host = host
        self._connection = http.client.HTTPConnection(urlsplit(host.url).netloc, timeout=20)
        self._connection.connect()

    def close(self) -> None:
        self._connection.close()

    @property
    def ports(self) -> tuple[int, int]:
        """Return the ports of both ends: the worker's and ours."""
        return urlsplit(self._host.url).port or 0, self._connection.sock.getsockname()[1]

    def asks(self, installation: Installation, method: str = "GET", target: str = LINKERS) -> int:
        """Return the status that the app gets."""
        token = AppClient(self._host.url, installation).token(method, target)
        return self._send(method, target, b"", {"Authorization": f"JWT {token}"})[0]

    def links(self, text: str, workspace: str) -> int:
        """Return the number of links in a text."""
        question = json.dumps({"text": text, "workspace": workspace, "format": "json"}).encode()
        status, answer = self._send("POST", "/-/linkify", question, {"Content-Type": "application/json"})
        assert status == 200, answer
        return len(json.loads(answer)["links"])

    def _send(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self._connection.request(method, target, body, dict(headers))
        answer = self._connection.getresponse()
        return answer.status, answer.read()


@contextmanager
def _every_worker(host: LiveHost, supervisor: int, count: int) -> Iterator[list[Worker]]:
    """Yield a connection to each worker of a host, among which the system chooses at random."""
    deadline = time.monotonic() + 30
    found: dict[int, Worker] = {}
    with ExitStack() as stack:
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} workers have answered"
            worker = Worker(host)
            stack.callback(worker.close)
            worker._send("GET", "/-/health/live", b"", {})
            process = _process_that_answers(worker.ports, _children(supervisor))
            if process is not None:
                found.setdefault(process, worker)
        yield list(found.values())


def _children(process: int) -> list[int]:
    """Return the child processes and theirs, because the interpreter starts workers through another process."""
    found = [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return [*found, *(grandchild for child in found for grandchild in _children(child))]


def _process_that_answers(ports: tuple[int, int], processes: list[int]) -> int | None:
    line = re.search(r"^.*:{:04X} \w+:{:04X} .*$".format(*ports), Path("/proc/net/tcp").read_text(), re.MULTILINE)
    if line is None:
        return None
    socket = f"socket:[{line[0].split()[9]}]"
    return next((process for process in processes if socket in _open_files(process)), None)


def _open_files(process: int) -> set[str]:
    return {str(file.readlink()) for file in Path(f"/proc/{process}/fd").iterdir() if file.is_symlink()}


@contextmanager
def _two_hosts(data: Path, url: str | None, workers: int) -> Iterator[tuple[LiveHost, list[list[Worker]]]]:
    """Yield one of two hosts on the same state, and for both a connection to each of its workers."""
    environ = {"ROADSTEAD_WORKERS": str(workers), **({} if url is None else {"ROADSTEAD_DATABASE_URL": url})}
    with ExitStack() as stack:
        hosts = [stack.enter_context(host_process(data, data / f"log {number}", **environ)) for number in (1, 2)]
        found = [stack.enter_context(_every_worker(host, process.pid, workers)) for host, _, process in hosts]
        yield hosts[0][0], found
        for _, _, process in hosts:
            process.send_signal(signal.SIGTERM)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_no_worker_knows_an_app_after_the_204(tmp_path: Path, new_database: NewDatabase, count: int) -> None:
    """Each had it in its cache; after an uninstallation by one, all others refuse its token and link nothing."""

    def told(installation: Installation) -> list[tuple[int, int]]:
        return [(one.asks(installation), one.links("BB-1", "local")) for one in every_worker]

    with recording_app() as app, _two_hosts(tmp_path, new_database(), count) as (host, workers):
        every_worker = [worker for of_host in workers for worker in of_host]
        assert len(every_worker) == 2 * count
        for leaving in (of_host[0] for of_host in workers):
            installation = host.install(app)
            assert told(installation) == [(200, 1)] * len(every_worker)
            assert leaving.asks(installation, "DELETE", "/2.0/addon") == 204
            assert told(installation) == [(401, 0)] * len(every_worker)
