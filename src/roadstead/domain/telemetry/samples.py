"""The content of `/-/metrics`: the families of metrics, and this process's samples of each.

The figures of several processes are added up, so a family has only figures whose sum is meaningful.
"""

import asyncio
import gc
import os
import platform
import resource
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from roadstead.domain.apps.lifecycle import count_pending_calls
from roadstead.domain.host import Host
from roadstead.domain.linking.workspaces import WorkspaceLinkers
from roadstead.domain.telemetry.metrics import Durations
from roadstead.domain.telemetry.readiness import PATIENCE_SECONDS
from roadstead.errors import StorageUnavailable
from roadstead.storage import check_writable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Family:
    """Metrics of one name. The exposition adds `_total` to the names of counters."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    about: str
    labels: tuple[str, ...] = ()


FAMILIES = {
    family.name: family
    for family in (
        Family("roadstead_build_info", "gauge", "The version that runs; the value is 1.", ("version", "python")),
        Family("roadstead_workers", "gauge", "Processes that answer requests."),
        Family(
            "roadstead_request_duration_seconds",
            "histogram",
            "Requests, from their arrival to the end of the answer.",
            ("method", "route", "status"),
        ),
        Family(
            "roadstead_refused_requests",
            "counter",
            "Requests that were no HTTP, too large, too slow, or that there was no room for.",
            ("status", "reason"),
        ),
        Family(
            "roadstead_closed_connections",
            "counter",
            "Connections closed to make room, or because an answer was not taken, or its rest could not be made.",
            ("reason",),
        ),
        Family(
            "roadstead_linkify_duration_seconds",
            "histogram",
            "Texts that were linked, by the engine of the slowest of their linkers.",
            ("engine",),
        ),
        Family("roadstead_links", "counter", "Links made."),
        Family("roadstead_linker_limits", "counter", "Times a linker met a limit on a text.", ("limit",)),
        Family("roadstead_parked_linkers", "gauge", "Linkers that are parked, counted by each worker for itself."),
        Family(
            "roadstead_pending_calls",
            "gauge",
            "Lifecycle calls that the host still has to make, or gave up.",
            ("state",),
        ),
        Family("roadstead_database_up", "gauge", "Whether the database answered just now."),
        Family("roadstead_database_writable", "gauge", "Whether a change was stored just now."),
        Family("roadstead_database_connections", "gauge", "Connections to PostgreSQL.", ("state",)),
        Family(
            "roadstead_database_waiting",
            "gauge",
            "Requests that wait: to write or for the disk (SQLite), for a connection (PostgreSQL).",
        ),
        Family("roadstead_unrecorded_requests", "counter", "Calls that came too fast to be kept for /-/requests."),
        Family("process_cpu_seconds", "counter", "Processor time of the workers."),
        Family(
            "process_resident_memory_bytes", "gauge", "Resident memory of the workers; what they share counts twice."
        ),
        Family("process_open_fds", "gauge", "Open files and connections of the workers."),
        Family("python_gc_collections", "counter", "Times that the workers looked for garbage.", ("generation",)),
    )
}


class Sample(NamedTuple):
    """A figure. That of a histogram is the count at each bound, and then the sum of the seconds."""

    family: str
    labels: tuple[str, ...]
    figures: tuple[float, ...]


def process_samples(host: Host, linkers: WorkspaceLinkers) -> list[Sample]:
    """Return this process's counts and state. Labels may come more than once; `add_up` puts them together."""
    return [*_counted(host), *_now(host, linkers), *_operating_system()]


def _counted(host: Host) -> Iterator[Sample]:
    metrics = host.metrics
    for labels, durations in metrics.requests():
        yield _histogram("roadstead_request_duration_seconds", labels, durations)
    for engine, durations in metrics.linkified.items():
        yield _histogram("roadstead_linkify_duration_seconds", (engine,), durations)
    yield Sample("roadstead_links", (), (metrics.links,))
    for limit, count in metrics.limits.items():
        yield Sample("roadstead_linker_limits", (limit,), (count,))
    for reason, count in metrics.refused.items():
        yield Sample("roadstead_refused_requests", reason, (count,))
    for cause, count in metrics.closed.items():
        yield Sample("roadstead_closed_connections", (cause,), (count,))
    yield Sample("roadstead_unrecorded_requests", (), (host.recorder.left_out,))


def _histogram(name: str, labels: tuple[str, ...], durations: Durations) -> Sample:
    return Sample(name, labels, (*durations.counts, durations.seconds))


def _now(host: Host, linkers: WorkspaceLinkers) -> Iterator[Sample]:
    yield Sample("roadstead_workers", (), (1,))
    yield Sample("roadstead_parked_linkers", (), (len(linkers.records.parked()),))
    load = host.store.database.load()
    for state, count in load.connections.items():
        yield Sample("roadstead_database_connections", (state,), (count,))
    yield Sample("roadstead_database_waiting", (), (load.waiting,))


def _operating_system() -> Iterator[Sample]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield Sample("process_cpu_seconds", (), (used.ru_utime + used.ru_stime,))
    for generation, statistics in enumerate(gc.get_stats()):
        yield Sample("python_gc_collections", (str(generation),), (statistics["collections"],))
    with suppress(OSError):  # only on Linux are these easy to read
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        yield Sample("process_resident_memory_bytes", (), (pages * os.sysconf("SC_PAGE_SIZE"),))
        yield Sample("process_open_fds", (), (sum(1 for _ in Path("/proc/self/fd").iterdir()),))


async def shared_samples(host: Host, version: str) -> list[Sample]:
    """Return the samples that are the same in every process; while the database is unreachable, only that it is."""
    samples = [Sample("roadstead_build_info", (version, platform.python_version()), (1,))]
    pending = await _in_time(count_pending_calls(host))
    samples.append(Sample("roadstead_database_up", (), (pending is not None,)))
    if pending is not None:
        states = {"waiting": pending.waiting, "overdue": pending.overdue, "given_up": pending.given_up}
        samples += [Sample("roadstead_pending_calls", (state,), (count,)) for state, count in states.items()]
    writable = pending is not None and await _in_time(_stored(host)) is not None
    return [*samples, Sample("roadstead_database_writable", (), (writable,))]


async def _stored(host: Host) -> bool:
    await check_writable(host.store, PATIENCE_SECONDS)
    return True


async def _in_time(answer: Awaitable[T]) -> T | None:
    """Return the database's answer, or `None` if it has none in time."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await answer
    except (StorageUnavailable, TimeoutError):
        return None


def add_up(samples: Iterable[Sample]) -> list[Sample]:
    """Return one sample for each name and labels, with the sums of the figures, in the order of `FAMILIES`."""
    sums: defaultdict[str, dict[tuple[str, ...], tuple[float, ...]]] = defaultdict(dict)
    for family, labels, figures in samples:
        known = sums[family].get(labels)
        sums[family][labels] = tuple(map(sum, zip(known, figures, strict=True))) if known else figures
    return [Sample(name, labels, figures) for name in FAMILIES for labels, figures in sorted(sums[name].items())]
