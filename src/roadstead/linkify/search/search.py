r"""All matches of one pattern in a text, with the engine that fits both.

The linear engine goes through the text window by window. A window ends after a newline or a space that no
match can contain, so no match is lost at its edge. From the first place where that fails (a stretch that
cannot be cut and is too long for the program, a program that would be too large), the bounded engine does the rest.

Most patterns that take values begin with them and never have one in a program (see `value_first`). Of the others,
a value is only put into a program if it occurs in the window: then it is one of a few, and a million others cost
nothing. The program is kept for the next text with the same values in it.
"""

from collections.abc import Callable, Generator, Iterator
from itertools import chain

from roadstead.linkify.budget import Budget, Exhausted
from roadstead.linkify.engines.programs import MAX_WINDOW, BoundedProgram, LinearProgram, Match
from roadstead.linkify.engines.source import ANY_VALUE, ValueChoice
from roadstead.linkify.pattern.alphabet import Alphabet
from roadstead.linkify.search.programs import Programs
from roadstead.linkify.search.value_first import ValueFirstProgram
from roadstead.linkify.text.text import Text
from roadstead.linkify.text.words import may_begin
from roadstead.linkify.values.index import Owners, ValueIndex

MAX_VALUE_CHARS = 1_200
"""Characters of values that the bounded engine is given, once for each `(?K)`: making a program cannot be interrupted,
and takes 15 ms for so many."""
_MOST_VALUE_CHARS = 4_000  # for the linear engine, which takes 8 ms for so many
_MIN_WINDOW = 256
_FEW_VALUES = 20  # no need to look which of them occur in which window

