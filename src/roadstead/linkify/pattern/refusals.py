"""Refuse the constructs on which `re` and `regex` were seen to differ.

`regex` does not try again where the rest of a pattern failed before, although a back-reference may now let it match. It
takes a group for set while it is still inside the group. It goes through a look-behind from its end, so that a group
repeated there keeps its first round. `re` loses where groups end inside a possessive repeat.
"""

from roadstead.linkify.linker import InvalidPattern
from roadstead.linkify.pattern.syntax import (
    BackReference,
    Chars,
    Conditional,
    Group,
    Look,
    Node,
    Repeat,
    Values,
    least_width,
    walk,
)


def refuse_what_engines_disagree_on(tree: Node) -> None:
    """Raise `InvalidPattern` if the tree contains one of these constructs."""
    nodes = list(walk(tree))
    repeats = [node for node in nodes if isinstance(node, Repeat)]
    _refuse_groups_in_possessive_repeats(repeats)
    _refuse_repeated_groups_behind([node for node in nodes if isinstance(node, Look) and not node.ahead])
    if any(isinstance(node, BackReference | Conditional) for node in nodes):
        _refuse_long_repeats(repeats)
    _refuse_groups_that_ask_for_themselves([node for node in nodes if isinstance(node, Group)])


def _refuse_groups_in_possessive_repeats(repeats: list[Repeat]) -> None:
    if any(repeat.mode == "possessive" and _has_groups(repeat.body) for repeat in repeats):
        raise InvalidPattern("The regex has a group inside a possessive repeat, which is not supported.")


def _refuse_repeated_groups_behind(looks: list[Look]) -> None:
    behind = [inner for look in looks for inner in walk(look.body)]
    if any(isinstance(node, Repeat) and _has_groups(node.body) for node in behind):
        raise InvalidPattern("The regex repeats a group inside a look-behind, which is not supported.")


def _refuse_long_repeats(repeats: list[Repeat]) -> None:
    """Raise if more than a single character is repeated, or something optional may be empty."""
    if not all(map(_is_plain, repeats)):
        raise InvalidPattern(
            "The regex has a back-reference or a conditional and also repeats more than a single character, "
            "which is not supported together."
        )


def _refuse_groups_that_ask_for_themselves(groups: list[Group]) -> None:
    for group in groups:
        if any(_asks_for(node, group.number) for node in walk(group.body)):
            raise InvalidPattern(f"The regex asks inside group {group.number} whether that group matched.")


def _is_plain(repeat: Repeat) -> bool:
    """Return whether a single character is repeated, or something that is never empty is optional."""
    return isinstance(repeat.body, Chars) or (repeat.most == 1 and least_width(repeat.body) > 0)


def _has_groups(node: Node) -> bool:
    return any(isinstance(part, Group | Values) for part in walk(node))


def _asks_for(node: Node, number: int) -> bool:
    return isinstance(node, Conditional) and node.number == number
