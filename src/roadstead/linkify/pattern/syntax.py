r"""The tree of a pattern. Its flags are resolved, so no node needs one to be understood.

`Chars` carries the exact set that it matches, so IGNORECASE, ASCII, DOTALL and Unicode classes are gone. An anchor says
which place it means, so MULTILINE is gone.

Nodes never change and never form a circle, so the garbage collector need not look through them (`gc=False`): a thousand
patterns have tens of thousands.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Literal

import msgspec

from roadstead.linkify.pattern.charset import CharSet


class Place(Enum):
    """The place that an anchor matches."""

    TEXT_START = r"\A"
    TEXT_END = r"\Z"
    LAST_LINE_END = "$"  # at the end of the text, and before a newline that ends it
    LINE_START = "(?m:^)"
    LINE_END = "(?m:$)"
    WORD_EDGE = r"\b"
    NO_WORD_EDGE = r"\B"


WORD_EDGES = {Place.WORD_EDGE, Place.NO_WORD_EDGE}


class Chars(msgspec.Struct, frozen=True, gc=False):
    """Exactly one character out of a set."""

    allowed: CharSet


class Sequence(msgspec.Struct, frozen=True, gc=False):
    """Nodes that follow each other."""

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
    """Its body, `least` to `most` times. `most` is `None` without a limit."""

    body: "Node"
    least: int
    most: int | None
    mode: Literal["greedy", "lazy", "possessive"]


class Atomic(msgspec.Struct, frozen=True, gc=False):
    """Its body, as it matches first and never otherwise."""

    body: "Node"


class Look(msgspec.Struct, frozen=True, gc=False):
    """A place before which, or after which, its body matches or, if `negated`, does not."""

    body: "Node"
    ahead: bool
    negated: bool


class BackReference(msgspec.Struct, frozen=True, gc=False):
    """The text that a group matched, once more."""

    number: int
    ignore_case: bool


class Conditional(msgspec.Struct, frozen=True, gc=False):
    """One of two bodies, depending on whether a group took part."""

    number: int
    yes: "Node"
    no: "Node"


class Anchor(msgspec.Struct, frozen=True, gc=False):
    """A place in the text. `ascii_only` says whether the words of a word edge are ASCII."""

    place: Place
    ascii_only: bool


Node = Chars | Sequence | Choice | Group | Values | Repeat | Atomic | Look | BackReference | Conditional | Anchor


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes right below a node."""
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
    """Return how many nodes without children a tree has, with each repeat written out as often as it must match."""
    below = sum(map(unfolded_size, children(node)), start=0)
    if isinstance(node, Repeat):
        return max(node.least, 1) * max(below, 1)
    return max(below, 1)
