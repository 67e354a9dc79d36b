"""Linkers compiled once, and texts turned into links with them."""

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Literal

from roadstead.linkify.bare_urls import bare_urls
from roadstead.linkify.budget import Budget, Clock, Exhausted
from roadstead.linkify.engines import Match
from roadstead.linkify.linker import Link, Linker, Linkified, Unfinished
from roadstead.linkify.pattern import Pattern, read_pattern
from roadstead.linkify.programs import Programs
from roadstead.linkify.search import Search
from roadstead.linkify.target import UrlTemplate
from roadstead.linkify.text import Text
from roadstead.linkify.values import ValueIndex


def compile_linkers(
    linkers: Sequence[Linker],
    *,
    without_values: Literal["everything", "nothing"] = "everything",
    budget: float = 0.02,
    clock: Clock = time.thread_time,
) -> "CompiledLinkers":
    r"""Compile linkers whose order decides between matches of the same place and length.

    `without_values` says what `(?K)` stands for while a linker has no value: anything that matches `[\w\-]+`,
    or nothing at all. `budget` is how many seconds each linker may keep each text, by `clock`;
    processor time is what is counted, so that a busy machine loses no link. Raises `InvalidPattern` for a linker
    that `check_linker` refuses.
    """
    compiled = [_CompiledLinker(linker) for linker in linkers]
    if without_values == "nothing":
        compiled = [one for one in compiled if one.linker.values or not one.takes_values]
    return CompiledLinkers(compiled, budget, clock)


class CompiledLinkers:
    """Linkers ready for any number of texts, in any number of threads."""

    def __init__(self, linkers: Sequence["_CompiledLinker"], budget: float, clock: Clock) -> None:
        self._linkers = linkers
        self._budget = budget
        self._clock = clock

    def linkify(self, text: str) -> Linkified:
        """Return the links in `text`.

        Never raises because of what a text or a pattern holds: a linker that reaches a limit keeps the links
        it found up to there, and is listed as unfinished.
        """
        read = Text(text)
        found: list[Link] = []
        unfinished: list[Unfinished] = []
        for linker in self._linkers:
            try:
                for link in linker.links(read, Budget(self._budget, self._clock)):
                    found.append(link)  # one by one: what was found before a limit is kept
            except Exhausted as exc:
                unfinished.append(Unfinished(linker.linker, str(exc)))
        links = _without_overlaps(found, list(bare_urls(text)))
        return Linkified(text, tuple(links), tuple(unfinished))


class _CompiledLinker:
    """One linker, with its pattern, template and values ready."""

    def __init__(self, linker: Linker) -> None:
        self.linker = linker
        pattern = read_pattern(linker.regex)
        self._template = UrlTemplate(linker.url, linker.base_url, pattern)
        programs = compiled_programs(pattern.regex, self._template.groups)
        self.takes_values = bool(pattern.value_groups)
        self._search = Search(programs, self._value_index(pattern))

    def links(self, text: Text, budget: Budget) -> Iterator[Link]:
        """Yield the matches that lead somewhere; raises `Exhausted` when a limit is reached."""
        for match in self._search.matches(text, budget):
            url = self._template.fill(partial(_group_text, match, text.chars))
            if url:
                matched = text.chars[match.start : match.end]
                yield Link(match.start, match.end, matched, url, self.linker)

    def _value_index(self, pattern: Pattern) -> ValueIndex | None:
        if not (self.takes_values and self.linker.values):
            return None
        ignore_case = any(group.ignore_case for group in pattern.value_groups)
        return ValueIndex(self.linker.values, ignore_case=ignore_case)


@lru_cache(maxsize=4096)
def compiled_programs(regex: str, captured: frozenset[int]) -> Programs:
    """Return the programs of a regex, shared by all linkers that have it; raises `InvalidPattern`."""
    pattern = read_pattern(regex)
    programs = Programs(pattern, captured.union(group.number for group in pattern.value_groups))
    programs.prepare()
    return programs


def _group_text(match: Match, chars: str, number: int) -> str:
    start, end = match.groups.get(number, (0, 0))  # a group that took no part leaves nothing behind
    return chars[start:end]


def _without_overlaps(found: Iterable[Link], urls: Sequence[Link]) -> Iterator[Link]:
    """Yield bare URLs and, between them, the links that win: earliest, then longest, then first given."""
    starts = [url.start for url in urls]
    free = (link for link in found if not _overlaps_one(link, urls, starts))
    position = 0
    for link in sorted((*urls, *free), key=lambda link: (link.start, -link.end)):
        if link.start >= position:
            yield link
            position = link.end


def _overlaps_one(link: Link, urls: Sequence[Link], starts: Sequence[int]) -> bool:
    last_before = bisect_left(starts, link.end) - 1
    return last_before >= 0 and urls[last_before].end > link.start
