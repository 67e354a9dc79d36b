"""Reading and writing single values and pages, beside a bare hello-world on the same server and processor."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import count, cycle, repeat
from statistics import median
from typing import TypeVar

from bench import load, servers
from bench.app import App, Client, install, values_path
from bench.figures import Figure
from bench.scratch import scratch_folder
from bench.servers import Server

ROUNDS = 7
SECONDS = 0.5
"""How long each load of a round lasts; loads change that often, so that a change of the machine's speed affects all."""

FULL_LOAD = 0.85
"""Share of a processor. Below it, a rate is not the server's: other programs or the load slowed it. A server that
sometimes waits for a disk stays a little below 1.
"""

PAGE = 50
WRITES, SMALL, LARGE = "writes", "hundred-thousand", "million"
SIZES = {SMALL: 100_000, LARGE: 1_000_000}


K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Workload:
    """The requests to one server. `requests` takes the number of the round and never runs out."""

    server: Server
    requests: Callable[[int], Iterable[bytes]]
    status: int = 200


def figures() -> Iterator[Figure]:
    with scratch_folder() as data:
        app = install(data)
        with servers.hello() as hello, servers.roadstead(data) as roadstead:
            yardstick = repeated(hello, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            yield from _report(measure({"hello": yardstick, **roadstead_workloads(app, roadstead)}))


def roadstead_workloads(app: App, server: Server) -> dict[str, Workload]:
    with closing(Client(app, server.port)) as client:
        for linker, size in SIZES.items():
            client.call("PUT", values_path(linker), [f"K{number}" for number in range(size)])
        some = [app.request("GET", target) for target in _some_values(client)]
        pages = {(linker, place): target for linker in SIZES for place, target in _pages(client, linker).items()}
    return {
        "get": Workload(server, lambda _: cycle(some)),
        "post": Workload(server, lambda number: new_values(app, number), status=201),
        **{f"{linker} {place}": repeated(server, app.request("GET", to)) for (linker, place), to in pages.items()},
    }


def repeated(server: Server, request: bytes) -> Workload:
    return Workload(server, lambda _: repeat(request))


def _some_values(client: Client) -> list[str]:
    """Return the addresses of a thousand values out of the hundred thousand."""
    pages = (client.call("GET", f"{values_path(SMALL)}?pagelen=100&page={number}") for number in range(1, 1000, 100))
    return [f"{values_path(SMALL)}/{value['id']}" for page in pages for value in page["values"]]


def new_values(app: App, number: int, linker: str = WRITES) -> Iterator[bytes]:
    """Yield additions of values that no other round adds; one token serves them all, because it is for the address."""
    bodies = (b'{"value":"K%02d-%08d"}' % (number, value) for value in count())
    head = app.request("POST", values_path(linker), body := next(bodies)).removesuffix(body)
    return (head + body for body in bodies)


def _pages(client: Client, linker: str) -> dict[str, str]:
    """Return the first page, and the last one both ways: by its number, and by the `next` of the page before it."""
    path, last = values_path(linker), SIZES[linker] // PAGE
    by_number = f"{path}?pagelen={PAGE}&page="
    followed: str = client.call("GET", f"{by_number}{last - 1}")["next"]
    return {
        "first": f"{path}?pagelen={PAGE}",
        "last by number": f"{by_number}{last}",
        "last by next": followed[followed.index("/2.0/") :],
    }


def measure(workloads: Mapping[K, Workload]) -> dict[K, list[load.Run]]:
    """Run every workload in turn, round by round, each when no server works any longer; drop the first round, which
    warms up.
    """
    runs: dict[K, list[load.Run]] = {name: [] for name in workloads}
    hosts = {work.server for work in workloads.values()}
    for number in range(ROUNDS + 1):
        for name, work in workloads.items():
            servers.wait_until_idle(hosts)
            run = load.run(work.server, work.requests(number), statuses=(work.status,), seconds=SECONDS)
            if number > 0:
                runs[name].append(run)
    return runs


def _report(runs: dict[str, list[load.Run]]) -> Iterator[Figure]:
    hello = runs["hello"]
    yield Figure("hello-world, Starlette alone", _rate(hello), "/s", note=_costs(hello))
    for what, name, target in (
        ("GET one value out of 100,000", "get", 0.55),
        ("POST one value, committed", "post", 0.25),
        ("a page of 50 out of 100,000", f"{SMALL} first", 0.25),
        ("a page of 50 out of 1,000,000", f"{LARGE} first", 0.25),
    ):
        yield beside_hello(what, runs[name], hello, target)
    for linker, size in SIZES.items():
        for way in ("number", "next"):
            first, last = runs[f"{linker} first"], runs[f"{linker} last by {way}"]
            slowdown = median(one.rate / other.rate for one, other in zip(first, last, strict=True))
            what = f"last page of {size:,} by {way}"
            yield Figure(what, slowdown, "× first", "most", 1.5, _costs(last))


def beside_hello(what: str, runs: list[load.Run], hello: list[load.Run], target: float | None) -> Figure:
    """Return the share of hello-world's rate, or of its processor time if a rate is not the server's."""
    pairs = list(zip(runs, hello, strict=True))
    by_rate = median(run.rate / yardstick.rate for run, yardstick in pairs)
    by_cost = median(yardstick.cost / run.cost for run, yardstick in pairs)
    figures = f"{_rate(runs):,.0f}/s, {_costs(runs)}"
    if _at_full_load(runs) and _at_full_load(hello):
        return Figure(what, by_rate, "of hello", "least", target, f"{by_cost:.2f} by processor time, {figures}")
    note = f"by processor time, because the servers were kept from full load, {figures}"
    return Figure(what, by_cost, "of hello", "least", target, note)


def _at_full_load(runs: list[load.Run]) -> bool:
    return median(run.server_share for run in runs) >= FULL_LOAD


def _rate(runs: list[load.Run]) -> float:
    return median(run.rate for run in runs)


def _costs(runs: list[load.Run]) -> str:
    cost, share = (median(getattr(run, name) for run in runs) for name in ("cost", "server_share"))
    return f"{cost:.0f} µs each, server {share:.0%} busy"
