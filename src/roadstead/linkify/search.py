r"""All matches of one pattern in a text, with the engine that fits both.

The linear engine goes through the text window by window. A window ends after a newline or a space that no
match can contain, so no match is lost at its edge. From the first place where that fails (a stretch that
cannot be cut, a program that would be too large), the bounded engine does the rest.

Most patterns that take values begin with them and never have one in a program (see `value_first`). Of the others,
a value is only put into a program if it occurs in the window: then it is one of a few, and a million others cost
nothing. The program is kept for the next text with the same values in it.
"""

from collections.abc import Callable, Generator, Iterator
from itertools import chain

from roadstead.linkify.alphabet import Alphabet
from roadstead.linkify.budget import Budget, Exhausted
from roadstead.linkify.engines import MAX_WINDOW, BoundedProgram, LinearProgram, Match
from roadstead.linkify.program import ANY_VALUE, ValueChoice
from roadstead.linkify.programs import Programs
from roadstead.linkify.text import Text
from roadstead.linkify.values import Owners, ValueIndex

MAX_VALUES_AT_ONCE = 200  # the bounded engine takes some 50 µs to compile each, and cannot be interrupted then
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
        check_time = self.budget.check
        return self.matches(lambda start, stop: index.occurring(self._text, start, stop, check_time).get(owner, ()))

    def value_first(self, index: ValueIndex) -> Iterator[tuple[Match, Owners]] | None:
        """Return the matches of all linkers in the index, or `None` if they have to be looked for one by one."""
        program = self._programs.value_first(self._text)
        windows = self._windows(program.window) if program else None
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
            if stop is None:
                return position
            if self._has_literal(position, stop):
                program = self._linear_program(values, position, stop)
                if program is None or stop - position > program.window:
                    if size <= _MIN_WINDOW:
                        return position
                    size //= 2
                    continue
                yield from self._in_window(program, position, stop, guarded=values is not None)
            position, size = stop, min(2 * size, MAX_WINDOW)
        return len(self._text.chars)

    def _linear_program(self, values: ValuesBetween | None, start: int, stop: int) -> LinearProgram | None:
        if values is None:
            return self._programs.like_a_value(self._text)
        return self._programs.linear(values(start, stop), self._text)

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
        if chosen and len(chosen) > MAX_VALUES_AT_ONCE:
            raise Exhausted(f"More than {MAX_VALUES_AT_ONCE} different values occur in the text.")
        program, chars = self._programs.bounded(chosen, text)
        start: int | None = position
        while start is not None:
            start = yield from self._until_refused(program, chars, start, guarded=values is not None)

    def _until_refused(
        self, program: BoundedProgram, chars: str, position: int, *, guarded: bool
    ) -> Generator[Match, None, int | None]:
        """Yield matches up to one that is refused, and return where to go on after it."""
        while True:
            try:
                for match in program.matches(chars, position, timeout=self.budget.left()):
                    if guarded and self._is_refused(match):
                        return match.start + 1
                    if match.start < match.end:
                        yield match
                        position = match.end
                        self.budget.found()
            except TimeoutError:
                continue  # matches have added to the budget, or nothing is left of it
            return None

    def _windows(self, size: int) -> list[tuple[int, int]] | None:
        """Return the text in windows of at most `size` characters, or `None` if it cannot be cut into such."""
        end = self._end
        if end is None:
            return None
        if end <= size:
            return [(0, end)]
        windows: list[tuple[int, int]] = []
        start = 0
        while start < end:
            stop = self._cut(start, size, end)
            if stop is None:
                return None
            windows.append((start, stop))
            start = stop
        return windows

    def _data(self, alphabet: Alphabet) -> bytes:
        return self._text.encoded(alphabet)[: self._end]

    def _cut(self, start: int, size: int, end: int) -> int | None:
        """Return where a window of at most `size` characters can end, or `None` if nowhere."""
        if end - start <= size:
            return end
        cuts = (self._text.chars.rfind(cut, start, start + size) for cut in self._programs.cuts)
        return next((cut + 1 for cut in cuts if cut >= 0), None)

    def _is_refused(self, match: Match) -> bool:
        """Whether a stored value begins the match right after a letter or a digit."""
        start = match.start
        if start == 0 or not self._text.chars[start - 1].isalnum():
            return False
        spans = (match.group(group.number) for group in self._programs.pattern.value_groups)
        return any(span is not None and span[0] == start for span in spans)
