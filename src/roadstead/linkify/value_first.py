r"""Patterns that begin with their value, such as `((?K)-\d+)` or `\b(?K):`, as nearly all do.

Where such a pattern matches is decided from the left: at a place, the longest stored value whose continuation
matches wins. So no stored value needs to become part of a program. One program finds the next run of `[\w\-]`
that might hold a value, slices of that run are looked up among the values, and where one is known, a program for
the rest of the pattern is asked about the place where it ends.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import takewhile

from roadstead.linkify.budget import Budget
from roadstead.linkify.engines import LinearProgram, Match
from roadstead.linkify.program import ANY_VALUE, linear_source
from roadstead.linkify.syntax import Anchor, Group, Node, Sequence, Values, walk
from roadstead.linkify.values import Owners, ValueIndex, may_be_value


@dataclass(frozen=True, slots=True)
class TakenApart:
    """A pattern taken apart at its value.

    `lead` is anchors, which hold at the value's first character. `opened` are the groups that begin there besides
    the value's. `tail` is all that follows; an empty group in it marks the end of each opened one.
    """

    lead: Sequence
    value: int
    opened: tuple[int, ...]
    tail: Sequence


def taken_apart(tree: Node) -> TakenApart | None:
    """Return the tree taken apart, or `None` if it does not begin with its only `(?K)`."""
    lead: list[Node] = []
    opened: list[int] = []
    after: list[tuple[Node, ...]] = []  # what follows at each level, outermost first
    node = tree
    while not isinstance(node, Values):
        match node:
            case Group(number, body):
                opened.append(number)
                after.append((Group(number, Sequence(())),))
                node = body
            case Sequence(items):
                anchors = list(takewhile(lambda item: isinstance(item, Anchor), items))
                if len(anchors) == len(items):
                    return None
                lead += anchors
                node, *rest = items[len(anchors) :]
                after.append(tuple(rest))
            case _:
                return None
    tail = Sequence(tuple(item for level in reversed(after) for item in level))
    if any(isinstance(part, Values) for part in walk(tail)):
        return None
    return TakenApart(Sequence(tuple(lead)), node.number, tuple(opened), tail)


class ValueFirstProgram:
    """A pattern that begins with its value, over bytes of the alphabet that `like_a_value` reads.

    Raises `ProgramRefused`.
    """

    def __init__(self, apart: TakenApart, like_a_value: LinearProgram, captured: Collection[int]) -> None:
        self.alphabet = like_a_value.alphabet
        self._like_a_value = like_a_value
        self._value_place = like_a_value.places[apart.value]
        self._lead = self._program(apart.lead, ()) if apart.lead.items else None
        self._tail = self._program(apart.tail, captured)
        self.window = min(like_a_value.window, self._tail.window)
        opened = [number for number in apart.opened if number in captured]
        self._opened_places = [self._tail.places[number] for number in opened]
        places = {number: place + len(opened) + 1 for number, place in self._tail.places.items()}
        self._places = {**places, 0: 0, apart.value: 1, **{number: 2 + at for at, number in enumerate(opened)}}

    def matches(
        self, chars: str, data: bytes, start: int, end: int, index: ValueIndex, budget: Budget
    ) -> Iterator[tuple[Match, Owners]]:
        """Yield the matches between `start` and `end` from left to right, each with the linkers whose it is.

        `data` is `chars` in the alphabet. The matches of one linker do not overlap; those of several may.
        """
        search, place, alone = self._like_a_value.search, self._value_place, len(index.counts) == 1
        find, places = index.owners.find, self._like_a_value.places
        taken: list[tuple[int, Owners]] = []  # where late matches end, and whose they are
        reach = 0  # where the last of them ends
        while spans := search(data, start, end):
            # No slice of this run that ends later can be a value: the run was taken as far as the rest can follow.
            first, beyond = spans[place]
            if alone and (known := find(chars[first:beyond])) and may_be_value(chars, first, beyond):
                yield Match(spans, places), known  # as is nearly always so, all of the run is a value
                start = spans[0][1]
                budget.found()
                continue
            for at, stop, known in index.slices(chars, first, beyond, budget.check):
                owners = known if at >= reach else _free(known, taken, at)
                match = self._match(data, at, stop, end) if owners else None
                if match:
                    taken = [(match.end, owners)] if at >= reach else [*taken, (match.end, owners)]
                    reach = max(reach, match.end)
                    yield match, owners
                    budget.found()
            start = max(beyond, reach) if alone else beyond
            budget.check()

    def _program(self, tree: Node, captured: Collection[int]) -> LinearProgram:
        return LinearProgram(linear_source(tree, ANY_VALUE, captured, self.alphabet), self.alphabet)

    def _match(self, data: bytes, at: int, stop: int, end: int) -> Match | None:
        """Return the match whose value is what stands between `at` and `stop`."""
        if self._lead and not self._lead.match(data, at, end):
            return None
        tail = self._tail.match(data, stop, end)
        if tail is None:
            return None
        spans = [(at, tail[0][1]), (at, stop)]
        if len(tail) > 1:
            spans += [(at, tail[place][0]) for place in self._opened_places]
            spans += tail[1:]
        return Match(spans, self._places)


def _free(owners: Owners, taken: list[tuple[int, Owners]], at: int) -> Owners:
    """Return the linkers of which no match goes beyond `at`."""
    busy = {owner for end, others in taken if end > at for owner in others}
    return tuple(owner for owner in owners if owner not in busy)
