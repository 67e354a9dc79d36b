r"""Patterns in which the value has a fixed place, such as `((?K)-\d+)`, `\b(?K):` or `#(?K)`, as in nearly all.

Where such a pattern matches is decided from the left: at a place, the longest stored value whose continuation
matches wins. So no stored value needs to become part of a program. One program finds the next run of `[\w\-]`
that might hold a value, slices of that run are looked up among the values, and where one is known, a program for
the rest of the pattern is asked about the place where it ends.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import takewhile

from roadstead.linkify.budget import Budget
from roadstead.linkify.engines.programs import LinearProgram, Match, Span
from roadstead.linkify.engines.source import ANY_VALUE, linear_source
from roadstead.linkify.pattern.syntax import Anchor, Chars, Group, Node, Repeat, Sequence, Values, walk
from roadstead.linkify.values.index import Owners, ValueIndex, may_be_value


@dataclass(frozen=True, slots=True)
class TakenApart:
    """A pattern taken apart at its value.

    `lead` matches right before the value, always `width` characters. `opened` are the groups around the value besides
    its own. `tail` is all that follows; an empty group in it marks the end of each opened one.
    """

    lead: Sequence
    width: int
    value: int
    opened: tuple[int, ...]
    tail: Sequence


def taken_apart(tree: Node) -> TakenApart | None:
    """Return the tree taken apart, or `None` if its only `(?K)` has no fixed place."""
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
                fixed = list(takewhile(lambda item: _fixed_width(item) is not None, items))
                if len(fixed) == len(items):
                    return None
                lead += fixed
                node, *rest = items[len(fixed) :]
                after.append(tuple(rest))
            case _:
                return None
    before_value = Sequence(tuple(lead))
    width = _fixed_width(before_value)
    tail = Sequence(tuple(item for level in reversed(after) for item in level))
    if width is None or any(isinstance(part, Values) for part in walk(tail)):
        return None
    if width == 0 and any(isinstance(part, Group) for part in walk(before_value)):
        return None  # where it is depends on which slice of a run is the value
    return TakenApart(before_value, width, node.number, tuple(opened), tail)


def _fixed_width(node: Node) -> int | None:
    """Return how many characters the node matches, or `None` if that depends, or there is more than one way to."""
    match node:
        case Anchor():
            return 0
        case Chars():
            return 1
        case Repeat(Chars(), least, most) if least == most:
            return least
        case Group(body=body):
            return _fixed_width(body)
        case Sequence(items):
            widths = [width for item in items if (width := _fixed_width(item)) is not None]
            return sum(widths) if len(widths) == len(items) else None
        case _:
            return None


class ValueFirstProgram:
    """A pattern in which the value has a fixed place, over bytes of the alphabet that `like_a_value` reads.

    Raises `ProgramRefused`.
    """

    def __init__(self, apart: TakenApart, like_a_value: LinearProgram, captured: Collection[int]) -> None:
        self.alphabet = like_a_value.alphabet
        self._like_a_value = like_a_value
        self._places = like_a_value.places
        self._value_place = self._places[apart.value]
        self._width = apart.width
        self._anchors = self._program(apart.lead, ()) if apart.lead.items and not apart.width else None
        self._tail = self._program(apart.tail, captured)
        self.window = min(like_a_value.window, self._tail.window)
        self.most = min(like_a_value.most, self._tail.most)
        self._opened = [(self._places[at], self._tail.places[at]) for at in apart.opened if at in captured]
        self._later = [(self._places[at], place) for at, place in self._tail.places.items() if at not in apart.opened]

    def matches(
        self, chars: str, data: bytes, start: int, end: int, index: ValueIndex, budget: Budget
    ) -> Iterator[tuple[Match, Owners]]:
        """Yield the matches between `start` and `end` from left to right, each with the linkers whose it is.

        `data` is `chars` in the alphabet. The matches of one linker do not overlap; those of several may.
        """
        search, place, width, alone = self._like_a_value.search, self._value_place, self._width, len(index.counts) == 1
        find, places = index.owners.find, self._places
        taken: list[tuple[int, Owners]] = []  # where late matches end, and whose they are
        reach = 0  # where the last of them ends
        while spans := search(data, start, end):
            # No slice of this run that ends later can be a value: the run was taken as far as the rest can follow.
            first, beyond = spans[place]
            if alone and (known := find(chars[first:beyond])) and may_be_value(chars, first, beyond, inside=width > 0):
                yield Match(spans, places), known  # as is nearly always so, all of the run is a value
                start = spans[0][1]
                budget.found()
                continue
            slices = index.beginning if width else index.slices
            for at, stop, known in slices(chars, first, beyond, budget.check):
                owners = known if at - width >= reach else _free(known, taken, at - width)
                match = self._match(spans, data, at, stop, end) if owners else None
                if match:
                    taken = [(match.end, owners)] if at - width >= reach else [*taken, (match.end, owners)]
                    reach = max(reach, match.end)
                    yield match, owners
                    budget.found()
            start = spans[0][0] + 1 if width else beyond
            if alone:
                start = max(start, reach)
            budget.check()

    def _program(self, tree: Node, captured: Collection[int]) -> LinearProgram:
        return LinearProgram(linear_source(tree, ANY_VALUE, captured, self.alphabet), self.alphabet)

    def _match(self, like_a_value: list[Span], data: bytes, at: int, stop: int, end: int) -> Match | None:
        """Return the match whose value is what stands between `at` and `stop`, in a match of anything like a value."""
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


def _free(owners: Owners, taken: list[tuple[int, Owners]], at: int) -> Owners:
    """Return the linkers of which no match goes beyond `at`."""
    busy = {owner for end, others in taken if end > at for owner in others}
    return tuple(owner for owner in owners if owner not in busy)
