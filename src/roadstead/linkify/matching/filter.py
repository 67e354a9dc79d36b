"""Find quickly which of many patterns may match in a text at all.

A pattern whose literals do not occur in a text need not be tried. `re2.Filter` searches for the literals of many
patterns in one pass, and a single literal is searched for as bytes in bytes. A pattern without a literal is always
tried. Unlike in an `RE2::Set`, it does not slow down the search for the others.

The filter reads a text in its rough form: ASCII, with `?` in place of every other character. So one form serves all
patterns, with any sets of characters.
"""

from collections.abc import Callable, Iterator
from collections.abc import Sequence as SequenceOf

import re2

from roadstead.linkify.engines.linear import linear_options
from roadstead.linkify.pattern.charset import CharSet
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
    Repeat,
    Sequence,
    Values,
)
from roadstead.linkify.plan.plan import Plan

_FEW = 8
_MOST_AT_ONCE = 1_000
_MOST_REPEATS = 100  # the first rounds of a repeat contain all its literals
_STAND_IN = ord("?")
_ANYTHING = r"[\x00-\x7f]*"
_LIKE_A_VALUE = r"[0-9A-Z_a-z?\-]+"

_Match = Callable[[bytes, bool], list[int]]  # of `re2.Filter`
Numbered = list[tuple[int, str]]


class Filter:
    """Which of many patterns may match in a text."""

    def __init__(self, plans: SequenceOf[Plan]) -> None:
        self._literals = [plan.literal for plan in plans]
        rough = [(number, _rough(plan.pattern.tree)) for number, plan in enumerate(plans)]
        chunks = [rough[at : at + _MOST_AT_ONCE] for at in range(0, len(rough), _MOST_AT_ONCE)]
        self._filters = [made for chunk in chunks for made in _filters(chunk)] if len(plans) > _FEW else []

    def may_match(self, rough: bytes) -> list[int]:
        """Return the numbers of the patterns that may match in a text of this rough form, in their order."""
        literals = self._literals
        if not self._filters:
            return [number for number, literal in enumerate(literals) if literal in rough]
        likely: list[int] = []
        for numbers, match in self._filters:
            likely += [numbers[place] for place in match(rough, True)]
        return sorted([number for number in likely if literals[number] in rough])


def _filters(patterns: Numbered) -> Iterator[tuple[list[int], _Match]]:
    """Yield as few filters for the patterns as RE2's memory allows, each with the numbers of its patterns."""
    made = re2._re2.Filter()  # without its wrapper, as in `engines/linear.py`
    if all(made.Add(source.encode("latin-1"), linear_options()) >= 0 for _, source in patterns) and made.Compile():
        yield [number for number, _ in patterns], made.Match
    elif len(patterns) == 1:
        yield from _filters([(patterns[0][0], _ANYTHING)])
    else:
        middle = len(patterns) // 2
        yield from _filters(patterns[:middle])
        yield from _filters(patterns[middle:])


def _rough(node: Node) -> str:
    """Write a regex that matches the rough form of every text that the tree matches."""
    match node:
        case Chars(allowed):
            return _rough_class(allowed)
        case Values():
            return _LIKE_A_VALUE
        case Sequence(items):
            return "".join(f"(?:{_rough(item)})" if isinstance(item, Choice) else _rough(item) for item in items)
        case Choice(branches):
            return "|".join(map(_rough, branches))
        case Group(body=body) | Atomic(body=body):
            return f"(?:{_rough(body)})"
        case Repeat(body, least, most):
            fewest = min(least, _MOST_REPEATS)
            longest = "" if most is None or most > _MOST_REPEATS else most
            return f"(?:{_rough(body)}){{{fewest},{longest}}}"
        case Conditional(_, yes, no):
            return f"(?:{_rough(yes)}|{_rough(no)})"
        case BackReference():
            return _ANYTHING
        case Anchor() | Look():
            return ""


def _rough_class(chars: CharSet) -> str:
    ranges = [(low, min(high, 127)) for low, high in chars.ranges if low < 128]
    if chars.beyond_ascii().ranges:
        ranges.append((_STAND_IN, _STAND_IN))
    if not ranges:
        return r"[^\x00-\xff]"
    return "[" + "".join(rf"\x{low:02x}-\x{high:02x}" for low, high in ranges) + "]"
