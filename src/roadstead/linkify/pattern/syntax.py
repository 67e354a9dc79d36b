r"""The tree of a pattern, with flags resolved: what is left needs no flag to be understood.

A node is one of the classes below. Characters carry the exact set they match, so IGNORECASE, ASCII, DOTALL
and Unicode classes are gone; anchors say which place they mean, so MULTILINE is gone.

Nodes never change and make no circles, so no collection of garbage needs to look through them (`gc=False`): a thousand
patterns have tens of thousands.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Literal

import msgspec

from roadstead.linkify.pattern.charset import CharSet


class Place(Enum):
    """Where an anchor holds."""

    TEXT_START = r"\A"
    TEXT_END = r"\Z"
    LAST_LINE_END = "$"  # at the end of the text, and before a newline that ends it
    LINE_START = "(?m:^)"
    LINE_END = "(?m:$)"
    WORD_EDGE = r"\b"
    NO_WORD_EDGE = r"\B"


class Chars(msgspec.Struct, frozen=True, gc=False):
    """Exactly one character out of a set."""

    allowed: CharSet


class Sequence(msgspec.Struct, frozen=True, gc=False):
    items: tuple["Node", ...]


class Choice(msgspec.Struct, frozen=True, gc=False):
    """The branches in order of preference."""

    branches: tuple["Node", ...]


class Group(msgspec.Struct, frozen=True, gc=False):
    """A capturing group."""

    number: int
    body: "Node"


class Values(msgspec.Struct, frozen=True, gc=False):
    """A `(?K)`: a capturing group around one of the linker's values."""

    number: int
    ignore_case: bool
    ascii_only: bool


class Repeat(msgspec.Struct, frozen=True, gc=False):
    body: "Node"
    least: int
    most: int | None
    mode: Literal["greedy", "lazy", "possessive"]


class Atomic(msgspec.Struct, frozen=True, gc=False):
    body: "Node"


class Look(msgspec.Struct, frozen=True, gc=False):
    body: "Node"
    ahead: bool
    negated: bool


class BackReference(msgspec.Struct, frozen=True, gc=False):
    number: int
    ignore_case: bool


class Conditional(msgspec.Struct, frozen=True, gc=False):
    """One of two bodies, depending on whether a group took part."""

    number: int
    yes: "Node"
    no: "Node"


class Anchor(msgspec.Struct, frozen=True, gc=False):
    place: Place
    ascii_only: bool  # whether the words of a word edge are ASCII


Node = Chars | Sequence | Choice | Group | Values | Repeat | Atomic | Look | BackReference | Conditional | Anchor


def children(node: Node) -> tuple[Node, ...]:
    match node:
        case Sequence(items):
            return items
        case Choice(branches):
            return branches
        case Conditional(_, yes, no):
            return (yes, no)
        case Group() | Repeat() | Atomic() | Look():
            return (node.body,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def least_width(node: Node) -> int:
    """Return how many characters a match of the node has at least."""
    match node:
        case Chars() | Values():
            return 1
        case Sequence(items):
            return sum(map(least_width, items))
        case Choice(branches):
            return min(map(least_width, branches))
        case Repeat(body, least):
            return least * least_width(body)
        case Group(body=body) | Atomic(body=body):
            return least_width(body)
        case Conditional(_, yes, no):
            return min(least_width(yes), least_width(no))
        case _:
            return 0


def unfolded_size(node: Node) -> int:
    """Return how many nodes without children there are once each repeat is written out as often as it must match."""
    below = sum(map(unfolded_size, children(node)), start=0)
    if isinstance(node, Repeat):
        return max(node.least, 1) * max(below, 1)
    return max(below, 1)
