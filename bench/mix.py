"""A team's day: many installations, mostly reads, texts to link, sometimes a write.

A million values are spread evenly over a thousand installations, each in a separate workspace. Of the requests 70 %
read a linker, a value or a page of values, 20 % link a text, 10 % add a value. No request may fail.
"""

import argparse
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from statistics import quantiles

from bench import load, servers
from bench.app import App, install_in, linkify_request, values_path
from bench.figures import Figure
from bench.scratch import scratch_folder
from roadstead.domain.host import Host
from roadstead.domain.linking import linkers
from roadstead.listing import PageRequest
from roadstead.model import Installation

INSTALLATIONS = 1_000
VALUES = 1_000
"""In each installation."""
LINKER = "reads"
PART_SECONDS = 5.0
"""How often the load restarts and memory is measured."""

_READS = 70
_LINKIFIED = 20
_TEXT = "Merge branch 'bugfix-K{}-12-fix-hull' into main\n\nFixes K{}-7 and X-1, see https://example.com/a for more.\n"


def figures(options: argparse.Namespace) -> Iterator[Figure | str]:
    with scratch_folder() as data:
        began = time.perf_counter()
        teams = teams_in(data, INSTALLATIONS)
        yield f"{len(teams):,} installations with {VALUES:,} values each made in {time.perf_counter() - began:.0f} s"
        requests = requests_of(teams, random.Random(1))
        with servers.roadstead(data) as server:
            _part(server, requests)
            runs, memory = [], [server.resident_megabytes()]
            for _ in range(max(1, round(options.seconds / PART_SECONDS))):
                runs.append(_part(server, requests))
                memory.append(server.resident_megabytes())
        yield from _report(runs, memory)


def _part(server: servers.Server, requests: Iterator[bytes]) -> load.Run:
    return load.run(server, requests, statuses=(200, 201), seconds=PART_SECONDS)


def _report(runs: list[load.Run], memory: list[float]) -> Iterator[Figure]:
    answers, seconds = sum(run.answers for run in runs), sum(run.seconds for run in runs)
    waits = [wait * 1000 for run in runs for wait in run.waits]
    percent = quantiles(waits, n=100)
    busy = sum(run.server_cpu_seconds for run in runs) / seconds
    note = f"{answers:,} requests in {seconds:.0f} s, none failed; server {busy:.0%} busy"
    yield Figure("requests answered", answers / seconds, "/s", note=note)
    spread = f"median {percent[49]:.1f}, 99.9 % {quantiles(waits, n=1000)[998]:.1f}, longest {max(waits):.0f}"
    yield Figure("p99 with 32 connections", percent[98], "ms", note=spread)
    grown = f"{memory[0]:.0f} MB after warming up, most {max(memory):.0f}"
    yield Figure("memory at the end", memory[-1], "MB", note=grown)


# The state


@dataclass(frozen=True, slots=True)
class Team:
    """A workspace with the app, and addresses to read; few, so that signing is not measured."""

    workspace: str
    app: App
    targets: tuple[str, ...]


def teams_in(data: Path, number: int) -> list[Team]:
    workspaces = [f"team-{one}" for one in range(number)]
    values = values_path(LINKER)
    targets: list[tuple[str, ...]] = []

    async def fill(host: Host, made: Installation) -> None:
        await linkers.replace_values(host, made.id, LINKER, [f"K{number}" for number in range(VALUES)])
        linker = await linkers.get_linker(host, made.id, LINKER)
        page = await linkers.page_of_values(host, linker, PageRequest(number=50, length=2))
        targets.append((values.removesuffix("/values"), values, *(f"{values}/{value.id}" for value in page.items)))

    apps = install_in(data, workspaces, fill)
    return [Team(*team) for team in zip(workspaces, apps, targets, strict=True)]


# The requests


def requests_of(teams: list[Team], chance: random.Random) -> Iterator[bytes]:
    """Yield requests without end, in a random order that is the same in every run."""
    for number in count():
        team, kind = chance.choice(teams), chance.randrange(100)
        if kind < _READS:
            yield _read(team, chance.choice(team.targets))
        elif kind < _READS + _LINKIFIED:
            text = _TEXT.format(chance.randrange(VALUES), chance.randrange(2 * VALUES))
            yield linkify_request(team.workspace, text)
        else:
            yield _addition(team).removesuffix(_value(0)) + _value(number)


@cache
def _read(team: Team, target: str) -> bytes:
    return team.app.request("GET", target)


@cache
def _addition(team: Team) -> bytes:
    return team.app.request("POST", values_path(LINKER), _value(0))


def _value(number: int) -> bytes:
    return b'{"value":"N%09d"}' % number
