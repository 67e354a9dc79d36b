"""Write a pattern for either engine."""

from collections.abc import Collection

from roadstead.linkify.engines.char_classes import byte_class, full_class
from roadstead.linkify.engines.source import Source, ValueChoice
from roadstead.linkify.engines.writer import Writer
from roadstead.linkify.pattern.alphabet import Alphabet
from roadstead.linkify.pattern.reading import Pattern
from roadstead.linkify.pattern.syntax import BackReference, Conditional, Node, Place, least_width, walk

PIECE = 64
"""Characters of a run that the bounded engine passes in one step."""

_LINEAR_PLACES = {Place.TEXT_END: r"\z", Place.LAST_LINE_END: r"\z"}


def linear_source(tree: Node, values: ValueChoice, captured: Collection[int], alphabet: Alphabet) -> Source:
    r"""Write a tree for RE2 over bytes of the alphabet, with only the groups in `captured` as groups.

    `$` is written as `\z`: the caller handles a newline that ends the text.
    """
    return Writer(values, captured, byte_class(alphabet), _LINEAR_PLACES).source(tree)


def bounded_source(pattern: Pattern, values: ValueChoice, alphabet: Alphabet | None) -> Source:
    """Write the pattern for `regex`, over the alphabet's bytes as characters, or over any characters.

    A pattern that may match nothing is written so that it matches the first stretch that is not empty.
    """
    captured = range(1, pattern.groups + 1)
    piece = _piece(pattern.tree)
    if alphabet:
        writer = Writer(values, captured, byte_class(alphabet), {}, piece=piece)
    else:
        writer = Writer(values, captured, full_class, {}, spell_word_edges=True, piece=piece)
    source = writer.source(pattern.tree)
    return source if least_width(pattern.tree) > 0 else Source(rf"(?:{source.text})(?!\G)", source.groups)


def _piece(tree: Node) -> int | None:
    """Return the length of the pieces in which long runs are written, or `None` to write each as one.

    `regex` checks the time once in 65,536 steps, and a run of a single character is one step, however long. In pieces
    it is many steps. Beside a back-reference or a conditional `regex` is wrong about repeats of more than one
    character, so there runs stay whole.
    """
    return None if any(isinstance(node, BackReference | Conditional) for node in walk(tree)) else PIECE
