"""Start-up: from the start of the process to the first answer, the memory of an idle host, and pagers."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench import servers
from bench.app import install
from bench.figures import Figure
from bench.scratch import scratch_folder

ROUNDS = 5
SETTLING_SECONDS = 1.0


def figures() -> Iterator[Figure]:
    first, later, memory = [], [], []
    for _ in range(ROUNDS):
        with scratch_folder() as data:
            first.append(_start(data)[0])
            seconds, megabytes = _start(data)
            later.append(seconds)
            memory.append(megabytes)
    yield Figure("first answer, in a new data folder", median(first), "s", "most", 0.5)
    yield Figure("first answer, started again", median(later), "s", "most", 0.5)
    yield Figure("resident memory, idle", median(memory), "MB", "most", 70)
    yield from _pagers()


def _pagers() -> Iterator[Figure]:
    """Take turns, so that a change of the machine's speed affects all."""
    with scratch_folder() as data:
        install(data)
        linkify = [sys.executable, "-m", "roadstead", "linkify", "--color", "always", "--data", str(data)]
        commands = {
            "beside a host": linkify,
            "without the host": [*linkify, "--linkers-without-values", "everything"],
            "bare": [sys.executable, "-c", "pass"],
        }
        took: dict[str, list[float]] = {name: [] for name in commands}
        with servers.roadstead(data):
            for _ in range(3 * ROUNDS):
                for name, command in commands.items():
                    took[name].append(_first_line(command))
    bare = f"python -c pass: {1000 * median(took['bare']):.0f} ms"
    yield Figure("first line of linkify, beside a host", 1000 * median(took["beside a host"]), "ms", "most", 100, bare)
    yield Figure("first line of linkify, without it", 1000 * median(took["without the host"]), "ms", note=bare)


def _first_line(command: list[str]) -> float:
    """Return the seconds from the start of a process to the first line that it prints, or to its end."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"BB-1: open the harbour\n")
        process.stdin.flush()
        process.stdout.readline()
        return time.perf_counter() - began


def _start(data: Path) -> tuple[float, float]:
    with servers.roadstead(data) as server:
        time.sleep(SETTLING_SECONDS)
        return server.started_in, server.resident_megabytes()
