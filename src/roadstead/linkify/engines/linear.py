"""RE2, whose time grows only with the text.

A search by RE2 cannot be interrupted, so the caller gives it a text in windows. RE2 sees the text around a window, so
anchors are exact at its edges.
"""

import sys
from typing import Final

import re2

from roadstead.linkify.engines.match import Span
from roadstead.linkify.engines.source import ProgramRefused, Source
from roadstead.linkify.pattern.alphabet import Alphabet

MAX_WINDOW = 32_768
MAX_INSTRUCTIONS = 4_000

_MAX_WORK = 4_194_304
"""Bytes times instructions of one search. RE2's worst programs, such as `(?:(a?){30}){30}b`, take about 5 ns for each,
so a search takes 20 ms at most. Ordinary programs take a hundredth of that.
"""
_SMALL = 16
"""Instructions of a program that may search any text in one call: at worst it takes 80 ms for 1 MB."""

# The class that `re2.compile` wraps. Through the wrapper a match takes twice as long, and most searches are short.
_Engine = re2._re2.RE2
_ANYWHERE: Final = _Engine.Anchor.UNANCHORED
_HERE: Final = _Engine.Anchor.ANCHOR_START


class LinearProgram:
    """A pattern as an RE2 program over bytes of an alphabet. Raises `ProgramRefused`.

    `window` is how many bytes one search should get, and `most` how many it may get if a text cannot be cut.
    """

    def __init__(self, source: Source, alphabet: Alphabet, *, single_character: bool = False) -> None:
        self.alphabet = alphabet
        self.places = source.groups
        program = _compiled(source)
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


def linear_options() -> "re2.Options":
    """Return the options of everything that RE2 compiles: one byte per character, and no messages on stderr."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return options


def _compiled(source: Source) -> "re2._re2.RE2":
    program = _Engine(source.text.encode("latin-1"), linear_options())
    if not program.ok():
        raise ProgramRefused(str(program.error()))
    return program
