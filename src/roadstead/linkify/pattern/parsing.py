"""Parse a regex with Python's own parser, and turn its result into our tree.

This is the only module that knows `re._parser`.
"""

import re
import warnings
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, replace
from re import _constants as sre  # type: ignore[attr-defined, unused-ignore]  # no stubs; this module confines it
from re import _parser as sre_parser  # type: ignore[attr-defined, unused-ignore]  # no stubs; this module confines it
from threading import Lock
from typing import Any, Literal, NamedTuple

from roadstead.linkify.linker import InvalidPattern
from roadstead.linkify.pattern.charset import EVERYTHING, NEWLINE, NOTHING, CharSet
from roadstead.linkify.pattern.classes import char_class
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
)

MAX_NESTING = 40

_WARNINGS = Lock()
_CATEGORY_NAMES = {
    sre.CATEGORY_DIGIT: "d",
    sre.CATEGORY_NOT_DIGIT: "D",
    sre.CATEGORY_SPACE: "s",
    sre.CATEGORY_NOT_SPACE: "S",
    sre.CATEGORY_WORD: "w",
    sre.CATEGORY_NOT_WORD: "W",
}
_PLACES = {
    sre.AT_BEGINNING_STRING: Place.TEXT_START,
    sre.AT_END_STRING: Place.TEXT_END,
    sre.AT_BOUNDARY: Place.WORD_EDGE,
    sre.AT_NON_BOUNDARY: Place.NO_WORD_EDGE,
}
_MODES: dict[Any, Literal["greedy", "lazy", "possessive"]] = {
    sre.MAX_REPEAT: "greedy",
    sre.MIN_REPEAT: "lazy",
    sre.POSSESSIVE_REPEAT: "possessive",
}


class Parsed(NamedTuple):
    """The reading of a regex by Python's parser. `names` are its named groups with their numbers."""

    items: Any
    groups: int
    names: dict[str, int]
    flags: int


def parse(source: str) -> Parsed:
    """Parse a regex. Raises what `re.compile` raises."""
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "possible nested set" is for the author of a Python module
        items = sre_parser.parse(source)
    state = items.state
    return Parsed(items, state.groups - 1, dict(state.groupdict), state.flags)


def to_tree(parsed: Parsed, value_numbers: frozenset[int]) -> Node:
    """Return the tree of a parsed regex, in which groups with these numbers mean stored values.

    Raises `InvalidPattern`.
    """
    return _Converter(value_numbers, parsed.flags).sequence(parsed.items)


@dataclass(frozen=True, slots=True)
class _Converter:
    """Turns the parser's tree into ours, at one depth and under its flags."""

    value_numbers: frozenset[int]
    flags: int
    depth: int = 0

    def sequence(self, parsed: SequenceOf[tuple[Any, Any]]) -> Node:
        if self.depth > MAX_NESTING:
            raise InvalidPattern(f"The regex is nested more than {MAX_NESTING} levels deep.")
        inner = replace(self, depth=self.depth + 1)
        items = tuple(inner._node(op, argument) for op, argument in parsed)
        return items[0] if len(items) == 1 else Sequence(items)

    def _node(self, op: Any, argument: Any) -> Node:
        match op:
            case sre.LITERAL | sre.NOT_LITERAL:
                return self._chars([(sre.LITERAL, argument)], negated=op is sre.NOT_LITERAL)
            case sre.IN:
                negated = argument[0][0] is sre.NEGATE
                return self._chars(argument[negated:], negated=negated)
            case sre.ANY:
                return Chars(EVERYTHING if self.flags & re.DOTALL else ~NEWLINE)
            case sre.FAILURE:
                return Chars(NOTHING)
            case sre.AT:
                return Anchor(self._place(argument), bool(self.flags & re.ASCII))
            case sre.GROUPREF:
                return BackReference(argument, bool(self.flags & re.IGNORECASE))
            case _:
                return self._compound(op, argument)

    def _compound(self, op: Any, argument: Any) -> Node:
        match op:
            case sre.BRANCH:
                return Choice(tuple(map(self.sequence, argument[1])))
            case sre.SUBPATTERN:
                return self._group(*argument)
            case sre.MAX_REPEAT | sre.MIN_REPEAT | sre.POSSESSIVE_REPEAT:
                least, most, body = argument
                unlimited = most == sre.MAXREPEAT
                return Repeat(self.sequence(body), int(least), None if unlimited else int(most), _MODES[op])
            case sre.ATOMIC_GROUP:
                return Atomic(self.sequence(argument))
            case sre.ASSERT | sre.ASSERT_NOT:
                return self._look(*argument, negated=op is sre.ASSERT_NOT)
            case sre.GROUPREF_EXISTS:
                number, yes, no = argument
                return Conditional(number, self.sequence(yes), self.sequence(no or ()))
            case _:
                raise InvalidPattern(f"The regex uses a construct that is not supported: {op}.")

    def _group(self, number: int | None, added: int, removed: int, body: Any) -> Node:
        kept = ~(re.ASCII | re.UNICODE) if added & (re.ASCII | re.UNICODE) else ~0
        inner = replace(self, flags=(self.flags & kept | added) & ~removed)
        if number in self.value_numbers:
            return Values(number, bool(inner.flags & re.IGNORECASE), bool(inner.flags & re.ASCII))
        return inner.sequence(body) if number is None else Group(number, inner.sequence(body))

    def _look(self, direction: int, body: Any, *, negated: bool) -> Node:
        if direction < 0:
            shortest, longest = body.getwidth()
            if shortest != longest:
                raise InvalidPattern("Python's re cannot compile the regex: a look-behind needs a fixed width.")
        return Look(self.sequence(body), ahead=direction > 0, negated=negated)

    def _place(self, at: Any) -> Place:
        if at is sre.AT_BEGINNING:
            return Place.LINE_START if self.flags & re.MULTILINE else Place.TEXT_START
        if at is sre.AT_END:
            return Place.LINE_END if self.flags & re.MULTILINE else Place.LAST_LINE_END
        return _PLACES[at]

    def _chars(self, items: SequenceOf[tuple[Any, Any]], *, negated: bool) -> Chars:
        ranges = [(value, value) for op, value in items if op is sre.LITERAL]
        ranges += [value for op, value in items if op is sre.RANGE]
        allowed = char_class(
            CharSet.of(ranges),
            tuple(_CATEGORY_NAMES[value] for op, value in items if op is sre.CATEGORY),
            negated=negated,
            ignore_case=bool(self.flags & re.IGNORECASE),
            ascii_only=bool(self.flags & re.ASCII),
        )
        return Chars(allowed)
