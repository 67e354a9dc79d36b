"""Several workers are one host: they add up their counts, and a killed one is replaced."""

import http.client
import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Roadstead, running

ROUTE = 'roadstead_request_duration_seconds_count{method="GET",route="/-/health/live",status="2xx"}'


def _figures(port: int) -> dict[str, float]:
    """Return the metrics of one worker; the worker that accepts a new connection first answers it."""
    lines = _get(port, "/-/metrics").decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines) if name[0] != "#"}


def _get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()
    return body


def _until(port: int, happened: Callable[[dict[str, float]], bool], *, times: int) -> dict[str, float]:
    """Return the metrics once they are as expected so many times in a row; meanwhile no counter may go back."""
    in_a_row, counted, deadline = 0, 0.0, time.monotonic() + 30
    while in_a_row < times:
        figures = _figures(port)
        assert figures.get(ROUTE, 0) >= counted
        counted = figures.get(ROUTE, 0)
        in_a_row = in_a_row + 1 if happened(figures) else 0
        assert time.monotonic() < deadline, figures
    return figures


def _workers(pid: int) -> list[int]:
    """Return the processes that serve; another child is one of Python's own."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def test_workers_add_up_and_one_that_is_killed_takes_nothing_along(roadstead: Roadstead) -> None:
    """Every worker reports all counts; with `kill -9` no counter goes back, and the log says which one ended."""
    with running(roadstead, "--workers", "2") as (process, base_url):
        port = int(base_url.rpartition(":")[2])
        _until(port, lambda figures: figures["roadstead_workers"] == 2, times=5)
        for _ in range(20):
            _get(port, "/-/health/live")
        _until(port, lambda figures: figures[ROUTE] == 20, times=10)
        victim = _workers(process.pid)[0]
        os.kill(victim, 9)
        assert process.stderr is not None
        line = json.loads(process.stderr.readline())
        figures = _until(port, lambda figures: figures["roadstead_workers"] == 2, times=5)
        assert figures[ROUTE] == 20
        process.terminate()
        assert process.wait(timeout=20) == 0
    assert (line["level"], line["logger"]) == ("ERROR", "roadstead.workers")
    assert line["message"].startswith(f"Worker {victim} ended with exit code -9; ")


@pytest.mark.slow
def test_a_worker_is_replaced_while_another_process_holds_the_database(roadstead: Roadstead) -> None:
    """The new worker serves immediately, and the host continues."""
    with running(roadstead, "--workers", "2") as (process, base_url):
        port = int(base_url.rpartition(":")[2])
        _until(port, lambda figures: figures["roadstead_workers"] == 2, times=3)
        victim, other = _workers(process.pid)
        with closing(sqlite3.connect(roadstead.data / "roadstead.db", isolation_level=None)) as holding:
            holding.execute("BEGIN IMMEDIATE")
            os.kill(victim, 9)
            deadline = time.monotonic() + 30
            while len(now := _workers(process.pid)) != 2 or victim in now:
                assert time.monotonic() < deadline, now
                time.sleep(0.05)
            assert other in now
            _until(port, lambda figures: figures["roadstead_workers"] == 2, times=5)
        assert process.poll() is None


@pytest.mark.slow
def test_a_worker_that_stands_still_for_a_while_is_not_killed(roadstead: Roadstead) -> None:
    """One that says nothing for ten seconds, as on a machine with too much work, continues with its work."""
    with running(roadstead, "--workers", "2") as (process, base_url):
        port = int(base_url.rpartition(":")[2])
        _until(port, lambda figures: figures["roadstead_workers"] == 2, times=3)
        before = _workers(process.pid)
        os.kill(before[0], signal.SIGSTOP)
        time.sleep(10)
        os.kill(before[0], signal.SIGCONT)
        _until(port, lambda figures: figures["roadstead_workers"] == 2, times=5)
        assert _workers(process.pid) == before


@pytest.mark.slow
def test_workers_end_with_their_parent(roadstead: Roadstead) -> None:
    """A parent that is killed leaves no process behind that would keep the port and the database."""
    with running(roadstead, "--workers", "2") as (process, base_url):
        _until(int(base_url.rpartition(":")[2]), lambda figures: figures["roadstead_workers"] == 2, times=3)
        workers = _workers(process.pid)
        assert len(workers) == 2
        process.kill()
        process.wait()
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, workers
        time.sleep(0.05)
