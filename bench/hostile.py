"""Hostile patterns over texts made for them: how long each keeps a text, and how it affects other requests.

The patterns are those of the tests. Each runs alone, over 100 KB and 1 MB, with an ordinary linker beside it that must
find its links. Then a host has all of them, and answers health checks while it links the texts of each.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from statistics import median

from tests.linkify.hostile import Hostile, hostile_patterns

from bench import servers
from bench.app import install
from bench.figures import Figure
from bench.scratch import scratch_folder
from bench.servers import Server
from roadstead.app import spare_what_stays
from roadstead.linkify import CompiledLinkers, Linker, compile_linkers, render_html

KB = 1_000
LIMITS = {100 * KB: 25, 999 * KB: 100}
"""Milliseconds that a text of so many characters may take."""

ROUNDS = 3
PAUSE_SECONDS = 0.002
EVERY = 3  # all patterns are tried on each text that is sent to a host, which takes the host a second
ORDINARY = r"OK-\d+"


def figures() -> Iterator[Figure | str]:
    patterns = [pattern for pattern in hostile_patterns() if pattern.verdict != "refused"]
    yield f"{len(patterns)} patterns, each alone beside an ordinary one"
    for size, most in LIMITS.items():
        took, pattern = max(((_hold(pattern, size), pattern) for pattern in patterns), key=lambda hold: hold[0])
        note = f"{pattern.regex[:60]} ({pattern.origin})"
        yield Figure(f"longest time for a text of {size // KB} KB", took * 1000, "ms", "most", most, note)
    yield from _many_links()
    yield from _health(patterns)


def _hold(pattern: Hostile, size: int) -> float:
    """Return the seconds of one processor from a text to its finished HTML."""
    hostile = pattern.linker(r"javascript:\g<0>")  # not a link, so that the ordinary linker can lose none to it
    compiled = compile_linkers([hostile, Linker("ordinary", ORDINARY, "https://t.example/")])
    text = f"OK-1 {pattern.text(size)} OK-2"

    def link() -> None:
        found = compiled.linkify(text)
        render_html(found)
        if [link.text for link in found.links] != ["OK-1", "OK-2"]:
            raise AssertionError(f"an ordinary linker lost a link beside {pattern.regex!r}")

    return median(_seconds(link, time.thread_time) for _ in range(ROUNDS))


def _many_links() -> Iterator[Figure]:
    """Yield that, with the limit raised, ten times as many links take ten times as long."""
    linker = Linker("k", r"(?K)-\d+", r"https://t.example/\g<0>", values={"OK"})
    compiled = compile_linkers([linker], max_links=200_000, budget=1)
    spare_what_stays()  # as the host does
    much, little = (_time_of_links(compiled, count) for count in (100_000, 10_000))
    note = f"{much * 1000:.0f} ms beside {little * 1000:.1f}"
    yield Figure("1 MB with 100,000 links, beside 10,000 links", much / little, "×", "most", 12, note)


def _time_of_links(compiled: CompiledLinkers, count: int) -> float:
    text = "OK-12345 \n" * count

    def link() -> None:
        found = compiled.linkify(text)
        render_html(found)
        if len(found.links) != count:
            raise AssertionError("an ordinary linker did not find all its links")

    return median(_seconds(link, time.thread_time) for _ in range(ROUNDS))


def _seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    began = clock()
    work()
    return clock() - began


def _health(patterns: list[Hostile]) -> Iterator[Figure]:
    with scratch_folder() as data:
        install(data, {"ordinary": ORDINARY, **{f"k{number}": one.regex for number, one in enumerate(patterns)}})
        with servers.roadstead(data) as server:
            for size in LIMITS:
                texts = [pattern.text(size) for pattern in patterns[::EVERY]]
                yield _latency(f"health beside texts of {size // KB} KB, p99", server, texts)
            yield _latency("health beside a text with 10,000 links, p99", server, ["OK-1 " * 10_000] * 20)


def _latency(what: str, server: Server, texts: list[str]) -> Figure:
    """Request the health while the texts are linked, one after the other."""
    took: list[float] = []
    done = threading.Event()
    asking = threading.Thread(target=_ask_until, args=(server, done, took))
    asking.start()
    with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        for text in texts:
            connection.request("POST", "/-/linkify", json.dumps({"text": text}))
            answer = connection.getresponse()
            if answer.status != 200:
                raise SystemExit(f"a text was answered with {answer.status}: {answer.read()[:300]!r}")
            answer.read()
    done.set()
    asking.join()
    took.sort()
    note = f"longest of {len(took)}: {took[-1] * 1000:.0f} ms, median {median(took) * 1000:.1f}"
    return Figure(what, took[len(took) * 99 // 100] * 1000, "ms", "most", 50, note)


def _ask_until(server: Server, done: threading.Event, took: list[float]) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        while not done.wait(PAUSE_SECONDS):
            began = time.perf_counter()
            connection.request("GET", "/-/health/live")
            connection.getresponse().read()
            took.append(time.perf_counter() - began)
