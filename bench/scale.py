"""The cost of the number of a linker's values: no time may grow with it.

Each size has a separate workspace with one linker, and gets the same requests in turn.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median

from bench import load, servers
from bench.api import PAGE, Workload, measure, new_values, repeated
from bench.app import App, Client, install_in, linkify_request, values_path
from bench.figures import Figure
from bench.scratch import scratch_folder
from roadstead.domain.host import Host
from roadstead.domain.linking import linkers
from roadstead.model import Installation
from roadstead.storage.linkers import replace_values

SIZES = (1_000, 100_000, 1_000_000, 10_000_000)
MOST = 1.5
"""Times the cost at the smallest size."""
LINKER = "reads"
TEXT = "Merge branch 'bugfix-K{}-12-fix-hull' into main\n\nFixes K7-7 and X-1, see https://example.com/a for more.\n"


def figures(_: argparse.Namespace) -> Iterator[Figure | str]:
    with scratch_folder() as data:
        apps = dict(zip(SIZES, _filled(data), strict=True))
        with servers.roadstead(data) as server:
            workloads: dict[tuple[str, int], Workload] = {}
            for size, app in apps.items():
                with closing(Client(app, server.port)) as client:
                    began = time.perf_counter()
                    client.call("POST", "/-/linkify", {"text": TEXT.format(1), "workspace": _workspace(size)})
                    yield f"{size:,} values: the first text took {time.perf_counter() - began:.2f} s"
                    workloads |= {(what, size): work for what, work in _workloads(client, server, size)}
            yield from _report(measure(workloads))
            yield Figure("memory with all values compiled", server.resident_megabytes(), "MB")


def _report(runs: dict[tuple[str, int], list[load.Run]]) -> Iterator[Figure]:
    for (what, size), ours in runs.items():
        pairs = zip(ours, runs[what, SIZES[0]], strict=True)
        ratio = median(run.cost / smallest.cost for run, smallest in pairs)
        cost = median(run.cost for run in ours)
        yield Figure(f"{what}, {size:,} values", ratio, "× 1,000", "most", MOST, f"{cost:.0f} µs each")


def _filled(data: Path) -> list[App]:
    sizes = iter(SIZES)

    async def fill(host: Host, made: Installation) -> None:
        linker = await linkers.get_linker(host, made.id, LINKER)
        async with host.store.database.transaction() as tx:
            await replace_values(tx, linker, [f"K{number}" for number in range(next(sizes))])

    return install_in(data, [_workspace(size) for size in SIZES], fill)


def _workloads(client: Client, server: servers.Server, size: int) -> Iterator[tuple[str, Workload]]:
    path, app = values_path(LINKER), client.app
    last = client.call("GET", f"{path}?pagelen=1&sort=-id")["values"][0]
    yield "GET one value", repeated(server, app.request("GET", f"{path}/{last['id']}"))
    yield "a page of 50", repeated(server, app.request("GET", f"{path}?pagelen={PAGE}"))
    yield "POST one value", Workload(server, lambda number: new_values(app, number, LINKER), status=201)
    yield "a text linked", repeated(server, linkify_request(_workspace(size), TEXT.format(size - 1)))


def _workspace(size: int) -> str:
    return f"of-{size}"
