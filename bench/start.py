"""Starting: from the start of the process to the first answer, and the memory of a host that waits for work."""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench import servers
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


def _start(data: Path) -> tuple[float, float]:
    with servers.roadstead(data) as server:
        time.sleep(SETTLING_SECONDS)
        return server.started_in, server.resident_megabytes()
