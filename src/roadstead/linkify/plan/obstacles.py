"""The constructs that RE2 cannot express."""

from roadstead.linkify.pattern.syntax import Atomic, BackReference, Conditional, Look, Node, Repeat, least_width, walk

TOO_LARGE = "a program beyond the linear engine's size"


def linear_obstacle(tree: Node) -> str | None:
    """Return in words what in the tree RE2 cannot express exactly, or `None`."""
    for node in walk(tree):
        obstacle = _obstacle(node)
        if obstacle:
            return obstacle
    return "a match that may be empty" if least_width(tree) == 0 else None


def _obstacle(node: Node) -> str | None:
    match node:
        case Look(ahead=ahead):
            return "a look-ahead" if ahead else "a look-behind"
        case BackReference():
            return "a back-reference"
        case Conditional():
            return "a conditional"
        case Atomic():
            return "an atomic group"
        case Repeat(mode="possessive"):
            return "a possessive repeat"
        case Repeat(body) if least_width(body) == 0:
            return "a repeat of something that may be empty"
        case _:
            return None
