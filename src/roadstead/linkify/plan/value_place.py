r"""Find the place of the value in a pattern that has a fixed one, such as `((?K)-\d+)`, `\b(?K):` or `#(?K)`.

Nearly all patterns that take a value are like that.
"""

from itertools import takewhile

import msgspec

from roadstead.linkify.pattern.syntax import Anchor, Chars, Group, Node, Repeat, Sequence, Values, walk


class ValuePlace(msgspec.Struct, frozen=True, gc=False):
    """A pattern divided at its value.

    `lead` matches right before the value, and always matches `width` characters. `opened` are the groups around the
    value, except its own. `tail` is everything that follows, with an empty group where each opened group ends.
    """

    lead: Sequence
    width: int
    value: int
    opened: tuple[int, ...]
    tail: Sequence


def value_place(tree: Node) -> ValuePlace | None:
    """Return the tree divided at its only `(?K)`, or `None` if that has no fixed place."""
    way = _Way()
    node: Node | None = tree
    while not isinstance(node, Values):
        if node is None:
            return None
        node = way.inwards(node)
    lead = Sequence(tuple(way.lead))
    width = _fixed_width(lead)
    tail = Sequence(tuple(item for level in reversed(way.after) for item in level))
    if width is None or any(isinstance(part, Values) for part in walk(tail)):
        return None
    if width == 0 and any(isinstance(part, Group) for part in walk(lead)):
        return None  # where such a group is depends on which slice of a run is the value
    return ValuePlace(lead, width, node.number, tuple(way.opened), tail)


class _Way:
    """The way from the outermost node to the value: the nodes before it, around it and, at each level, after it."""

    def __init__(self) -> None:
        self.lead: list[Node] = []
        self.opened: list[int] = []
        self.after: list[tuple[Node, ...]] = []

    def inwards(self, node: Node) -> Node | None:
        """Go one node towards the value and return that node, or `None` if the value cannot have a fixed place."""
        match node:
            case Group(number, body):
                self.opened.append(number)
                self.after.append((Group(number, Sequence(())),))
                return body
            case Sequence(items):
                return self._along(items)
            case _:
                return None

    def _along(self, items: tuple[Node, ...]) -> Node | None:
        """Pass the items of fixed width, and return the next."""
        fixed = list(takewhile(lambda item: _fixed_width(item) is not None, items))
        if len(fixed) == len(items):
            return None
        self.lead += fixed
        node, *rest = items[len(fixed) :]
        self.after.append(tuple(rest))
        return node


def _fixed_width(node: Node) -> int | None:
    """Return how many characters the node matches, or `None` if that varies, or if it can match in several ways."""
    match node:
        case Anchor():
            return 0
        case Chars():
            return 1
        case Repeat(Chars(), least, most) if least == most:
            return least
        case Group(body=body):
            return _fixed_width(body)
        case Sequence(items):
            widths = [width for item in items if (width := _fixed_width(item)) is not None]
            return sum(widths) if len(widths) == len(items) else None
        case _:
            return None
