"""The mix for any length of time, beside what makes a host grow: hostile texts, and an app that updates itself.

Every five seconds one app sends other patterns, one of them a hostile one that no host has parked yet; in between its
texts are linked. Of the other requests one in fifty is a text for a hostile pattern. Every minute and a half each team
puts its first set of values again, so that the mix's additions do not add up: a value in memory takes some 150 bytes.
No request may fail, and memory must stay at its level after the second minute.
"""

import argparse
import random
from collections.abc import Iterator
from itertools import count

from tests.linkify.hostile import hostile_patterns

from bench import load, servers
from bench.app import Client, install, install_in, linkify_request, values_path
from bench.figures import Figure
from bench.mix import LINKER, VALUES, Team, requests_of, teams_in
from bench.scratch import scratch_folder
from roadstead.domain.host import Host
from roadstead.model import Installation

TEAMS = 100
UPDATE_SECONDS = 5.0
WARM_SECONDS = 120.0
RESETS = 6
"""Teams that put their first values again between two parts of the load."""
HOSTILE_SIZE = 5_000
_EVERY = 50
_SLOW = "=" * 3_000 + ";-"


def figures(options: argparse.Namespace) -> Iterator[Figure | str]:
    chance = random.Random(1)
    patterns = [pattern for pattern in hostile_patterns() if pattern.verdict != "refused"]
    with scratch_folder() as data:
        teams = teams_in(data, TEAMS)
        (changing,) = install_in(data, ["changing"], _nothing)
        install(data, {f"k{number}": pattern.regex for number, pattern in enumerate(patterns)})
        texts = [linkify_request("local", pattern.text(HOSTILE_SIZE)) for pattern in patterns]
        requests = _mixed(requests_of(teams, chance), texts, chance)
        with servers.roadstead(data) as server:
            memory, answers = [], 0
            for number in range(max(1, round(options.seconds / UPDATE_SECONDS))):
                client = Client(changing, server.port)
                client.call("PUT", "/2.0/addon", {"descriptor": _descriptor(number)})
                client.close()
                _reset(teams, number, server.port)
                answers += load.run(server, requests, statuses=(200, 201), seconds=UPDATE_SECONDS).answers
                memory.append(server.resident_megabytes())
    yield f"{answers:,} requests in {options.seconds:.0f} s, none failed; {len(memory)} updates"
    yield from _report(memory)


def _reset(teams: list[Team], number: int, port: int) -> None:
    """Have some teams put their first values again, other ones each time."""
    for place in range(number * RESETS, (number + 1) * RESETS):
        client = Client(teams[place % len(teams)].app, port)
        client.call("PUT", values_path(LINKER), [f"K{value}" for value in range(VALUES)])
        client.close()


def _report(memory: list[float]) -> Iterator[Figure]:
    warm = memory[min(round(WARM_SECONDS / UPDATE_SECONDS), len(memory)) - 1]
    by_minute = ", ".join(f"{one:.0f}" for one in memory[11::12])
    yield Figure("memory at the end", memory[-1], "MB", note=f"first {memory[0]:.0f}; minute by minute {by_minute}")
    yield Figure("memory at the end, beside after two minutes", memory[-1] / warm, "×", "most", 1.1)


async def _nothing(host: Host, made: Installation) -> None:
    """Add no values: the descriptor is what changes."""


def _mixed(usual: Iterator[bytes], hostile: list[bytes], chance: random.Random) -> Iterator[bytes]:
    for number in count():
        yield next(usual)
        if number % _EVERY == 0:
            yield chance.choice(hostile)
            yield linkify_request("changing", f"see BB-1, ünd N{number}-ab x {_SLOW}")


def _descriptor(number: int) -> dict[str, object]:
    """Return the app with new patterns: one for each engine, and a hostile one."""
    patterns = (rf"((?K)-\d+)|N{number}-(\w+)", rf"(?<!x)N{number}-(\w+)", rf"(.*)=(.*)=(.*)=(.*);(?!-)|N{number}")
    linkers = [
        {"key": f"k{place}", "regex": regex, "url": r"/\g<0>", "type": "href"} for place, regex in enumerate(patterns)
    ]
    return {
        "key": "benchmark",
        "name": "Benchmark",
        "baseUrl": "https://benchmark.example",
        "authentication": {"type": "jwt"},
        "scopes": ["repository"],
        "modules": {"linkers": linkers},
    }
