"""The two engines, each behind the same question: the next match from here.

RE2 is linear in the text but cannot be interrupted, so it is handed a window of the text at a time; `regex`
can take forever and can be interrupted, so it gets the whole text and a time-out. Both see the text around
what they are given, so anchors are exact at the edges of a window.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import re2
import regex  # type: ignore[import-untyped]  # it ships no types

from roadstead.linkify.alphabet import Alphabet
from roadstead.linkify.program import Source

MAX_WINDOW = 32_768
MAX_INSTRUCTIONS = 4_000

_MAX_WORK = 4_194_304
"""Bytes times instructions handed to RE2 at once. Its worst programs, like `(?:(a?){30}){30}b`, take
about 5 ns for each, so this is some 20 ms in which a search cannot be interrupted; ordinary ones take a
hundredth.
"""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Match:
    """The stretch of a match, and of each captured group that took part in it."""

    start: int
    end: int
    groups: Mapping[int, Span]


class ProgramRefused(Exception):
    """The engine does not take the program, or it is larger than we let it be."""


class LinearProgram:
    """A pattern as an RE2 program over bytes of an alphabet; `window` is how many one search may be given."""

    def __init__(self, source: Source, alphabet: Alphabet) -> None:
        self.alphabet = alphabet
        try:
            self._program = re2.compile(source.text.encode("latin-1"), _options())
        except re2.error as exc:
            raise ProgramRefused(str(exc)) from exc
        if self._program.programsize > MAX_INSTRUCTIONS:
            raise ProgramRefused(f"more than {MAX_INSTRUCTIONS} instructions")
        self.window = min(MAX_WINDOW, _MAX_WORK // self._program.programsize)
        self._groups = tuple(source.groups.items())

    def search(self, data: bytes, start: int, end: int) -> Match | None:
        """Return the leftmost match between `start` and `end`."""
        found = self._program.search(data, start, end)
        return found and _match(found, self._groups)


class BoundedProgram:
    """A pattern as a `regex` program."""

    def __init__(self, source: Source) -> None:
        try:
            self._program = regex.compile(source.text, regex.VERSION0 | regex.ASCII)
        except regex.error as exc:
            raise ProgramRefused(str(exc)) from exc
        self._groups = tuple(source.groups.items())

    def matches(self, text: str, start: int, timeout: float) -> Iterator[Match]:
        """Yield the matches from `start` on; raises `TimeoutError` after `timeout` seconds."""
        for found in self._program.finditer(text, start, timeout=timeout):
            yield _match(found, self._groups)


def _match(found: "re2._Match | regex.Match[str]", groups: tuple[tuple[int, int], ...]) -> Match:
    spans = {number: span for number, place in groups if (span := found.span(place))[0] >= 0}
    start, end = spans[0]
    return Match(start, end, spans)


def _options() -> "re2.Options":
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return options
