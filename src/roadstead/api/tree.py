"""The tree of path segments, which finds an address in a time that does not grow with their number."""

from collections.abc import Sequence
from functools import reduce
from operator import getitem
from typing import Generic, TypeVar

T = TypeVar("T")


class _Node(dict[str, "_Node[T]"], Generic[T]):
    """The nodes below by literal; for any other segment that of the parameter."""

    __slots__ = ("here", "parameter", "places", "rest")

    def __init__(self) -> None:
        super().__init__()
        self.parameter: _Node[T] | None = None
        self.here: T | None = None
        self.places: list[int] = []
        """Which segments of a path to this node are parameters."""
        self.rest: T | None = None

    def __missing__(self, segment: str) -> "_Node[T]":
        if self.parameter is None:
            raise KeyError(segment)
        return self.parameter


class Tree(Generic[T]):
    """Targets by the segments of their templates.

    In each segment a literal is tried before a parameter, and a parameter before `{name:rest}`, which takes the rest;
    `{name:rest?}` takes none, too.
    The path is split into segments before they are decoded, so that `%2F` is a character of its segment.
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, segments: Sequence[str], target: T) -> T:
        """Add a target at these segments, or return the existing one."""
        node = self._root
        for segment in segments:
            if segment.endswith(":rest}"):
                node.rest = node.rest or target
                return node.rest
            if segment.endswith(":rest?}"):
                target = node.rest = node.rest or target
                break
            if segment.startswith("{"):
                if node.parameter is None:
                    node.parameter = _Node()
                node = node.parameter
            else:
                node = node.setdefault(segment, _Node())
        node.here = node.here or target
        node.places = [
            place for place, segment in enumerate(segments) if segment.startswith("{") and "?" not in segment
        ]
        return node.here

    def find(self, segments: Sequence[str]) -> tuple[T, list[str]] | None:
        """Return the target for the decoded segments of a path, and the values of its parameters in their order."""
        # Most paths lead to their target on the first try, for which `reduce` needs no code of ours.
        try:
            node: _Node[T] = reduce(getitem, segments, self._root)
        except KeyError:
            return self._find_any(segments)
        values = [*map(segments.__getitem__, node.places)]
        return (node.here, values) if node.here is not None and all(values) else self._find_any(segments)

    def _find_any(self, segments: Sequence[str]) -> tuple[T, list[str]] | None:
        values: list[str] = []
        target = _walk(self._root, segments, 0, values)
        return None if target is None else (target, values)


def _walk(node: _Node[T], segments: Sequence[str], at: int, values: list[str]) -> T | None:
    """Try all ways that the segments lead from a node. An empty segment is not a parameter's value."""
    if at == len(segments):
        return node.here
    segment = segments[at]
    below = node.get(segment)
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
