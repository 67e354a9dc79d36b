r"""All matches of one pattern in a text, with the engine that fits both.

The linear engine goes through the text window by window. A window ends after a newline or a space that no
match can contain, so no match is lost at its edge. From the first place where that fails (a stretch that
cannot be cut, a program that would be too large), the bounded engine does the rest.

A value is only put into a program if it occurs in the window: then it is one of a few, and a million others
cost nothing. The program is kept for the next text with the same values in it.
"""

from collections.abc import Generator, Iterator

from roadstead.linkify.budget import Budget, Exhausted
from roadstead.linkify.engines import MAX_WINDOW, BoundedProgram, LinearProgram, Match
from roadstead.linkify.program import ANY_VALUE, ValueChoice
from roadstead.linkify.programs import Programs
from roadstead.linkify.text import Text
from roadstead.linkify.values import ValueIndex

MAX_VALUES_AT_ONCE = 200  # the bounded engine takes some 50 µs to compile each, and cannot be interrupted then
_MIN_WINDOW = 256


class Search:
    """A pattern, and the values its `(?K)` stands for; without an index that is anything like a value."""

    def __init__(self, programs: Programs, index: ValueIndex | None) -> None:
        self._programs = programs
        self._index = index

    def matches(self, text: Text, budget: Budget) -> Iterator[Match]:
        """Yield the non-empty matches from left to right; raises `Exhausted` when a limit is reached."""
        position = 0
        end = self._programs.linear_end(text)
        if end is not None:
            position = yield from self._linear(text, end, budget)
        if position < len(text.chars):
            yield from self._bounded(text, position, budget)

    def _linear(self, text: Text, end: int, budget: Budget) -> Generator[Match, None, int]:
        """Yield matches as far as the linear engine gets, and return where the bounded one has to go on."""
        position, size = 0, MAX_WINDOW
        while position < end:
            budget.check()
            stop = self._cut(text, position, size, end)
            if stop is None:
                return position
            if self._may_match(text, position, stop, end):
                program = self._programs.linear(self._values(text, position, stop, budget), text)
                if program is None or stop - position > program.window:
                    if size <= _MIN_WINDOW:
                        return position
                    size //= 2
                    continue
                yield from self._in_window(program, text, position, stop, end, budget)
            position, size = stop, min(2 * size, MAX_WINDOW)
        return len(text.chars)

    def _in_window(
        self, program: LinearProgram, text: Text, position: int, stop: int, end: int, budget: Budget
    ) -> Iterator[Match]:
        data = text.encoded(program.alphabet)[:end]
        while match := program.search(data, position, stop):
            if self._is_refused(match, text):
                position = match.start + 1
            else:
                yield match
                position = match.end
            budget.check()

    def _bounded(self, text: Text, position: int, budget: Budget) -> Iterator[Match]:
        if self._programs.needs_ascii and not text.is_ascii:
            raise Exhausted("A back-reference that ignores case is followed in ASCII texts only.")
        values = self._values(text, 0, len(text.chars), budget)  # look-around sees the whole text
        if values and len(values) > MAX_VALUES_AT_ONCE:
            raise Exhausted(f"More than {MAX_VALUES_AT_ONCE} different values occur in the text.")
        program, chars = self._programs.bounded(values, text)
        start: int | None = position
        while start is not None:
            start = yield from self._until_refused(program, chars, start, text, budget)

    def _until_refused(
        self, program: BoundedProgram, chars: str, position: int, text: Text, budget: Budget
    ) -> Generator[Match, None, int | None]:
        """Yield matches up to one that is refused, and return where to go on after it."""
        try:
            for match in program.matches(chars, position, timeout=budget.left()):
                if self._is_refused(match, text):
                    return match.start + 1
                if match.start < match.end:
                    yield match
        except TimeoutError:
            raise budget.exhausted() from None
        return None

    def _cut(self, text: Text, start: int, size: int, end: int) -> int | None:
        """Return where a window of at most `size` characters can end, or `None` if nowhere."""
        if end - start <= size:
            return end
        cuts = (text.chars.rfind(cut, start, start + size) for cut in self._programs.cuts)
        return next((cut + 1 for cut in cuts if cut >= 0), None)

    def _may_match(self, text: Text, start: int, stop: int, end: int) -> bool:
        """Ask the program for anything like a value, which matches wherever a stored value lets it match."""
        if self._index is None or not self._programs.any_value_covers_all(text):
            return True
        program = self._programs.linear(ANY_VALUE, text)
        if program is None or stop - start > program.window:
            return True
        return program.search(text.encoded(program.alphabet)[:end], start, stop) is not None

    def _values(self, text: Text, start: int, stop: int, budget: Budget) -> ValueChoice:
        return ANY_VALUE if self._index is None else self._index.occurring(text, start, stop, budget.check)

    def _is_refused(self, match: Match, text: Text) -> bool:
        """Whether a stored value begins the match right after a letter or a digit."""
        if self._index is None or match.start == 0 or not text.chars[match.start - 1].isalnum():
            return False
        spans = (match.groups.get(group.number) for group in self._programs.pattern.value_groups)
        return any(span is not None and span[0] == match.start for span in spans)
