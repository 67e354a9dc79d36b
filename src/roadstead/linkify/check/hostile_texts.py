"""Make texts that may be hostile with a pattern.

Each has a text before a long run, the run's content repeated, and a text that keeps the rest from matching.
"""

from collections.abc import Iterator

from roadstead.linkify.check.dangers import MANY
from roadstead.linkify.pattern.classes import value_char
from roadstead.linkify.pattern.syntax import (
    Atomic,
    Chars,
    Choice,
    Conditional,
    Group,
    Look,
    Node,
    Repeat,
    Sequence,
    Values,
    least_width,
)

_CHARS = "a1 -A,=\t\n.\"'<(/!~\x00"
_AFTER = ("!", "", "\n", "\x00", "a", "1")


def hostile_texts(tree: Node) -> Iterator[tuple[str, str, str]]:
    """Yield texts in three parts: before the run, its content once, and after it."""
    for before, run in _runs(tree, ""):
        for pump in _samples(run.body):
            for after in _AFTER:
                yield before, pump, after
                if before:
                    yield "", pump, after


def _runs(node: Node, before: str) -> Iterator[tuple[str, Repeat]]:
    """Yield the long repeats below a node, each with a sample of the text before it."""
    match node:
        case Sequence(items):
            for item in items:
                yield from _runs(item, before)
                before += next(_samples(item), "")
        case Choice(branches):
            for branch in branches:
                yield from _runs(branch, before)
        case Repeat(body, _, most):
            if most is None or most >= MANY:
                yield before, node
            yield from _runs(body, before)
        case Group(body=body) | Atomic(body=body) | Look(body=body, ahead=True):
            yield from _runs(body, before)
        case Values():
            yield before, Repeat(Chars(value_char(ascii_only=node.ascii_only)), 1, None, "greedy")


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
