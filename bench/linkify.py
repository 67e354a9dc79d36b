"""To finished HTML, beside Python's `re` doing the same job: many linkers, many values, short and long texts.

The texts are the commit messages of a git repository. Each peer finds the matches its own way; bare URLs, overlaps,
targets and HTML are made by the same code for both, and both must give the same HTML. Of many linkers, each
has a prefix of its own that few messages hold; `re` has nothing that looks for all of them at once.
"""

import re
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.figures import Figure
from roadstead.linkify import CompiledLinkers, Link, Linker, Linkified, compile_linkers, render_html
from roadstead.linkify.bare_urls import bare_urls

URL = "https://t.example/browse/"
WHOLE_WORDS = r"\b(PROJ{}-\d+)\b"
ANYWHERE = r"(PROJ{}-\d+)"  # `re` is at its best: it looks for the first letters before anything else
ANY_KEY = r"([\w\-]+-\d+)"
MOST_TEXTS = 2_000
LONG_TEXT = 1_000_000
ROUNDS = 5


def figures(repository: Path) -> Iterator[Figure | str]:
    texts = messages(repository)
    mean = sum(map(len, texts)) / len(texts)
    yield f"{len(texts)} messages of {mean:.0f} characters on average"
    one = [Linker("k", ANY_KEY, URL + r"\1")]
    yield _beside_re("1 linker, any key", one, texts, least=2.5)
    for form in (WHOLE_WORDS, ANYWHERE):
        for count, least in ((10, None), (100, 25), (1_000, 200)):
            what = f"{count} linkers like {form.format(17)}"
            yield _beside_re(what, _prefixed(form, count), texts, least)
    hundred, thousand = (compile_linkers(_prefixed(WHOLE_WORDS, count)) for count in (100, 1_000))
    yield _ratio("1,000 linkers beside 100", texts, thousand, hundred, most=1.2)
    few, many = (
        compile_linkers([Linker("k", r"((?K)-\d+)", URL + r"\1", values=_values(count))]) for count in (10, 1_000_000)
    )
    yield _ratio("1,000,000 values beside 10", texts, many, few, most=1.1)
    yield _one_more_value(many)
    long = "".join(texts * (LONG_TEXT // len("".join(texts)) + 1))[:LONG_TEXT]
    yield _beside_re("1 linker, any key, a text of 1 MB", one, [long], least=8)


def messages(repository: Path) -> list[str]:
    """The messages of the newest commits. Raises `CalledProcessError` where there is no repository."""
    command = ["git", "-C", str(repository), "log", f"-{MOST_TEXTS}", "--format=%B%x00"]
    log = subprocess.run(command, check=True, capture_output=True).stdout.decode("utf-8", "replace")
    return [message.strip() + "\n" for message in log.split("\0") if message.strip()]


def _prefixed(form: str, count: int) -> list[Linker]:
    return [Linker(f"k{number}", form.format(number), URL + r"\1") for number in range(count)]


def _values(count: int) -> frozenset[str]:
    """Values of the same lengths, however many."""
    return frozenset(f"V{number * 7_919 % 1_000_000:06d}" for number in range(count))


def _beside_re(what: str, linkers: list[Linker], texts: list[str], least: float | None) -> Figure:
    compiled = compile_linkers(linkers, budget=60, max_links=LONG_TEXT)
    programs = [re.compile(linker.regex) for linker in linkers]
    some = texts[: max(1, len(texts) * 20 // (20 + len(linkers)))]  # `re` takes its time with many linkers

    def ours(text: str) -> str:
        return render_html(compiled.linkify(text))

    def theirs(text: str) -> str:
        return render_html(_linkified_by_re(text, linkers, programs))

    if any(ours(text) != theirs(text) for text in some):
        raise AssertionError(f"re and Roadstead disagree: {what}")
    took, theirs_took = _medians(some, ours, theirs)
    note = f"{took * 1e6:.2f} µs a text, re {theirs_took * 1e6:.1f}"
    return Figure(what, theirs_took / took, "× re", target=least, note=note)


def _ratio(what: str, texts: list[str], more: CompiledLinkers, fewer: CompiledLinkers, *, most: float) -> Figure:
    much, little = _medians(
        texts, lambda text: render_html(more.linkify(text)), lambda text: render_html(fewer.linkify(text))
    )
    return Figure(what, much / little, "×", "most", most, f"{much * 1e6:.2f} µs a text beside {little * 1e6:.2f}")


def _one_more_value(compiled: CompiledLinkers) -> Figure:
    took = []
    for number in range(200):
        start = time.perf_counter()
        compiled = compiled.with_values(0, added=[f"NEW{number}"])
        took.append(time.perf_counter() - start)
    return Figure("one value more, of a million", statistics.median(took) * 1000, "ms", "most", 1)


def _medians(texts: list[str], *jobs: Callable[[str], str]) -> list[float]:
    """Seconds a text of each job, which take turns."""
    rounds: list[list[float]] = [[] for _ in jobs]
    for _ in range(ROUNDS):
        for took, job in zip(rounds, jobs, strict=True):
            start = time.perf_counter()
            for text in texts:
                job(text)
            took.append((time.perf_counter() - start) / len(texts))
    return [statistics.median(took) for took in rounds]


def _linkified_by_re(text: str, linkers: list[Linker], programs: list[re.Pattern[str]]) -> Linkified:
    """What a careful author would write: all matches, then bare URLs first, then the earliest and longest."""
    found = [
        (match.start(), -match.end(), order, match)
        for order, program in enumerate(programs)
        for match in program.finditer(text)
    ]
    found.sort(key=lambda candidate: candidate[:3])
    links: list[Link] = list(bare_urls(text))
    taken = [(url.start, url.end) for url in links]
    position = 0
    for start, minus_end, order, match in found:
        end = -minus_end
        if start >= position and not any(start < beyond and first < end for first, beyond in taken):
            links.append(Link(start, end, match[0], URL + match[1], linkers[order]))
            position = end
    return Linkified(text, tuple(sorted(links, key=lambda link: link.start)))
