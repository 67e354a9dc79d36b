"""From text to finished HTML, beside other tools for the same job: many linkers, many values, short and long texts.

The texts are the commit messages of a git repository with keys: in one of ten, or in most, the first line begins with a
key, of the linkers in turn. Each peer (`re`, `regex`, google-re2) tries each pattern on each text; the same code makes
bare URLs, overlaps and HTML for all, and `re` must give the same HTML. With values, a peer matches any text of the form
and then looks it up: less than what linkers promise, but what a user would write. The native limit is RE2 alone, behind
its filter, on bytes: it finds only the places of the matches.
"""

import gc
import re
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import re2
import regex  # type: ignore[import-untyped]  # it ships no types

from bench.figures import Figure
from roadstead.linkify import CompiledLinkers, Link, Linker, Linkified, compile_linkers, render_html
from roadstead.linkify.text.addresses import addresses

URL = "https://t.example/browse/"
WHOLE_WORDS = r"\b(PROJ{}-\d+)\b"
ANYWHERE = r"(PROJ{}-\d+)"  # `re` is at its best: it searches for the first letters first
WITH_VALUES = r"\b(PROJ{}/(?K)-\d+)\b"
ANY_KEY = r"([\w\-]+-\d+)"
MOST_TEXTS, LEAST_TEXTS = 2_000, 20
LONG_TEXT = 1_000_000
MILLION = 1_000_000
ROUNDS = 5
TURN_SECONDS = 0.02
PEERS: dict[str, Callable[[str], Any]] = {"re": re.compile, "regex": regex.compile, "google-re2": re2.compile}