ValuesBetween = Callable[[int, int], ValueChoice]
"""The values that may occur between two places of the text."""


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
            if program and self._end <= program.window:
                return self._in_window(program, 0, self._end, guarded=False)
        return self._everywhere(values)

    def _everywhere(self, values: ValuesBetween | None) -> Iterator[Match]:
        position = 0
        if self._end is not None:
            position = yield from self._linear(values, position, self._end)
        if position < len(self._text.chars):
            yield from self._bounded(values, position)

    def stored(self, index: ValueIndex, owner: int, values: tuple[str, ...]) -> Iterator[Match]:
        """Yield the matches of one linker in the index; `values` are those of its values that occur in the text."""
        if len(values) <= _FEW_VALUES:
            return self.matches(lambda start, stop: values)
        text, check_time = self._text, self.budget.check
        return self.matches(lambda start, stop: index.occurring(text, [(start, stop)], check_time).get(owner, ()))

    def occurring(self, index: ValueIndex) -> dict[int, tuple[str, ...]]:
        """Return the values of each linker that occur where something like a value would match."""
        return index.occurring(self._text, self._stretches(), self.budget.check)

    def value_first(self, index: ValueIndex) -> Iterator[tuple[Match, Owners]] | None:
        """Return the matches of all linkers in the index, or `None` if they have to be looked for one by one."""
        program = self._programs.value_first(self._text)
        windows = self._windows(program, 0, self._end) if program and self._end is not None else None
        if program is None or windows is None:
            return None
        chars, data, budget = self._text.chars, self._data(program.alphabet), self.budget
        each = [program.matches(chars, data, start, stop, index, budget) for start, stop in windows]
        return each[0] if len(each) == 1 else chain.from_iterable(each)

    def may_match(self) -> bool:
        """Whether anything like a value matches, without which no stored value does."""
        programs, end = self._programs, self._end
        program = programs.like_a_value(self._text)
        if program is None or end is None or end > program.window or not programs.any_value_covers_all(self._text):
            return True
        return program.search(self._data(program.alphabet), 0, end) is not None

    def _linear(self, values: ValuesBetween | None, position: int, end: int) -> Generator[Match, None, int]:
        """Yield matches as far as the linear engine gets, and return where the bounded one has to go on."""
        size = MAX_WINDOW
        while position < end:
            stop = self._cut(position, size, end)
            if self._has_literal(position, stop):
                program = self._linear_program(values, position, stop)
                if program is None or stop - position > program.window:
                    if size > _MIN_WINDOW:
                        size //= 2
                        continue
                    if program is None or stop - position > program.most:
                        return position
                yield from self._in_window(program, position, stop, guarded=values is not None)
            position, size = stop, min(2 * size, MAX_WINDOW)
        return len(self._text.chars)

    def _linear_program(self, values: ValuesBetween | None, start: int, stop: int) -> LinearProgram | None:
        if values is None:
            return self._programs.like_a_value(self._text)
        chosen = values(start, stop)
        self.budget.check()  # so that making the program counts
        return self._programs.linear(chosen, self._text) if self._written_out(chosen) <= _MOST_VALUE_CHARS else None

    def _written_out(self, values: ValueChoice) -> int:
        """Return how many characters the values take in a program."""
        return len(self._programs.pattern.value_groups) * sum(len(value) + 1 for value in values or ())

    def _has_literal(self, start: int, stop: int) -> bool:
        return self._text.rough.find(self._programs.literal, start, stop) >= 0

    def _in_window(self, program: LinearProgram, position: int, stop: int, *, guarded: bool) -> Iterator[Match]:
        data = self._data(program.alphabet)
        search, places, budget = program.search, program.places, self.budget
        while spans := search(data, position, stop):
            match = Match(spans, places)
            start, position = spans[0]
            if guarded and self._is_refused(match):
                position = start + 1
                budget.check()
            else:
                yield match
                budget.found()

    def _bounded(self, values: ValuesBetween | None, position: int) -> Iterator[Match]:
        text = self._text
        if self._programs.needs_ascii and not text.is_ascii:
            raise Exhausted("A back-reference that ignores case is followed in ASCII texts only.")
        chosen = ANY_VALUE if values is None else values(0, len(text.chars))  # look-around sees the whole text
        if self._written_out(chosen) > MAX_VALUE_CHARS:
            raise Exhausted("Too many different values occur in the text.")
        self.budget.check()  # so that making the program counts
        program, chars = self._programs.bounded(chosen, text)
        places, windows = self._places(position)
        for start, stop in windows:
            yield from self._at_places(places, start, stop, program, chars, guarded=values is not None)

    def _stretches(self) -> Iterator[tuple[int, int]]:
        """Yield the parts of the text that hold a match if any value will do, and that no match goes beyond."""
        if self._programs.looks_for_values:
            yield 0, len(self._text.chars)
            return
        places, windows = self._places(0)
        data = self._text.encoded(places.alphabet)
        for start, stop in windows:
            position = start
            while place := places.search(data, position, stop):
                before, position = position, self._cut(place[0][1], 0, stop)
                yield self._last_cut(before, place[0][0]), position
                self.budget.check()

    def _places(self, position: int) -> tuple[LinearProgram, list[tuple[int, int]]]:
        """Return a program for where the bounded one may match, and the text from `position` on in windows for it."""
        for places in self._programs.places(self._text):
            windows = self._windows(places, position, len(self._text.chars))
            if windows is not None:
                return places, windows
        raise AssertionError("a program for a single character may have any text at once")

    def _at_places(
        self, places: LinearProgram, position: int, stop: int, program: BoundedProgram, chars: str, *, guarded: bool
    ) -> Iterator[Match]:
        """Yield the matches that begin between `position` and `stop`, where the relaxed pattern matches."""
        data, budget = self._text.encoded(places.alphabet), self.budget
        while place := places.search(data, position, stop):
            position = place[0][0]
            match = self._bounded_match(program, chars, position)
            if match is None or (guarded and self._is_refused(match)):
                position += 1
                budget.check()
            else:
                yield match
                position = match.end
                budget.found()

    def _bounded_match(self, program: BoundedProgram, chars: str, position: int) -> Match | None:
        while True:
            try:
                return program.match(chars, position, timeout=self.budget.left())
            except TimeoutError:
                continue  # `left` raises if nothing is left; other threads, too, count for the engine

    def _windows(
        self, program: LinearProgram | ValueFirstProgram, start: int, end: int
    ) -> list[tuple[int, int]] | None:
        """Return a part of the text in windows for the program, or `None` if it cannot be cut into such."""
        if end - start <= program.window:
            return [(start, end)]
        windows: list[tuple[int, int]] = []
        while start < end:
            stop = self._cut(start, program.window, end)
            if stop - start > program.most:
                return None
            windows.append((start, stop))
            start = stop
        return windows

    def _data(self, alphabet: Alphabet) -> bytes:
        return self._text.encoded(alphabet)[: self._end]

    def _cut(self, start: int, size: int, end: int) -> int:
        """Return where a window of `size` characters can end, or of a few more where it cannot be cut sooner."""
        if end - start <= size:
            return end
        last = self._last_cut(start, start + size)
        if last > start:
            return last
        chars = self._text.chars
        beyond = [at for cut in self._programs.cuts if (at := chars.find(cut, start + size, end)) >= 0]
        return min(beyond) + 1 if beyond else end

    def _last_cut(self, start: int, end: int) -> int:
        """Return the last place where the text can be cut between two others, or the first of these."""
        chars = self._text.chars
        return max(start, *(chars.rfind(cut, start, end) + 1 for cut in self._programs.cuts), start)

    def _is_refused(self, match: Match) -> bool:
        """Whether a stored value begins the match where none may begin."""
        start = match.start
        if may_begin(self._text.chars, start):
            return False
        spans = (match.group(group.number) for group in self._programs.pattern.value_groups)
        return any(span is not None and span[0] == start for span in spans)
