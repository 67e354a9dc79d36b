"""All matches of a pattern that RE2 runs, window by window."""

from collections.abc import Callable, Generator, Iterator

from roadstead.linkify.budget import Budget
from roadstead.linkify.engines.linear import MAX_WINDOW, LinearProgram
from roadstead.linkify.engines.match import Match
from roadstead.linkify.engines.source import ValueChoice
from roadstead.linkify.search.cuts import Cuts
from roadstead.linkify.search.guard import begins_amid_a_word
from roadstead.linkify.search.programs import Programs
from roadstead.linkify.text.text import Text

_MOST_VALUE_CHARS = 4_000
"""Characters of values in a program. RE2 compiles so many in 8 ms."""
_MIN_WINDOW = 256

ValuesBetween = Callable[[int, int], ValueChoice]
"""The values that may occur between two places of the text."""


def matches_between(program: LinearProgram, data: bytes, start: int, end: int, budget: Budget) -> Iterator[Match]:
    """Yield the matches in a window of a text, from left to right."""
    search, places = program.search, program.places
    while spans := search(data, start, end):
        start = spans[0][1]
        yield Match(spans, places)
        budget.found()


class LinearSearch:
    """A text for RE2, up to its `end`. With `values`, `(?K)` is one of these, otherwise any text like a value."""

    def __init__(self, programs: Programs, text: Text, end: int, values: ValuesBetween | None, budget: Budget) -> None:
        self._programs = programs
        self._text = text
        self._end = end
        self._values = values
        self._cuts = Cuts(text.chars, programs.plan.cuts)
        self._budget = budget

    def matches(self) -> Generator[Match, None, int]:
        """Yield the matches as far as RE2 gets, and return that place.

        RE2 gets no further if the text cannot be cut and is too long for the program, or without a program. A program
        that does not fit its window is tried on a smaller one first, in which fewer values occur.
        """
        position, size = 0, MAX_WINDOW
        while position < self._end:
            stop = self._cuts.after(position, size, self._end)
            if self._has_literal(position, stop):
                program = self._program(position, stop)
                if size > _MIN_WINDOW and (program is None or stop - position > program.window):
                    size //= 2
                    continue
                if program is None or stop - position > program.most:
                    return position
                yield from self._in_window(program, position, stop)
            position, size = stop, min(2 * size, MAX_WINDOW)
        return len(self._text.chars)

    def _has_literal(self, start: int, stop: int) -> bool:
        return self._text.rough.find(self._programs.plan.literal, start, stop) >= 0

    def _program(self, start: int, stop: int) -> LinearProgram | None:
        if self._values is None:
            return self._programs.like_a_value(self._text)
        chosen = self._values(start, stop)
        self._budget.check()  # so that making the program counts
        too_many = self._programs.plan.written_out(chosen) > _MOST_VALUE_CHARS
        return None if too_many else self._programs.linear(chosen, self._text)

    def _in_window(self, program: LinearProgram, start: int, stop: int) -> Iterator[Match]:
        data = self._text.encoded(program.alphabet)[: self._end]
        if self._values is None:
            return matches_between(program, data, start, stop, self._budget)
        return self._guarded(program, data, start, stop)

    def _guarded(self, program: LinearProgram, data: bytes, start: int, stop: int) -> Iterator[Match]:
        """Yield the matches that no stored value begins amid a word."""
        chars, groups = self._text.chars, self._programs.pattern.value_groups
        while spans := program.search(data, start, stop):
            match = Match(spans, program.places)
            if begins_amid_a_word(match, chars, groups):
                start = match.start + 1
                self._budget.check()
            else:
                start = match.end
                yield match
                self._budget.found()
