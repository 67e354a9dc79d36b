"""`regex`, which takes every construct and can be stopped. It gets the whole text and a time-out."""

import regex  # type: ignore[import-untyped]  # it ships no types

from roadstead.linkify.engines.match import Match
from roadstead.linkify.engines.source import ProgramRefused, Source


class BoundedProgram:
    """A pattern as a `regex` program. Raises `ProgramRefused`."""

    def __init__(self, source: Source) -> None:
        try:
            # A program takes some 100 KB, so our own caches decide how long to keep it.
            self._program = regex.compile(source.text, regex.VERSION0 | regex.ASCII, cache_pattern=False)
        except regex.error as exc:
            raise ProgramRefused(str(exc)) from exc
        self._places = source.groups

    def match(self, text: str, start: int, timeout: float) -> Match | None:
        """Return the match that begins at `start`. Raises `TimeoutError` after `timeout` seconds."""
        found = self._program.match(text, start, timeout=timeout)
        return Match([found.span(), *found.regs[1:]], self._places) if found else None
