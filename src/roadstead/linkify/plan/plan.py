"""How a pattern is matched. Everything that can be decided without a text is decided here, once for each pattern."""

from collections.abc import Sequence
from enum import Enum
from typing import Literal

import msgspec

from roadstead.linkify.engines.alphabets import program_alphabet
from roadstead.linkify.engines.linear import MAX_WINDOW, LinearProgram
from roadstead.linkify.engines.source import ANY_VALUE, ProgramRefused, ValueChoice
from roadstead.linkify.engines.writing import linear_source
from roadstead.linkify.pattern.alphabet import Alphabet, ascii_alphabet
from roadstead.linkify.pattern.reading import Pattern
from roadstead.linkify.pattern.syntax import Anchor, BackReference, Chars, Look, Node, Place, Values, walk
from roadstead.linkify.plan.literal import required_literal
from roadstead.linkify.plan.obstacles import TOO_LARGE, linear_obstacle
from roadstead.linkify.plan.value_place import ValuePlace, value_place

_POSSIBLE_CUTS = "\n "


class Way(Enum):
    """The way of a pattern. A text on which a way would not be exact, or not bounded, takes the next one."""

    VALUE_FIRST = "value first"
    """RE2 finds what may be a value, the value is looked up, and RE2 matches the rest of the pattern around it."""
    LINEAR = "linear"
    """RE2 finds the matches. The values that occur in the text, if any are stored, become part of its program."""
    BOUNDED = "bounded"
    """RE2 finds where the pattern may match, and `regex` matches there, within a budget of time."""


class LastNewline(Enum):
    r"""What RE2 does with a newline that ends a text. RE2 has no `$` that also matches before that newline."""

    READ = "read"
    """RE2 reads it like any other character: the pattern has no such `$`."""
    LEFT_OUT = "left out"
    """RE2 does not see it, so that `$` is the end of what RE2 sees: no match can contain it."""
    BOUNDED = "bounded"
    r"""The text goes to the bounded engine: a match may contain the newline, or the pattern also has a `\Z`."""


class Plan(msgspec.Struct, frozen=True, gc=False):
    """How a pattern is matched, for any text.

    `obstacle` says in words why RE2 cannot run it, and `program` is RE2's for ASCII texts and any value if RE2 can.
    `alphabet` is that of texts beyond ASCII and any value, if there is one. `literal` is ASCII that every match
    contains. `cuts` are characters that no match contains, so that a text can be cut after them. `value_place` is the
    place of the value on the way `VALUE_FIRST`. `captured` are the groups whose text is used.
    """

    pattern: Pattern
    captured: frozenset[int]
    way: Way
    obstacle: str | None
    alphabet: Alphabet | None
    program: LinearProgram | None
    value_place: ValuePlace | None
    literal: bytes
    cuts: str
    last_newline: LastNewline
    any_value_covers_all: bool
    r"""Whether `[\w\-]+` matches all that a value matches beyond ASCII: case counts, and `\w` is not only ASCII."""
    values_aside: bool
    """Whether a value may be outside of the match, in a look-around."""
    compares_characters: bool
    """Whether a back-reference compares characters with each other, so that no byte of an alphabet may replace them."""
    needs_ascii: bool
    """Whether the pattern is exact on ASCII texts only: a back-reference ignores case."""

    @property
    def engine(self) -> Literal["linear", "bounded"]:
        """Return the engine that runs the pattern on ordinary texts."""
        return "bounded" if self.way is Way.BOUNDED else "linear"

    @property
    def reason(self) -> str:
        """Return the way in one sentence, for the author of the pattern."""
        if self.obstacle is None:
            return "It runs in linear time."
        return f"It runs on the bounded engine, within a time budget, because of {self.obstacle}."

    @property
    def quick(self) -> bool:
        """Return whether no search of a short text takes long, and no text needs a separate program."""
        has_ordinary_program = self.program is not None and self.program.window == MAX_WINDOW
        return has_ordinary_program and (self.way is Way.VALUE_FIRST or not self.pattern.value_groups)

    def written_out(self, values: ValueChoice) -> int:
        """Return how many characters the values take in a program."""
        return len(self.pattern.value_groups) * sum(len(value) + 1 for value in values or ())


def plan_for(pattern: Pattern, captured: frozenset[int]) -> Plan:
    """Decide how a pattern is matched. `captured` are the groups whose text is used."""
    nodes = tuple(walk(pattern.tree))
    obstacle = linear_obstacle(pattern.tree)
    alphabet = program_alphabet(pattern.tree, ANY_VALUE)
    program = None if obstacle else _program(pattern.tree, captured, alphabet or ascii_alphabet())
    place = _value_place(pattern) if program else None
    return Plan(
        pattern,
        captured,
        _way(program, place),
        obstacle if program or obstacle else TOO_LARGE,
        alphabet,
        program,
        place,
        required_literal(pattern.tree),
        "".join(char for char in _POSSIBLE_CUTS if not _consumes(nodes, char)),
        _last_newline(nodes),
        not any(group.ascii_only or group.ignore_case for group in pattern.value_groups),
        _have_values_aside(nodes),
        any(isinstance(node, BackReference) for node in nodes),
        any(isinstance(node, BackReference) and node.ignore_case for node in nodes),
    )


def _way(program: LinearProgram | None, place: ValuePlace | None) -> Way:
    if program is None:
        return Way.BOUNDED
    return Way.VALUE_FIRST if place else Way.LINEAR


def _program(tree: Node, captured: frozenset[int], alphabet: Alphabet) -> LinearProgram | None:
    """Return RE2's program for any value, or `None` if it would be too large."""
    try:
        return LinearProgram(linear_source(tree, ANY_VALUE, captured, alphabet), alphabet)
    except ProgramRefused:
        return None


def _value_place(pattern: Pattern) -> ValuePlace | None:
    """Return the place of the value, or `None` if values must become part of a program, as under IGNORECASE."""
    if any(group.ignore_case for group in pattern.value_groups):
        return None
    return value_place(pattern.tree)


def _last_newline(nodes: Sequence[Node]) -> LastNewline:
    places = {node.place for node in nodes if isinstance(node, Anchor)}
    if Place.LAST_LINE_END not in places:
        return LastNewline.READ
    if Place.TEXT_END in places or _consumes(nodes, "\n"):
        return LastNewline.BOUNDED
    return LastNewline.LEFT_OUT


def _consumes(nodes: Sequence[Node], char: str) -> bool:
    return any(isinstance(node, Chars) and ord(char) in node.allowed for node in nodes)


def _have_values_aside(nodes: Sequence[Node]) -> bool:
    looks = (node for node in nodes if isinstance(node, Look))
    return any(isinstance(part, Values) for look in looks for part in walk(look))
