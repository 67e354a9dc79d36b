"""Server processes, each alone on the server's processor while it is measured."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import cores
from roadstead.domain.traffic.recording import PAUSE_SECONDS

PATIENCE_SECONDS = 60
_IDLE_SECONDS = PAUSE_SECONDS + 0.1
_IDLE_SHARE = 0.1
"""Of a processor: what servers together may use while they have no requests."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers on loopback. `started_in` is the time from its process's start to its first answer."""

    pid: int
    port: int
    started_in: float

    def cpu_seconds(self) -> float:
        """Return its processor time so far, with that of its workers and of ended threads."""
        # The value of clock_getcpuclockid(3) on Linux; Python has no name for it.
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in (self.pid, *self.workers()))

    def workers(self) -> list[int]:
        """Return the processes that it has started."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii").split()]

    def resident_megabytes(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024 / 1e6


@contextlib.contextmanager
def running(
    command: Sequence[str], port: int, *, path: str = "/", processors: Collection[int] = (cores.SERVER,)
) -> Iterator[Server]:
    """Start a server that will listen on `port`, wait for its first answer at `path`, and stop it at the end."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.sched_setaffinity(process.pid, processors)  # it has no threads yet
    try:
        _wait_for_answer(process, port, path)
        yield Server(process.pid, port, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


@contextlib.contextmanager
def hello() -> Iterator[Server]:
    port = free_port()
    with running([sys.executable, "-m", "bench.hello", str(port)], port) as server:
        yield server


@contextlib.contextmanager
def roadstead(data: Path, *, workers: int = 1) -> Iterator[Server]:
    """Run `roadstead serve`, as a user starts it, on the state in `data`; several workers have all processors."""
    port = free_port()
    command = [sys.executable, "-m", "roadstead", "serve", "--port", str(port), "--data", str(data)]
    command += ["--workers", str(workers)]
    processors = {cores.SERVER} if workers == 1 else {cores.SERVER, cores.OURS}
    with running(command, port, path="/-/health/live", processors=processors) as server:
        yield server


def wait_until_idle(servers: Collection[Server]) -> None:
    """Wait until no server works, so that none takes the processor of the one that is measured next.

    After a load and a pause, `roadstead` writes its records of the latest requests, for a fifth of a second. Raise
    `SystemExit` for a server that goes on working.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        used = sum(server.cpu_seconds() for server in servers)
        time.sleep(_IDLE_SECONDS)
        if sum(server.cpu_seconds() for server in servers) - used < _IDLE_SECONDS * _IDLE_SHARE:
            return
        if time.monotonic() > deadline:
            raise SystemExit("A server goes on working though it has no requests.")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def _wait_for_answer(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _answers(port, path):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"This server does not answer: {process.args!r}")
        time.sleep(0.001)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except OSError:
        return False
    finally:
        connection.close()
    return True
