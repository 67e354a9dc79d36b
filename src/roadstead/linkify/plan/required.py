r"""What a text must hold for a pattern to match in it, said roughly and asked quickly.

A pattern whose literals do not occur in a text need not be tried. `re2.Filter` looks for the literals of many
patterns in one go, and a single literal is looked for as bytes in bytes. A pattern without a literal is always
tried, and makes the question no slower for the others, which it would in an `RE2::Set`.

A text is asked in its rough form: ASCII, with `?` in place of every other character. So one form serves all
patterns, whatever characters they tell apart.
"""

from collections.abc import Callable, Iterator
from collections.abc import Sequence as SequenceOf

import re2

from roadstead.linkify.engines.programs import linear_options
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

_FEW = 8
_MOST_AT_ONCE = 1_000
_MOST_REPEATS = 100  # what a repeat says about literals, it says in its first rounds
_STAND_IN = ord("?")
_ANYTHING = r"[\x00-\x7f]*"
_LIKE_A_VALUE = r"[0-9A-Z_a-z?\-]+"

_Match = Callable[[bytes, bool], list[int]]  # of `re2.Filter`
Numbered = list[tuple[int, str]]


class Required:
    """Which of many patterns may match in a text."""

    def __init__(self, trees: SequenceOf[Node]) -> None:
        self._literals = [required_literal(tree) for tree in trees]
        rough = [(number, _rough(tree)) for number, tree in enumerate(trees)]
        chunks = [rough[at : at + _MOST_AT_ONCE] for at in range(0, len(rough), _MOST_AT_ONCE)]
        self._filters = [made for chunk in chunks for made in _filters(chunk)] if len(trees) > _FEW else []

    def may_match(self, rough: bytes) -> list[int]:
        """Return the numbers of the patterns that may match in a text of this rough form, in their order."""
        literals = self._literals
        if not self._filters:
            return [number for number, literal in enumerate(literals) if literal in rough]
        likely: list[int] = []
        for numbers, match in self._filters:
            likely += [numbers[place] for place in match(rough, True)]
        return sorted([number for number in likely if literals[number] in rough])


def required_literal(tree: Node) -> bytes:
    """Return the longest stretch of ASCII that stands in every match of the tree, as far as is plain to see."""
    stretches = [b""]
    for code in _codes(tree):
        if code is None:
            stretches.append(b"")
        else:
            stretches[-1] += bytes((code,))
    return max(stretches, key=len)


def _codes(node: Node) -> Iterator[int | None]:
    """Yield the ASCII characters that every match has, in order, and `None` wherever others may come between."""
    match node:
        case Chars(CharSet(((low, high),))) if low == high < 128:
            yield low
        case Sequence(items):
            for item in items:
                yield from _codes(item)
        case Group(body=body) | Atomic(body=body):
            yield from _codes(body)
        case Repeat(body, least) if least > 0:
            yield None
            yield from _codes(body)
            yield None
        case Anchor() | Look():
            pass
        case _:
            yield None


def _filters(patterns: Numbered) -> Iterator[tuple[list[int], _Match]]:
    """Yield filters for the patterns, as few as RE2's memory allows, each with the numbers of its patterns."""
    made = re2._re2.Filter()  # without its wrapper, as in `engines`
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
