"""A text on which an engine that tries every way takes far more steps than the text is long.

Such texts are made from the pattern: what comes before a long run, what the run may hold again and again, and something
that keeps the rest from matching. Whether one is a witness is found out by trying every way and counting, which no
engine tells and no clock is needed for: twice the run must take at least three times the steps.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from roadstead.linkify.engines.source import any_value_char
from roadstead.linkify.pattern.reading import read_pattern
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

TIMES = 24
_MANY = 32
_MOST_STEPS = 20_000  # on one text; of all texts together three times as many, some 100 ms
_GROWTH = 3
_CHARS = "a1 -A,=\t\n.\"'<(/!~\x00"
_AFTER = ("!", "", "\n", "\x00", "a", "1")


@dataclass(frozen=True, slots=True)
class Witness:
    """A text for a pattern: `before`, then `pump` again and again, then `after`.

    With `pump` 48 times, trying every way takes `steps` steps, or more where that is 20,000.
    """

    before: str
    pump: str
    after: str
    steps: int

    def text(self, times: int) -> str:
        return self.before + self.pump * times + self.after

    def in_short(self) -> str:
        """Return the text as people write one that goes on and on, as in `aaaa…!`."""
        return f"{self.before}{self.pump * 4}…{self.after}"

    def in_words(self) -> str:
        parts = [repr(self.before)] if self.before else []
        parts.append(f"{self.pump!r} again and again")
        if self.after:
            parts.append(repr(self.after))
        return ", then ".join(parts)


@lru_cache(maxsize=1024)
def find_witness(regex: str) -> Witness | None:
    """Return the most hostile text that is found for this pattern, or `None`; there may be one all the same."""
    tree = read_pattern(regex).tree
    found: Witness | None = None
    left = 3 * _MOST_STEPS
    for before, pump, after in dict.fromkeys(_candidates(tree)):
        few = _steps(tree, before + pump * TIMES + after)
        many = _steps(tree, before + pump * 2 * TIMES + after)
        is_witness = 0 < _GROWTH * few <= many or few >= _MOST_STEPS
        if is_witness and (found is None or many > found.steps):
            found = Witness(before, pump, after, many)
        left -= few + many
        if left < 0 or many >= _MOST_STEPS:
            break
    return found


def _candidates(tree: Node) -> Iterator[tuple[str, str, str]]:
    for before, run in _runs(tree, ""):
        for pump in _samples(run.body):
            for after in _AFTER:
                yield before, pump, after
                if before:
                    yield "", pump, after


def _runs(node: Node, before: str) -> Iterator[tuple[str, Repeat]]:
    """Yield the long repeats below a node, each with a sample of what comes before it."""
    match node:
        case Sequence(items):
            for item in items:
                yield from _runs(item, before)
                before += next(_samples(item), "")
        case Choice(branches):
            for branch in branches:
                yield from _runs(branch, before)
        case Repeat(body, _, most):
            if most is None or most >= _MANY:
                yield before, node
            yield from _runs(body, before)
        case Group(body=body) | Atomic(body=body) | Look(body=body, ahead=True):
            yield from _runs(body, before)
        case Values():
            yield before, Repeat(Chars(any_value_char(node.ascii_only)), 1, None, "greedy")


def _samples(node: Node) -> Iterator[str]:
    """Yield a few short texts that the node may match."""
    match node:
        case Chars(allowed):
            known = [char for char in _CHARS if ord(char) in allowed]
            yield from known[:4] or [chr(low) for low, _ in allowed.ranges[:1]]
        case Values():
            yield "a"
        case Sequence(items):
            yield "".join(next(_samples(item), "") for item in items)
            yield "".join(list(_samples(item))[-1] for item in items if least_width(item) > 0)
        case Choice(branches):
            for branch in branches:
                yield from _samples(branch)
        case Group(body=body) | Atomic(body=body):
            yield from _samples(body)
        case Repeat(body, least):
            for sample in _samples(body):
                yield sample * max(least, 1)
        case Conditional(_, yes, _):
            yield from _samples(yes)


class _Enough(Exception):
    """So many steps were taken that it makes no difference how many more there are."""


def _steps(tree: Node, text: str) -> int:
    """Return how many steps it takes to look for the tree in a text, trying every way; at most so many.

    0 if that cannot be told, because it nests too deep.
    """
    trial = _Trial(text)
    try:
        any(trial.match(tree, start, lambda _: True) for start in range(len(text) + 1))
    except _Enough:
        return _MOST_STEPS
    except RecursionError:
        return 0
    return trial.steps


_Rest = Callable[[int], bool]
"""Whether what follows matches from a place on."""


class _Trial:
    """A text, and the steps that were taken on it."""

    def __init__(self, text: str) -> None:
        self.steps = 0
        self._text = text
        self._groups: dict[int, tuple[int, int]] = {}

    def match(self, node: Node, at: int, rest: _Rest) -> bool:
        """Whether a node matches from a place on, and what follows from there on."""
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
                return self._group(number, Repeat(Chars(any_value_char(node.ascii_only)), 1, None, "greedy"), at, rest)
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
        if self.steps >= _MOST_STEPS:
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
