"""Count the steps of a backtracking engine, such as Python's `re`. No engine reports them, and no clock is needed."""

from collections.abc import Callable

from roadstead.linkify.pattern.classes import value_char
from roadstead.linkify.pattern.syntax import (
    Anchor,
    Atomic,
    BackReference,
    Chars,
    Choice,
    Conditional,
    Group,
    Look,
    Node,
    Place,
    Repeat,
    Sequence,
    Values,
    least_width,
)

MOST_STEPS = 20_000


class _Enough(Exception):
    """So many steps were counted that a few more make no difference."""


def steps(tree: Node, text: str) -> int:
    """Return how many steps a backtracking search of a text for the tree takes: `MOST_STEPS` at most.

    0 means that the count is unknown, because the pattern is nested too deeply.
    """
    trial = _Trial(text)
    try:
        any(trial.match(tree, start, lambda _: True) for start in range(len(text) + 1))
    except _Enough:
        return MOST_STEPS
    except RecursionError:
        return 0
    return trial.steps


_Rest = Callable[[int], bool]
"""Returns whether the rest of the pattern matches from a place on."""


class _Trial:
    """A text, and the steps taken on it so far."""

    def __init__(self, text: str) -> None:
        self.steps = 0
        self._text = text
        self._groups: dict[int, tuple[int, int]] = {}

    def match(self, node: Node, at: int, rest: _Rest) -> bool:
        """Return whether a node matches from a place on, and the rest of the pattern after it."""
        self._step()
        match node:
            case Chars(allowed):
                return at < len(self._text) and ord(self._text[at]) in allowed and rest(at + 1)
            case Sequence(items):
                return self._sequence(items, at, rest)
            case Choice(branches):
                return any(self.match(branch, at, rest) for branch in branches)
            case Conditional(number, yes, no):
                return self.match(yes if number in self._groups else no, at, rest)
            case Group(number, body):
                return self._group(number, body, at, rest)
            case Values(number):
                return self._group(
                    number, Repeat(Chars(value_char(ascii_only=node.ascii_only)), 1, None, "greedy"), at, rest
                )
            case Repeat():
                return self._repeat(node, at, rest)
            case Atomic(body):
                return self._atomic(body, at, rest)
            case Look():
                return self._looks(node, at) != node.negated and rest(at)
            case BackReference(number):
                start, end = self._groups.get(number, (0, -1))
                same = start <= end and self._text.startswith(self._text[start:end], at)
                return same and rest(at + end - start)
            case Anchor(place):
                return self._holds(place, at) and rest(at)

    def _step(self) -> None:
        self.steps += 1
        if self.steps >= MOST_STEPS:
            raise _Enough

    def _sequence(self, items: tuple[Node, ...], at: int, rest: _Rest) -> bool:
        if not items:
            return rest(at)
        return self.match(items[0], at, lambda end: self._sequence(items[1:], end, rest))

    def _group(self, number: int, body: Node, at: int, rest: _Rest) -> bool:
        def close(end: int) -> bool:
            before = self._groups.get(number)
            self._groups[number] = (at, end)
            if rest(end):
                return True
            self._groups.pop(number)
            if before:
                self._groups[number] = before
            return False

        return self.match(body, at, close)

    def _repeat(self, node: Repeat, at: int, rest: _Rest) -> bool:
        if node.mode == "possessive":
            return self._atomic(Repeat(node.body, node.least, node.most, "greedy"), at, rest)
        if isinstance(node.body, Chars):
            return self._run(node, node.body, at, rest)
        return self._rounds(node, 0, at, rest)

    def _run(self, node: Repeat, body: Chars, at: int, rest: _Rest) -> bool:
        end = at
        while end < len(self._text) and ord(self._text[end]) in body.allowed and end - at != node.most:
            self._step()
            end += 1
        ends = range(at + node.least, end + 1)
        return any(map(rest, ends if node.mode == "lazy" else reversed(ends)))

    def _rounds(self, node: Repeat, count: int, at: int, rest: _Rest) -> bool:
        def another(end: int) -> bool:
            return (end > at or count < node.least) and self._rounds(node, count + 1, end, rest)

        def go_on() -> bool:
            return count != node.most and self.match(node.body, at, another)

        def leave() -> bool:
            return count >= node.least and rest(at)

        return leave() or go_on() if node.mode == "lazy" else go_on() or leave()

    def _atomic(self, body: Node, at: int, rest: _Rest) -> bool:
        first_end = at

        def take(end: int) -> bool:
            nonlocal first_end
            first_end = end
            return True

        return self.match(body, at, take) and rest(first_end)

    def _looks(self, node: Look, at: int) -> bool:
        if node.ahead:
            return self.match(node.body, at, lambda _: True)
        start = at - least_width(node.body)
        return start >= 0 and self.match(node.body, start, lambda end: end == at)

    def _holds(self, place: Place, at: int) -> bool:
        text = self._text
        match place:
            case Place.TEXT_START:
                return at == 0
            case Place.LINE_START:
                return at == 0 or text[at - 1] == "\n"
            case Place.TEXT_END:
                return at == len(text)
            case Place.LAST_LINE_END:
                return at == len(text) or (at == len(text) - 1 and text[at] == "\n")
            case Place.LINE_END:
                return at == len(text) or text[at] == "\n"
            case _:
                edge = _is_word(text[at - 1 : at] if at else "") != _is_word(text[at : at + 1])
                return edge == (place is Place.WORD_EDGE)


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
