r"""Write a pattern's tree as source text for an engine.

Both engines get nothing but plain constructs: every class is spelled out, every literal is a class or an
escape, no flag is set. So nothing depends on what an engine thinks `\w` or case is, nor on syntax that it has
and Python has not.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from roadstead.linkify.pattern.alphabet import Alphabet, alphabet_for
from roadstead.linkify.pattern.charset import CharSet, category, char_class
from roadstead.linkify.pattern.reading import Pattern
from roadstead.linkify.pattern.syntax import (
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
    least_width,
    walk,
)

ValueChoice = tuple[str, ...] | None
r"""The values that `(?K)` may be, in order of preference, or `ANY_VALUE` for whatever `[\w\-]+` matches."""

ANY_VALUE: None = None

PIECE = 64
"""Characters of a run that the bounded engine goes through in one step."""

_HYPHEN = CharSet.of_chars("-")
_MODES = {"greedy": "", "lazy": "?"}
_SUFFIXES = {(0, None): "*", (1, None): "+", (0, 1): "?"}
_EDGES = {Place.WORD_EDGE, Place.NO_WORD_EDGE}
_LINEAR_PLACES = {Place.TEXT_END: r"\z", Place.LAST_LINE_END: r"\z"}


@dataclass(frozen=True, slots=True)
class Source:
    """An engine's source text, and where the pattern's groups are found in it. Group 0 is the whole match."""

    text: str
    groups: Mapping[int, int]


def linear_source(tree: Node, values: ValueChoice, captured: Collection[int], alphabet: Alphabet) -> Source:
    r"""Write a tree for RE2 over bytes of the alphabet; only groups in `captured` are captured.

    `$` is written as `\z`: the caller sees to a newline that ends the text.
    """
    return _Writer(values, captured, _byte_class(alphabet), _LINEAR_PLACES).source(tree)


def bounded_source(pattern: Pattern, values: ValueChoice, alphabet: Alphabet | None) -> Source:
    """Write the pattern for `regex`, over the alphabet's bytes as characters, or over any characters.

    `regex` looks at the time once in 65,536 steps, and going through all of a run of single characters is one step. So
    long runs are written as runs of pieces. Not where there are back-references: with these a repeat of more than one
    character is what it gets wrong. What may be empty is written so that it matches the first that is not empty.
    """
    captured = range(1, pattern.groups + 1)
    piece = None if compares_characters(pattern.tree) else PIECE
    if alphabet:
        writer = _Writer(values, captured, _byte_class(alphabet), {}, piece=piece)
    else:
        writer = _Writer(values, captured, _full_class, {}, spell_word_edges=True, piece=piece)
    source = writer.source(pattern.tree)
    return source if least_width(pattern.tree) > 0 else Source(rf"(?:{source.text})(?!\G)", source.groups)


def compares_characters(tree: Node) -> bool:
    """Whether characters are compared with each other, and not only with sets."""
    return any(isinstance(node, BackReference | Conditional) for node in walk(tree))


def program_alphabet(tree: Node, values: ValueChoice) -> Alphabet | None:
    """Return an alphabet in which the tree can be matched, or `None`."""
    anchors = {(node.place, node.ascii_only) for node in walk(tree) if isinstance(node, Anchor)}
    edges = {ascii_only for place, ascii_only in anchors if place in _EDGES}
    if len(edges) == 2:
        return None
    return alphabet_for(_sets(tree, values), word_edges=False in edges)


def linear_obstacle(tree: Node) -> str | None:
    """Return what in the tree RE2 cannot express exactly, in words, or `None`."""
    for node in walk(tree):
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
    return "a match that may be empty" if least_width(tree) == 0 else None


def _sets(tree: Node, values: ValueChoice) -> Iterator[CharSet]:
    for node in walk(tree):
        match node:
            case Chars(allowed):
                yield allowed
            case Values():
                yield from _value_chars(node, values)


def _value_chars(node: Values, values: ValueChoice) -> Iterator[CharSet]:
    if values is None:
        yield any_value_char(node.ascii_only)
    else:
        yield from (_literal(char, node) for char in set("".join(values)))


@cache
def any_value_char(ascii_only: bool) -> CharSet:
    return category("w", ascii_only=ascii_only) | _HYPHEN


def _literal(char: str, node: Values) -> CharSet:
    return char_class(
        CharSet.of_chars(char), (), negated=False, ignore_case=node.ignore_case, ascii_only=node.ascii_only
    )


class _Writer:
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
            return self._char_source(any_value_char(node.ascii_only)) + "+"
        if not self._values:
            return self._char_source(CharSet(()))
        return "|".join("".join(self._char_source(_literal(char, node)) for char in value) for value in self._values)

    def _write_anchor(self, anchor: Anchor) -> str:
        if self._spell_word_edges and anchor.place in _EDGES:
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


def _byte_class(alphabet: Alphabet) -> Callable[[CharSet], str]:
    written: dict[CharSet, str] = {}

    def write(chars: CharSet) -> str:
        if chars not in written:
            codes = CharSet.of((code, code) for code in alphabet.codes(chars))
            written[chars] = _class(codes, r"\x{:02x}", everything=r"\x00-\xff")
        return written[chars]

    return write


def _full_class(chars: CharSet) -> str:
    return _class(chars, r"\U{:08x}", everything=r"\U00000000-\U0010ffff")


def _class(codes: CharSet, escape: str, *, everything: str) -> str:
    match codes.ranges:
        case ():
            return f"[^{everything}]"
        case ((low, high),) if low == high:
            return escape.format(low)
        case ranges:
            return "[" + "".join(f"{escape.format(low)}-{escape.format(high)}" for low, high in ranges) + "]"
