"""The tree of path segments in which an address is found, however many there are."""

from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class _Node(Generic[T]):
    __slots__ = ("here", "literals", "parameter", "rest")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[T]] = {}
        self.parameter: _Node[T] | None = None
        self.here: T | None = None
        self.rest: T | None = None


class Tree(Generic[T]):
    """Targets by the segments of their templates.

    In each segment a literal is tried before a parameter, and a parameter before `{name:rest}`, which takes all that is
    left. The path is cut into segments before they are decoded, so that `%2F` is a character of its segment.
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, segments: Sequence[str], target: T) -> T:
        """Put a target where these segments lead, or return the one that is there already."""
        node = self._root
        for segment in segments:
            if segment.endswith(":rest}"):
                node.rest = node.rest or target
                return node.rest
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
        node.here = node.here or target
        return node.here

    def find(self, segments: Sequence[str]) -> tuple[T, list[str]] | None:
        """Return the target for the decoded segments of a path, and the values of its parameters in their order."""
        values: list[str] = []
        target = _walk(self._root, segments, 0, values)
        return None if target is None else (target, values)


def _walk(node: _Node[T], segments: Sequence[str], at: int, values: list[str]) -> T | None:
    if at == len(segments):
        return node.here
    segment = segments[at]
    below = node.literals.get(segment)
    if below is not None:
        target = _walk(below, segments, at + 1, values)
        if target is not None:
            return target
    if node.parameter is not None and segment:
        values.append(segment)
        target = _walk(node.parameter, segments, at + 1, values)
        if target is not None:
            return target
        values.pop()
    if node.rest is not None and segments[at:] != [""]:
        values.append("/".join(segments[at:]))
        return node.rest
    return None
