"""A literal without which a pattern matches nowhere."""

from collections.abc import Iterator

from roadstead.linkify.pattern.charset import CharSet
from roadstead.linkify.pattern.syntax import Anchor, Atomic, Chars, Group, Look, Node, Repeat, Sequence


def required_literal(tree: Node) -> bytes:
    """Return the longest stretch of ASCII that every match of the tree plainly contains, perhaps none."""
    stretches = [b""]
    for code in _codes(tree):
        if code is None:
            stretches.append(b"")
        else:
            stretches[-1] += bytes((code,))
    return max(stretches, key=len)


def _codes(node: Node) -> Iterator[int | None]:
    """Yield the ASCII characters that every match has, in order, and `None` where others may come between."""
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
