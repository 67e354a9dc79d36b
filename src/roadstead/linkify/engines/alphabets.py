"""Which alphabet serves a tree with certain values."""

from collections.abc import Iterator

from roadstead.linkify.engines.source import ValueChoice
from roadstead.linkify.pattern.alphabet import Alphabet, alphabet_for
from roadstead.linkify.pattern.charset import CharSet
from roadstead.linkify.pattern.classes import char_class, value_char
from roadstead.linkify.pattern.syntax import WORD_EDGES, Anchor, Chars, Node, Values, walk


def program_alphabet(tree: Node, values: ValueChoice) -> Alphabet | None:
    """Return an alphabet in which the tree can be matched, or `None` if there is none."""
    edges = {node.ascii_only for node in walk(tree) if isinstance(node, Anchor) and node.place in WORD_EDGES}
    if len(edges) == 2:
        return None
    return alphabet_for(_sets(tree, values), word_edges=False in edges)


def literal_char(char: str, node: Values) -> CharSet:
    """Return what a character of a stored value matches."""
    return char_class(
        CharSet.of_chars(char), (), negated=False, ignore_case=node.ignore_case, ascii_only=node.ascii_only
    )


def _sets(tree: Node, values: ValueChoice) -> Iterator[CharSet]:
    for node in walk(tree):
        match node:
            case Chars(allowed):
                yield allowed
            case Values():
                yield from _value_chars(node, values)


def _value_chars(node: Values, values: ValueChoice) -> Iterator[CharSet]:
    if values is None:
        yield value_char(ascii_only=node.ascii_only)
    else:
        yield from (literal_char(char, node) for char in set("".join(values)))
