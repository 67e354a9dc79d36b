"""`kill -9` in the middle: what was answered is there, and nothing is half there."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest

from roadstead.domain import installations
from roadstead.model import Installation
from roadstead.settings import Settings
from tests.live import AppClient, LiveHost, recording_app

VALUES = "/2.0/addon/linkers/tickets/values"
ROUNDS = 5


@contextlib.contextmanager
def _process(data: Path) -> Iterator[tuple[LiveHost, "subprocess.Popen[bytes]"]]:
    """`roadstead serve` as its own process, answering."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "roadstead", "serve", "--data", str(data), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url)
        yield LiveHost(url, Settings(data=data, base_url=url, port=port)), process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        process.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/-/health/ready").status_code == 200:
                return
        assert time.monotonic() < deadline, "the host did not start"
        time.sleep(0.02)


def _stored(api: AppClient) -> list[str]:
    page = api("GET", f"{VALUES}?pagelen=100").json()
    assert page["size"] == len(page["values"])
    return [value["value"] for value in page["values"]]


def _change_until_killed(
    api: AppClient, process: "subprocess.Popen[bytes]", after: float, stored: list[str]
) -> tuple[list[str], list[str]]:
    """PUT one set after the other until the process is killed: the last set answered, and the one under way."""
    threading.Timer(after, lambda: process.send_signal(signal.SIGKILL)).start()
    answered = stored
    for number in itertools.count():
        under_way = [f"N{number}-{item}" for item in range(90 + number % 2)]
        try:
            assert api("PUT", VALUES, json=under_way).status_code == 204
        except (httpx.TransportError, httpcore.NetworkError, httpcore.RemoteProtocolError):
            return answered, under_way
        answered = under_way
    raise AssertionError


@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(20, marks=pytest.mark.slow)])
def test_a_kill_during_bulk_changes_loses_and_halves_nothing(tmp_path: Path, rounds: int) -> None:
    """After the restart the set is the last one answered, or the one that was under way, and always whole."""
    with recording_app() as app:
        with _process(tmp_path) as (host, _):
            installation = host.install(app)
        stored: list[str] = []
        for round_number in range(rounds):
            with _process(tmp_path) as (host, process):
                delay = 0.03 + 0.02 * round_number
                api = AppClient(host.url, installation)
                answered, under_way = _change_until_killed(api, process, delay, stored)
            with _process(tmp_path) as (host, _):
                stored = _stored(AppClient(host.url, installation))
                assert stored in (answered, under_way)


@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(20, marks=pytest.mark.slow)])
def test_a_kill_during_an_installation_leaves_nothing_half_installed(tmp_path: Path, rounds: int) -> None:
    """Killed while the app is being asked, a first installation is gone and a reinstallation is undone."""
    with recording_app() as app, _process(tmp_path) as (host, _):
        installed: Installation | None = None
        for round_number in range(rounds):
            _kill_installer_inside_handshake(host, app, tmp_path)
            credentials = app.calls("installed")[-1].body
            now = host.work(lambda opened: installations.list_apps(opened, app_key=app.key))
            assert AppClient(host.url, _caller(credentials))("GET", VALUES).status_code == 401
            if installed is None:
                assert now == []
            else:
                assert now == [installed]
                assert _stored(AppClient(host.url, installed)) == ["KEPT"]
            if round_number == rounds // 2:
                installed = host.install(app)
                AppClient(host.url, installed)("PUT", VALUES, json=["KEPT"])


def _kill_installer_inside_handshake(host: LiveHost, app: Any, data: Path) -> None:
    """Start `roadstead install` and kill it when the app has the call but has not answered."""
    asked = threading.Event()

    async def never_answer(body: dict[str, Any]) -> None:
        asked.set()
        import asyncio

        await asyncio.sleep(0.5)

    app.on_installed = never_answer
    command = [sys.executable, "-m", "roadstead", "install", app.descriptor_url, "--yes", "--data", str(data)]
    environment = {**os.environ, "ROADSTEAD_BASE_URL": host.url}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    assert asked.wait(20)
    # While somebody waits for the answer, the new credentials are good.
    assert AppClient(host.url, _caller(app.received[-1].body))("GET", VALUES).status_code == 200
    process.send_signal(signal.SIGKILL)
    process.wait()
    app.on_installed = None


def _caller(body: dict[str, Any]) -> Any:
    class Credentials:
        app_key, client_key, shared_secret = body["key"], body["clientKey"], body["sharedSecret"]

    return Credentials


def test_a_promised_farewell_is_sent_after_a_crash(tmp_path: Path) -> None:
    """An app that deleted itself is told by the next process, if the first one died before it could."""
    with recording_app() as app:
        with _process(tmp_path) as (host, _):
            installation = host.install(app)
        # The removal is stored, and the process ends before the call: just what a kill at that moment leaves.
        host.work(lambda opened: _uninstall_without_telling(opened, installation.id))
        assert app.received[-1].path == "/installed"
        with _process(tmp_path):
            assert app.calls("uninstalled")[0].body["clientKey"] == installation.client_key


async def _uninstall_without_telling(opened: Any, installation_id: int) -> None:
    await installations.uninstall(opened, installation_id)
