r"""Relax a pattern until RE2 can express it, so that RE2 finds the places that the bounded engine has to try.

The bounded engine checks the time only sometimes, and perhaps not for long while it reads a long text. Each match of
the pattern begins where a match of the relaxed pattern begins. So the bounded engine tries only these places, and the
budget is checked between two of them.
"""

from roadstead.linkify.pattern.charset import EVERYTHING, NOTHING, CharSet
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
    children,
    least_width,
)

_MOST_REPEATS = 100
_KEPT_PLACES = {Place.TEXT_START, Place.TEXT_END, Place.LINE_START, Place.LINE_END}


def relaxations(tree: Node) -> list[Node]:
    """Return patterns for RE2 that match wherever the tree matches something, and perhaps elsewhere, the sharpest
    first.

    The last is a single character, which RE2 may look for in any text.
    """
    first = Chars(_first(tree))
    return [_relaxed(tree), first] if least_width(tree) > 0 else [first]


def _relaxed(node: Node) -> Node:
    match node:
        case Sequence(items):
            return Sequence(tuple(map(_relaxed, items)))
        case Choice(branches):
            return Choice(tuple(map(_relaxed, branches)))
        case Conditional(_, yes, no):
            return Choice((_relaxed(yes), _relaxed(no)))
        case Group(body=body) | Atomic(body=body):
            return _relaxed(body)
        case Repeat(body, least, most):
            many = most is None or most > _MOST_REPEATS
            return Repeat(_relaxed(body), min(least, _MOST_REPEATS), None if many else most, "greedy")
        case BackReference():
            return Repeat(Chars(EVERYTHING), 0, None, "greedy")
        case Values(_, ignore_case, ascii_only) if ignore_case or ascii_only:
            return Repeat(
                Chars(EVERYTHING), 1, None, "greedy"
            )  # a stored value may contain more than `[\w\-]` does there
        case Anchor(place) if place not in _KEPT_PLACES:
            return Sequence(())
        case Look():
            return Sequence(())
        case _:
            return node


def _first(node: Node) -> CharSet:
    """Return every character that can begin a match of the node."""
    match node:
        case Chars(allowed):
            return allowed
        case Values() | BackReference():
            return EVERYTHING
        case Sequence(items):
            first = NOTHING
            for item in items:
                first |= _first(item)
                if least_width(item) > 0:
                    break
            return first
        case Look():
            return NOTHING
        case _:
            return CharSet.of(bounds for child in children(node) for bounds in _first(child).ranges)