Job = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts, and their description."""

    name: str
    texts: list[str]

    def some(self, linkers: int) -> list[str]:
        """Return fewer of the texts for more linkers, because peers are slow with these."""
        return self.texts[: max(LEAST_TEXTS, len(self.texts) * 20 // (20 + linkers))]

    def joined(self, length: int) -> "Corpus":
        """Return one text of all of them, repeated up to that length."""
        once = "".join(self.texts)
        return Corpus(self.name, [(once * (length // len(once) + 1))[:length]])


def figures(repository: Path) -> Iterator[Figure | str]:
    plain = messages(repository)
    mean = sum(map(len, plain)) / len(plain)
    yield f"{len(plain)} messages of {mean:.0f} characters on average"
    yield from _more_costs_no_more(plain)
    yield from _one_linker(plain)
    for form, targets in ((WHOLE_WORDS, (None, 25, 200)), (ANYWHERE, (None, None, None))):
        for count, least in zip((10, 100, 1_000), targets, strict=True):
            corpus = _with_keys(plain, "PROJ{}-{}", count, every=10)
            what = f"{count} linkers like {form.format(17)}"
            yield from _beside_peers(what, _numbered(form, count), corpus, least)
    corpus = _with_keys(plain, "PROJ{}-{}", 100, every=10)
    yield from _beside_peers(
        "100 linkers, a text of 100 KB", _numbered(WHOLE_WORDS, 100), corpus.joined(LONG_TEXT // 10)
    )
    for number_of_values in (10, 1_000, 100_000, MILLION):
        values = _values(number_of_values)
        for count, least in ((1, None), (10, None), (100, 25), (1_000, 200)):
            corpus = _with_keys(plain, "PROJ{}/V000000-{}", count, every=10)
            linkers = _numbered(WITH_VALUES, count, values)
            yield from _beside_peers(f"{count} linkers, {number_of_values:,} values", linkers, corpus, least)
    yield Figure("peak memory of all this", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB")


def _one_linker(plain: list[str]) -> Iterator[Figure]:
    one = [Linker("k", ANY_KEY, URL + r"\1")]
    few, most = (_with_keys(plain, "PROJ{}-{}", 50, every=every) for every in (10, 0))
    corpora = [Corpus("as they are", plain), few, most]
    for corpus, least in zip(corpora, (2.5, 2.5, None), strict=True):
        yield from _beside_peers("1 linker, any key", one, corpus, least)
    for corpus, least_for_long in zip(corpora, (8, 8, None), strict=True):
        yield from _beside_peers("1 linker, a text of 1 MB", one, corpus.joined(LONG_TEXT), least_for_long)


def _more_costs_no_more(plain: list[str]) -> Iterator[Figure]:
    corpus = _with_keys(plain, "PROJ{}-{}", 100, every=10)
    hundred, thousand = (compile_linkers(_numbered(WHOLE_WORDS, count)) for count in (100, 1_000))
    yield _ratio("1,000 linkers beside 100", corpus.texts, thousand, hundred, most=1.2)
    texts = _with_keys(plain, "V000000-{1}", 1, every=10).texts
    by_count: dict[int, CompiledLinkers] = {}
    for count in (0, 10, 1_000, 100_000):
        by_count[count] = compile_linkers([Linker("k", r"((?K)-\d+)", URL + r"\1", values=_values(count))])
    gc.collect()
    before = _resident_bytes()
    million = compile_linkers([Linker("k", r"((?K)-\d+)", URL + r"\1", values=_values(MILLION))])
    gc.collect()
    yield Figure("memory of a value, of a million", (_resident_bytes() - before) / MILLION, "bytes", "most", 120)
    for count, compiled in by_count.items():
        yield _ratio(f"1,000,000 values beside {count:,}", texts, million, compiled, most=1.1 if count == 10 else None)
    yield _one_more_value(million)


def messages(repository: Path) -> list[str]:
    """Return the messages of the newest commits. Raise `CalledProcessError` without a repository."""
    command = ["git", "-C", str(repository), "log", f"-{MOST_TEXTS}", "--format=%B%x00"]
    log = subprocess.run(command, check=True, capture_output=True).stdout.decode("utf-8", "replace")
    return [message.strip() + "\n" for message in log.split("\0") if message.strip()]


def _with_keys(texts: list[str], key: str, linkers: int, *, every: int) -> Corpus:
    """Put a key in front of one text out of `every`, or of three out of four if that is 0."""
    keyed = []
    for number, text in enumerate(texts):
        chosen = number % every == 0 if every else number % 4
        keyed.append(f"{key.format(number % linkers, number * 7_919 % 10_000)}: {text}" if chosen else text)
    return Corpus(f"a key in 1 of {every}" if every else "a key in 3 of 4", keyed)


def _numbered(form: str, count: int, values: Collection[str] = ()) -> list[Linker]:
    """Return linkers among which the values are divided, except that each has the one in the texts."""
    divided, everywhere = list(values), {"V000000"} if values else set[str]()
    return [
        Linker(f"k{at}", form.format(at), URL + r"\1", values=frozenset(divided[at::count]) | everywhere)
        for at in range(count)
    ]


def _values(count: int) -> frozenset[str]:
    """Return values of the same lengths for any count."""
    return frozenset(f"V{number * 7_919 % MILLION:06d}" for number in range(count))


def _beside_peers(what: str, linkers: list[Linker], corpus: Corpus, least: float | None = None) -> Iterator[Figure]:
    compiled = compile_linkers(linkers, budget=60, max_links=LONG_TEXT)
    texts = corpus.some(len(linkers))
    jobs: dict[str, Job] = {name: _peer(compile_, linkers) for name, compile_ in PEERS.items()}
    jobs["native"] = _native(linkers)

    def ours(text: str) -> str:
        return render_html(compiled.linkify(text))

    for text in texts:
        if ours(text) != jobs["re"](text):
            raise AssertionError(f"re and Roadstead disagree: {what}")
    took, *others = _medians(texts, ours, *jobs.values())
    by_name = dict(zip(jobs, others, strict=True))
    peers = ", ".join(f"{name} {seconds * 1e6:.1f}" for name, seconds in by_name.items())
    note = f"{corpus.name}; {took * 1e6:.2f} µs a text, {peers}; {took / by_name['native']:.1f} × native"
    yield Figure(what, by_name["re"] / took, "× re", target=least, note=note)


def _peer(compile_: Callable[[str], Any], linkers: list[Linker]) -> Job:
    programs = [(compile_(linker.regex.replace("(?K)", r"([\w\-]+)")), linker) for linker in linkers]

    def job(text: str) -> str:
        found = [
            (match.start(), -match.end(), order, match)
            for order, (program, linker) in enumerate(programs)
            for match in program.finditer(text)
            if not linker.values or match[2] in linker.values
        ]
        return render_html(_linkified(text, found, linkers))

    return job


def _linkified(text: str, found: list[tuple[int, int, int, Any]], linkers: list[Linker]) -> Linkified:
    """Return what a careful author would write: bare URLs first, then the earliest and longest."""
    found.sort(key=lambda candidate: candidate[:3])
    urls = list(addresses(text))
    links = [Link(url.start, url.end, text[url.start : url.end], url.url, None) for url in urls if url.url]
    taken = [(url.start, url.end) for url in urls]
    position = 0
    for start, minus_end, order, match in found:
        end = -minus_end
        if start >= position and not any(start < beyond and first < end for first, beyond in taken):
            links.append(Link(start, end, match[0], URL + match[1], linkers[order]))
            position = end
    return Linkified(text, tuple(sorted(links, key=lambda link: link.start)))


def _native(linkers: list[Linker]) -> Job:
    """Return RE2 alone. The texts are turned into bytes before the measurement."""
    native, options = re2._re2, re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    sources = [linker.regex.replace("(?K)", r"([\w\-]+)").encode() for linker in linkers]
    literals = native.Filter()
    for source in sources:
        literals.Add(source, options)
    literals.Compile()
    programs = [native.RE2(source, options) for source in sources]
    anywhere = native.RE2.Anchor.UNANCHORED
    texts: dict[str, bytes] = {}

    def job(text: str) -> str:
        data = texts.get(text) or texts.setdefault(text, text.encode("ascii", "replace"))
        for number in literals.Match(data, True) if len(programs) > 1 else (0,):
            position, match = 0, programs[number].Match
            while (end := match(anywhere, data, position, len(data))[0][1]) >= 0:
                position = end
        return ""

    return job


def _ratio(what: str, texts: list[str], more: CompiledLinkers, fewer: CompiledLinkers, *, most: float | None) -> Figure:
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


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


def _medians(texts: list[str], *jobs: Job) -> list[float]:
    """Return each job's processor seconds per text; the jobs take turns.

    A turn begins with one unmeasured run of the texts, because the turns before it filled the processor's caches, and
    is long enough for that to be a small part.
    """
    rounds: list[list[float]] = [[] for _ in jobs]
    for _ in range(ROUNDS):
        for took, job in zip(rounds, jobs, strict=True):
            once = _turn(texts, job, 1)
            took.append(_turn(texts, job, max(1, round(TURN_SECONDS / once))) / len(texts))
    return [statistics.median(took) for took in rounds]


def _turn(texts: list[str], job: Job, times: int) -> float:
    """Return the processor seconds of one run over all texts, averaged over so many."""
    start = time.thread_time()
    for _ in range(times):
        for text in texts:
            job(text)
    return (time.thread_time() - start) / times
