"""All matches of a pattern that `regex` runs, at the places that RE2 finds for it."""

from collections.abc import Iterable, Iterator

from roadstead.linkify.budget import Budget, Exhausted
from roadstead.linkify.engines.bounded import BoundedProgram
from roadstead.linkify.engines.linear import LinearProgram
from roadstead.linkify.engines.match import Match
from roadstead.linkify.engines.source import ValueChoice
from roadstead.linkify.pattern.syntax import Values
from roadstead.linkify.search.cuts import Cuts
from roadstead.linkify.search.guard import begins_amid_a_word
from roadstead.linkify.search.programs import Programs
from roadstead.linkify.text.text import Text

MAX_VALUE_CHARS = 1_200
"""Characters of values in a program, each counted once for each `(?K)`. `regex` cannot be interrupted while it
compiles, and compiles so many in 15 ms.
"""


class BoundedSearch:
    """A text for `regex`."""

    def __init__(self, programs: Programs, text: Text, budget: Budget) -> None:
        self._programs = programs
        self._text = text
        self._budget = budget

    def matches(self, values: ValueChoice, position: int) -> Iterator[Match]:
        """Yield the matches that begin at `position` or later, in which `(?K)` is one of the values."""
        plan, text = self._programs.plan, self._text
        if plan.needs_ascii and not text.is_ascii:
            raise Exhausted("A back-reference that ignores case is followed in ASCII texts only.")
        if values and plan.written_out(values) > MAX_VALUE_CHARS:
            raise Exhausted("Too many different values occur in the text.")
        self._budget.check()  # so that making the program counts
        program, chars = self._programs.bounded(values, text)
        places, windows = self._places(position)
        guarded = () if values is None else plan.pattern.value_groups
        for start, stop in windows:
            yield from self._at_places(places, start, stop, program, chars, guarded)

    def stretches(self) -> Iterator[tuple[int, int]]:
        """Yield the parts of the text that contain a match with any value, and that no match leaves."""
        if self._programs.plan.values_aside:
            yield 0, len(self._text.chars)
            return
        places, windows = self._places(0)
        data, cuts = self._text.encoded(places.alphabet), self._cuts()
        for start, stop in windows:
            position = start
            while place := places.search(data, position, stop):
                before, position = position, cuts.after(place[0][1], 0, stop)
                yield cuts.last(before, place[0][0]), position
                self._budget.check()

    def _places(self, position: int) -> tuple[LinearProgram, list[tuple[int, int]]]:
        """Return a program for where `regex` may match, and the text from `position` on in windows for that program."""
        end = len(self._text.chars)
        for places in self._programs.places(self._text):
            if end - position <= places.window:
                return places, [(position, end)]
            windows = self._cuts().windows(places, position, end)
            if windows is not None:
                return places, windows
        raise AssertionError("a program for a single character may search any text at once")

    def _at_places(
        self,
        places: LinearProgram,
        position: int,
        stop: int,
        program: BoundedProgram,
        chars: str,
        guarded: Iterable[Values],
    ) -> Iterator[Match]:
        """Yield the matches that begin between `position` and `stop`, where the relaxed pattern matches."""
        data, budget = self._text.encoded(places.alphabet), self._budget
        while place := places.search(data, position, stop):
            position = place[0][0]
            match = self._match(program, chars, position)
            if match is None or (guarded and begins_amid_a_word(match, self._text.chars, guarded)):
                position += 1
                budget.check()
            else:
                yield match
                position = match.end
                budget.found()

    def _cuts(self) -> Cuts:
        return Cuts(self._text.chars, self._programs.plan.cuts)

    def _match(self, program: BoundedProgram, chars: str, position: int) -> Match | None:
        while True:
            try:
                return program.match(chars, position, timeout=self._budget.left())
            except TimeoutError:
                continue  # `left` raises if nothing is left; the engine also counts the time of other threads
