r"""All matches of a pattern whose value has a fixed place, such as `((?K)-\d+)`.

The text decides from left to right: at each place the longest stored value wins whose continuation matches. So no
stored value has to become part of a program. One program finds the next run of `[\w\-]` that may hold a value, slices
of that run are looked up among the values, and where a slice is a value, a program for the rest of the pattern is
asked about the place where it ends.
"""

from collections.abc import Collection, Iterator

from roadstead.linkify.budget import Budget
from roadstead.linkify.engines.linear import LinearProgram
from roadstead.linkify.engines.match import Match, Span
from roadstead.linkify.engines.source import ANY_VALUE
from roadstead.linkify.engines.writing import linear_source
from roadstead.linkify.pattern.syntax import Node
from roadstead.linkify.plan.value_place import ValuePlace
from roadstead.linkify.values.index import Owners, ValueIndex, may_be_value


class ValueFirstProgram:
    """A pattern whose value has a fixed place, over bytes of the alphabet that `like_a_value` reads.

    Raises `ProgramRefused`.
    """

    def __init__(self, place: ValuePlace, like_a_value: LinearProgram, captured: Collection[int]) -> None:
        self.alphabet = like_a_value.alphabet
        self._like_a_value = like_a_value
        self._places = like_a_value.places
        self._value_place = self._places[place.value]
        self._width = place.width
        self._anchors = self._program(place.lead, ()) if place.lead.items and not place.width else None
        self._tail = self._program(place.tail, captured)
        self.window = min(like_a_value.window, self._tail.window)
        self.most = min(like_a_value.most, self._tail.most)
        self._opened = [(self._places[at], self._tail.places[at]) for at in place.opened if at in captured]
        self._later = [(self._places[at], tail) for at, tail in self._tail.places.items() if at not in place.opened]

    def matches(
        self, chars: str, data: bytes, start: int, end: int, index: ValueIndex, budget: Budget
    ) -> Iterator[tuple[Match, Owners]]:
        """Yield the matches between `start` and `end` from left to right, each with its linkers.

        `data` is `chars` in the alphabet. The matches of one linker do not overlap; those of several may.
        """
        search, place, inside, alone = (
            self._like_a_value.search,
            self._value_place,
            self._width > 0,
            index.has_one_owner,
        )
        find, places = index.owners.find, self._places
        taken = _Taken()
        while spans := search(data, start, end):
            # No slice of this run that ends later can be a value: the run was taken as far as the rest can follow.
            first, beyond = spans[place]
            if alone and (known := find(chars[first:beyond])) and may_be_value(chars, first, beyond, inside=inside):
                yield Match(spans, places), known  # nearly always all of the run is a value
                start = spans[0][1]
                budget.found()
                continue
            slices = index.beginning if inside else index.slices
            yield from self._in_run(spans, data, end, slices(chars, first, beyond, budget.check), taken, budget)
            start = spans[0][0] + 1 if inside else beyond
            if alone:
                start = max(start, taken.reach)
            budget.check()

    def _in_run(
        self,
        spans: list[Span],
        data: bytes,
        end: int,
        slices: Iterator[tuple[int, int, Owners]],
        taken: "_Taken",
        budget: Budget,
    ) -> Iterator[tuple[Match, Owners]]:
        """Yield the matches around each of the `slices` of a run, which are values."""
        for at, stop, known in slices:
            start = at - self._width
            owners = taken.free(known, start)
            match = self._match(spans, data, at, stop, end) if owners else None
            if match:
                taken.add(start, match.end, owners)
                yield match, owners
                budget.found()

    def _program(self, tree: Node, captured: Collection[int]) -> LinearProgram:
        return LinearProgram(linear_source(tree, ANY_VALUE, captured, self.alphabet), self.alphabet)

    def _match(self, like_a_value: list[Span], data: bytes, at: int, stop: int, end: int) -> Match | None:
        """Return the match with the value between `at` and `stop`, given a match of anything like a value."""
        if self._anchors and not self._anchors.match(data, at, end):
            return None
        tail = self._tail.match(data, stop, end)
        if tail is None:
            return None
        spans = like_a_value.copy()
        for place, place_in_tail in self._later:
            spans[place] = tail[place_in_tail]
        for place, mark in self._opened:
            spans[place] = (spans[place][0] if self._width else at, tail[mark][0])
        spans[0] = (at - self._width, tail[0][1])
        spans[self._value_place] = (at, stop)
        return Match(spans, self._places)


class _Taken:
    """The linkers with a match that ends late. `reach` is where the last of these ends."""

    def __init__(self) -> None:
        self.reach = 0
        self._late: list[tuple[int, Owners]] = []

    def free(self, owners: Owners, at: int) -> Owners:
        """Return the linkers without a match that goes beyond `at`."""
        if at >= self.reach:
            return owners
        busy = {owner for end, others in self._late if end > at for owner in others}
        return tuple(owner for owner in owners if owner not in busy)

    def add(self, start: int, end: int, owners: Owners) -> None:
        """Note a match. Those before it no longer count where it begins beyond them all."""
        self._late = [(end, owners)] if start >= self.reach else [*self._late, (end, owners)]
        self.reach = max(self.reach, end)
