"""The syntax that engines read."""

from collections.abc import Callable, Collection, Mapping

from roadstead.linkify.engines.alphabets import literal_char
from roadstead.linkify.engines.source import Source, ValueChoice
from roadstead.linkify.pattern.charset import CharSet
from roadstead.linkify.pattern.classes import category, value_char
from roadstead.linkify.pattern.syntax import (
    WORD_EDGES,
    Anchor,
    Atomic,
    BackReference,
    Chars,
    Choice,
    Conditional,
    Group,
    Look,
    Node,
    Place,
    Repeat,
    Sequence,
    Values,
)

_MODES = {"greedy": "", "lazy": "?"}
_SUFFIXES = {(0, None): "*", (1, None): "+", (0, 1): "?"}


class Writer:
    """Writes a tree in the syntax that RE2 and `regex` share."""

    def __init__(
        self,
        values: ValueChoice,
        captured: Collection[int],
        char_source: Callable[[CharSet], str],
        places: Mapping[Place, str],
        *,
        spell_word_edges: bool = False,
        piece: int | None = None,
    ) -> None:
        self._values = values
        self._captured = captured
        self._char_source = char_source
        self._places = places
        self._spell_word_edges = spell_word_edges
        self._piece = piece
        self._groups = {0: 0}

    def source(self, tree: Node) -> Source:
        """Return the source of a tree. Ask each writer once."""
        return Source(self._write(tree), self._groups)

    def _write(self, node: Node) -> str:
        match node:
            case Chars(allowed):
                return self._char_source(allowed)
            case Sequence(items):
                return "".join(self._write_item(item) for item in items)
            case Choice(branches):
                return "|".join(map(self._write, branches))
            case Group(number, body):
                return self._opening(number) + self._write(body) + ")"
            case Values(number):
                return self._opening(number) + self._write_values(node) + ")"
            case Repeat():
                return self._write_repeat(node)
            case Atomic(body):
                return f"(?>{self._write(body)})"
            case Look(body, ahead, negated):
                return f"(?{'' if ahead else '<'}{'!' if negated else '='}{self._write(body)})"
            case BackReference(number, ignore_case):
                return rf"(?i:\g<{number}>)" if ignore_case else rf"\g<{number}>"
            case Conditional(number, yes, no):
                return f"(?({number}){self._write_item(yes)}|{self._write_item(no)})"
            case Anchor():
                return self._write_anchor(node)

    def _write_item(self, node: Node) -> str:
        source = self._write(node)
        return f"(?:{source})" if isinstance(node, Choice) else source

    def _write_repeat(self, node: Repeat) -> str:
        body, least, most = self._write(node.body), node.least, node.most
        if node.mode == "possessive":  # for Python each round is atomic as well
            return f"(?:(?>{body})){_count(least, most)}+"
        mode = _MODES[node.mode]
        if self._piece and isinstance(node.body, Chars) and (most is None or most - least > self._piece):
            return _in_pieces(body, least, most, mode, self._piece)
        return f"(?:{body}){_count(least, most)}{mode}"

    def _opening(self, number: int) -> str:
        if number not in self._captured:
            return "(?:"
        self._groups[number] = len(self._groups)
        return "("

    def _write_values(self, node: Values) -> str:
        if self._values is None:
            return self._char_source(value_char(ascii_only=node.ascii_only)) + "+"
        if not self._values:
            return self._char_source(CharSet(()))
        return "|".join(
            "".join(self._char_source(literal_char(char, node)) for char in value) for value in self._values
        )

    def _write_anchor(self, anchor: Anchor) -> str:
        if self._spell_word_edges and anchor.place in WORD_EDGES:
            word = self._char_source(category("w", ascii_only=anchor.ascii_only))
            if anchor.place is Place.WORD_EDGE:
                return f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"
            return f"(?:(?<={word})(?={word})|(?<!{word})(?!{word}))"
        return self._places.get(anchor.place, anchor.place.value)


def _in_pieces(char: str, least: int, most: int | None, mode: str, piece: int) -> str:
    """Write a repeat of a character as a repeat of pieces, which tries the same numbers of it in the same order."""
    first = f"{char}{{{least}}}" if least else ""
    if most is None:
        return f"{first}(?:{char}{{{piece}}})*{mode}{char}{{0,{piece - 1}}}{mode}"
    pieces, rest = divmod(most - least, piece)
    all_pieces = f"{char}{{{pieces * piece}}}{char}{{0,{rest}}}{mode}"
    fewer = f"(?:{char}{{{piece}}}){{0,{pieces - 1}}}{mode}{char}{{0,{piece - 1}}}{mode}"
    branches = (fewer, all_pieces) if mode else (all_pieces, fewer)
    return f"{first}(?:{'|'.join(branches)})"


def _count(least: int, most: int | None) -> str:
    if (least, most) in _SUFFIXES:
        return _SUFFIXES[least, most]
    return f"{{{least},{'' if most is None else most}}}"
