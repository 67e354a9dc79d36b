"""The two engines, each behind the same question: the next match from here.

RE2 is linear in the text but cannot be interrupted, so it is handed a window of the text at a time; `regex`
can take forever and can be interrupted, so it gets the whole text and a time-out. Both see the text around
what they are given, so anchors are exact at the edges of a window.
"""

import sys
from collections.abc import Mapping
from typing import Final

import msgspec
import re2
import regex  # type: ignore[import-untyped]  # it ships no types

from roadstead.linkify.engines.source import Source
from roadstead.linkify.pattern.alphabet import Alphabet

MAX_WINDOW = 32_768
MAX_INSTRUCTIONS = 4_000

_MAX_WORK = 4_194_304
"""Bytes times instructions handed to RE2 at once. Its worst programs, like `(?:(a?){30}){30}b`, take
about 5 ns for each, so this is some 20 ms in which a search cannot be interrupted; ordinary ones take a
hundredth.
"""
_SMALL = 16
"""Instructions of a program that may have any text at once: at worst it takes 80 ms for 1 MB."""

# The class that `re2.compile` wraps. Through the wrapper a match takes twice as long, and most searches of most
# texts are short.
_Engine = re2._re2.RE2
_ANYWHERE: Final = _Engine.Anchor.UNANCHORED
_HERE: Final = _Engine.Anchor.ANCHOR_START

Span = tuple[int, int]


class Match(msgspec.Struct, gc=False):
    """Where a match and its groups are. A class of `msgspec`, because one is made for each match."""

    spans: list[Span]
    places: Mapping[int, int]

    @property
    def start(self) -> int:
        return self.spans[0][0]

    @property
    def end(self) -> int:
        return self.spans[0][1]

    def group(self, number: int) -> Span | None:
        """Return where a captured group is, or `None` if it took no part."""
        span = self.spans[self.places[number]]
        return span if span[0] >= 0 else None

    def groups(self) -> dict[int, Span]:
        """Return the captured groups that took part, with the whole match as group 0."""
        return {number: span for number in self.places if (span := self.group(number))}


class ProgramRefused(Exception):
    """The engine does not take the program, or it is larger than we let it be."""


class LinearProgram:
    """A pattern as an RE2 program over bytes of an alphabet.

    `window` is how many one search had better be given, and `most` how many it may be given if a text cannot be cut.
    """

    def __init__(self, source: Source, alphabet: Alphabet, *, single_character: bool = False) -> None:
        self.alphabet = alphabet
        self.places = source.groups
        program = _Engine(source.text.encode("latin-1"), linear_options())
        if not program.ok():
            raise ProgramRefused(str(program.error()))
        size = program.ProgramSize()
        if size > MAX_INSTRUCTIONS:
            raise ProgramRefused(f"more than {MAX_INSTRUCTIONS} instructions")
        self.most = sys.maxsize if single_character or size <= _SMALL else _MAX_WORK // size
        self.window = min(MAX_WINDOW, self.most)
        self._match = program.Match

    def search(self, data: bytes, start: int, end: int) -> list[Span] | None:
        """Return the spans of the leftmost match between `start` and `end`, by place."""
        spans: list[Span] = self._match(_ANYWHERE, data, start, end)
        return spans if spans[0][0] >= 0 else None

    def match(self, data: bytes, start: int, end: int) -> list[Span] | None:
        """Return the spans of the match that begins at `start`, by place."""
        spans: list[Span] = self._match(_HERE, data, start, end)
        return spans if spans[0][0] >= 0 else None


class BoundedProgram:
    """A pattern as a `regex` program."""

    def __init__(self, source: Source) -> None:
        try:
            # Programs of some 100 KB each are for us to keep, or to let go.
            self._program = regex.compile(source.text, regex.VERSION0 | regex.ASCII, cache_pattern=False)
        except regex.error as exc:
            raise ProgramRefused(str(exc)) from exc
        self._places = source.groups

    def match(self, text: str, start: int, timeout: float) -> Match | None:
        """Return the match that begins at `start`; raises `TimeoutError` after `timeout` seconds."""
        found = self._program.match(text, start, timeout=timeout)
        return Match([found.span(), *found.regs[1:]], self._places) if found else None


def linear_options() -> "re2.Options":
    """Return the options of everything that RE2 is given: one byte a character, and no words on stderr."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return options
