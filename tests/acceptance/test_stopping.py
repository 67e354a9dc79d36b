"""The end of a host: it waits for nothing that may never come."""

import asyncio
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from roadstead.domain.host import open_host
from roadstead.settings import Settings
from tests.live import AppClient, live_host, recording_app

VALUES = "/2.0/addon/linkers/tickets/values"


def test_a_request_that_does_not_come_is_given_up(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """When the time for it is over, each gets a 503 that says so, as a page or not, and the log has no traceback."""
    with recording_app() as app, live_host(tmp_path) as host:
        api = AppClient(host.url, host.install(app))
        api("PUT", VALUES, json=["BEFORE"])
        head = f"Host: x\r\nAuthorization: JWT {api.token('PUT', VALUES)}\r\nContent-Length: 9\r\n"
        head += "Expect: 100-continue\r\n\r\n"
        waiting = [
            _sent(host.url, f"PUT {VALUES} HTTP/1.1\r\n{head}"),
            _sent(host.url, f"POST /-/sign-in HTTP/1.1\r\n{head}"),
        ]
        assert api("GET", VALUES).json()["size"] == 1
    for connection, kind in zip(waiting, (b"application/json", b"text/html"), strict=True):
        answer = connection.recv(65536)
        connection.close()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in answer.lower()
        assert kind in answer
    log = capfd.readouterr().err
    assert "Cancel 2 running task" in log
    assert "Traceback" not in log


def _sent(url: str, request: str) -> socket.socket:
    connection = socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=10)
    connection.sendall(request.encode())
    assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n", "the host waits for the body"
    return connection


def test_work_after_an_answer_is_not_waited_for_without_end(tmp_path: Path) -> None:
    """Deferred work has a little time; hanging work is dropped."""
    done = []

    async def quick() -> None:
        await asyncio.sleep(0)
        done.append("quick")

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            done.append("endless")

    async def work() -> None:
        async with open_host(Settings(data=tmp_path), finish_seconds=0.2) as host:
            host.run_later(quick())
            host.run_later(endless())

    asyncio.run(asyncio.wait_for(work(), 10))
    assert done == ["quick", "endless"]
