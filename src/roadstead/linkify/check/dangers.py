"""Why a backtracking engine, such as Python's `re`, may need far more than linear time for a pattern.

Only the shape of the pattern is judged, so rare cases are missed.
"""

from collections.abc import Iterator

from roadstead.linkify.pattern.charset import CharSet
from roadstead.linkify.pattern.syntax import (
    Anchor,
    Chars,
    Choice,
    Group,
    Look,
    Node,
    Repeat,
    Sequence,
    least_width,
    walk,
)

MANY = 32
"""A repeat that may run this long can delay an engine as much as one without an end."""


def dangers(tree: Node) -> Iterator[str]:
    """Yield why a backtracking engine may need more than linear time, worst first."""
    for node in walk(tree):
        if isinstance(node, Repeat) and _is_long(node) and _is_ambiguous(node.body):
            yield "A repeat within a repeat can divide the same text in very many ways."
    for items in _alternatives(tree):
        for at, item in enumerate(items):
            if _is_long(item) and any(map(_can_fail, items[at + 1 :])):
                yield from _dangers_of_run(items, at)


def _dangers_of_run(items: tuple[Node, ...], at: int) -> Iterator[str]:
    if not any(_holds_off(before, items[at]) for before in items[:at]):
        yield "A long run can be entered at each of its characters, and what follows may fail."
    elif _meets_its_like(items, at):
        yield "Two long runs of the same characters meet, and what follows may fail."


def _is_long(node: Node) -> bool:
    if isinstance(node, Look):
        return any(map(_is_long, walk(node.body)))
    return isinstance(node, Repeat) and (node.most is None or node.most >= MANY)


def _is_ambiguous(body: Node) -> bool:
    """Return whether one round may match what two could: the body is an open run, or has branches that overlap."""
    for items in _alternatives(body):
        if any(_is_long(item) and not any(_is_apart(other, item) for other in items) for item in items):
            return True
    branches = _alternatives(body)
    return any(not any(map(_is_apart, one, other)) for at, one in enumerate(branches) for other in branches[at + 1 :])


def _meets_its_like(items: tuple[Node, ...], at: int) -> bool:
    """Return whether another long run of the same characters follows, and then something that may fail."""
    for later in range(at + 1, len(items)):
        if _is_apart(items[later], items[at]):
            return False
        if _is_long(items[later]):
            return any(map(_can_fail, items[later + 1 :]))
    return False


def _can_fail(node: Node) -> bool:
    return least_width(node) > 0 or isinstance(node, Anchor | Look)


def _holds_off(before: Node, run: Node) -> bool:
    """Return whether a node before a run keeps a match from starting in the middle of the run."""
    if isinstance(before, Look):
        return not before.ahead
    return isinstance(before, Anchor) or _is_apart(before, run)


def _is_apart(node: Node, run: Node) -> bool:
    """Return whether the node needs a character that the run cannot contain."""
    return least_width(node) > 0 and not (_consumed(node) & _consumed(run)).ranges


def _consumed(node: Node) -> CharSet:
    return CharSet.of(bounds for part in walk(node) if isinstance(part, Chars) for bounds in part.allowed.ranges)


def _alternatives(node: Node) -> list[tuple[Node, ...]]:
    """Return the node's branches, each as a flat sequence without groups."""
    match node:
        case Group(body=body):
            return _alternatives(body)
        case Choice(branches):
            return [items for branch in branches for items in _alternatives(branch)]
        case Sequence(items):
            return [tuple(part for item in items for part in _flat(item))]
        case _:
            return [(node,)]


def _flat(node: Node) -> Iterator[Node]:
    match node:
        case Group(body=body):
            yield from _flat(body)
        case Sequence(items):
            for item in items:
                yield from _flat(item)
        case _:
            yield node
