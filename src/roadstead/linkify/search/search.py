r"""All matches of one pattern in one text, by the way that the pattern's plan says.

Most patterns that take values take the way `VALUE_FIRST`, where no value is ever part of a program. In the others a
value becomes part of a program only if it occurs in the window: then it is one of a few, and a million others cost
nothing. The program is kept for the next text with the same values in it.

RE2 goes through a text as far as it can be exact and bounded, and `regex` does the rest.
"""

from collections.abc import Iterator
from itertools import chain

from roadstead.linkify.budget import Budget
from roadstead.linkify.engines.match import Match
from roadstead.linkify.engines.source import ANY_VALUE
from roadstead.linkify.search.bounded import BoundedSearch
from roadstead.linkify.search.cuts import Cuts
from roadstead.linkify.search.linear import LinearSearch, ValuesBetween, matches_between
from roadstead.linkify.search.programs import Programs
from roadstead.linkify.text.text import Text
from roadstead.linkify.values.index import Owners, ValueIndex

_FEW_VALUES = 20
"""So few values are tried without a search for them in each window."""


class Search:
    """A pattern in a text, within a budget. What yields matches raises `Exhausted` when a limit is reached."""

    def __init__(self, programs: Programs, text: Text, budget: Budget) -> None:
        self._programs = programs
        self._text = text
        self.budget = budget
        self._end = programs.linear_end(text)

    def matches(self, values: ValuesBetween | None = None) -> Iterator[Match]:
        r"""Return the non-empty matches, from left to right.

        With `values`, `(?K)` is one of these, else anything that matches `[\w\-]+`.
        """
        if self._end is not None and values is None:
            program = self._programs.like_a_value(self._text)
            if program and self._end <= program.window:  # as for nearly every text
                data = self._text.encoded(program.alphabet)[: self._end]
                return matches_between(program, data, 0, self._end, self.budget)
        return self._everywhere(values)

    def value_first(self, index: ValueIndex) -> Iterator[tuple[Match, Owners]] | None:
        """Return the matches of all linkers in the index, or `None` if each needs a separate search."""
        program = self._programs.value_first(self._text)
        if program is None or self._end is None:
            return None
        chars, data, budget = self._text.chars, self._text.encoded(program.alphabet)[: self._end], self.budget
        if self._end <= program.window:
            return program.matches(chars, data, 0, self._end, index, budget)
        windows = Cuts(self._text.chars, self._programs.plan.cuts).windows(program, 0, self._end)
        if windows is None:
            return None
        return chain.from_iterable(program.matches(chars, data, start, stop, index, budget) for start, stop in windows)

    def may_match(self) -> bool:
        """Return whether anything like a value matches. If not, no stored value does."""
        programs, end = self._programs, self._end
        program = programs.like_a_value(self._text)
        if program is None or end is None or end > program.window or not programs.any_value_covers_all(self._text):
            return True
        return program.search(self._text.encoded(program.alphabet)[:end], 0, end) is not None

    def occurring(self, index: ValueIndex) -> dict[int, tuple[str, ...]]:
        """Return the values of each linker that occur where something like a value would match."""
        return index.occurring(
            self._text, BoundedSearch(self._programs, self._text, self.budget).stretches(), self.budget.check
        )

    def stored(self, index: ValueIndex, owner: int, values: tuple[str, ...]) -> Iterator[Match]:
        """Return the matches of one linker in the index. `values` are those of its values that occur in the text."""
        if len(values) <= _FEW_VALUES:
            return self.matches(lambda start, stop: values)
        text, check_time = self._text, self.budget.check
        return self.matches(lambda start, stop: index.occurring(text, [(start, stop)], check_time).get(owner, ()))

    def _everywhere(self, values: ValuesBetween | None) -> Iterator[Match]:
        position = 0
        if self._end is not None:
            position = yield from LinearSearch(self._programs, self._text, self._end, values, self.budget).matches()
        length = len(self._text.chars)
        if position < length:
            # Look-around sees the whole text, and so a value anywhere in it.
            chosen = values(0, length) if values else ANY_VALUE
            yield from BoundedSearch(self._programs, self._text, self.budget).matches(chosen, position)
