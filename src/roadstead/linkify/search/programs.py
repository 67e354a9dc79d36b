"""The programs of one pattern, made when a text first needs them and kept."""

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import Literal

from roadstead.linkify.engines.programs import MAX_WINDOW, BoundedProgram, LinearProgram, ProgramRefused
from roadstead.linkify.engines.source import (
    ANY_VALUE,
    ValueChoice,
    bounded_source,
    linear_obstacle,
    linear_source,
    program_alphabet,
)
from roadstead.linkify.keeping import Made
from roadstead.linkify.linker import InvalidPattern
from roadstead.linkify.pattern.alphabet import Alphabet, ascii_alphabet
from roadstead.linkify.pattern.reading import Pattern
from roadstead.linkify.pattern.syntax import Anchor, BackReference, Chars, Look, Node, Place, Values, walk
from roadstead.linkify.plan.relaxed import relaxations
from roadstead.linkify.plan.required import required_literal
from roadstead.linkify.search.value_first import TakenApart, ValueFirstProgram, taken_apart
from roadstead.linkify.text.text import Text

_KEPT_PROGRAMS = 256
_POSSIBLE_CUTS = "\n "
_ASCII, _BEYOND_ASCII = Text("a"), Text("ä")  # programs differ only between ASCII and other texts


_ValuesIn = tuple[ValueChoice, Alphabet | None]
_Linear = Made[tuple[ValueChoice, Alphabet], LinearProgram | None]


class Programs:
    """A pattern as programs for either engine. `captured` are the groups whose text is asked for."""

    def __init__(self, pattern: Pattern, captured: frozenset[int]) -> None:
        self.pattern = pattern
        self._captured = captured
        self._alphabet = Made(partial(program_alphabet, pattern.tree), _KEPT_PROGRAMS)
        self._linear = Made(partial(_linear_program, pattern.tree, captured), _KEPT_PROGRAMS)

    def prepare(self) -> None:
        """Make the programs that most texts need, so that no text pays for them.

        Raises `InvalidPattern` if the only engine that may have the pattern does not take it.
        """
        if self.linear_obstacle or not self.linear(ANY_VALUE, _ASCII):
            for text in (_ASCII, _BEYOND_ASCII):
                try:
                    self.bounded(ANY_VALUE, text)
                except ProgramRefused as exc:
                    raise InvalidPattern(f"The bounded engine cannot compile the regex: {exc}.") from exc

    @cached_property
    def quick(self) -> bool:
        """Whether no search of a short text takes long, and no text needs a program of its own."""
        program = None if self.linear_obstacle else self._ascii_program
        has_fixed_values = not self.pattern.value_groups or self._taken_apart is not None
        return program is not None and program.window == MAX_WINDOW and has_fixed_values

    @cached_property
    def linear_obstacle(self) -> str | None:
        """What keeps the pattern from RE2 whatever the text, in words."""
        return linear_obstacle(self.pattern.tree)

    @cached_property
    def engine(self) -> Literal["linear", "bounded"]:
        """Where the pattern normally runs."""
        return "bounded" if self.linear_obstacle or self._ascii_program is None else "linear"

    @cached_property
    def cuts(self) -> str:
        """Characters that no match contains, so that a text can be cut after them."""
        return "".join(char for char in _POSSIBLE_CUTS if not self._consumes(ord(char)))

    @cached_property
    def literal(self) -> bytes:
        """ASCII that stands in every match, perhaps none."""
        return required_literal(self.pattern.tree)

    def linear_end(self, text: Text) -> int | None:
        r"""Return where the text ends for RE2, or `None` if RE2 cannot be exact on this text.

        RE2 knows no `$` that also holds before a newline which ends the text. If no match can contain that
        newline, `$` is the end of the text without it; but then `\Z` must not be asked for as well.
        """
        end = len(text.chars)
        if self._always_linear:
            return end
        if self.linear_obstacle:
            return None
        if Place.LAST_LINE_END not in self._places or not text.chars.endswith("\n"):
            return end
        if Place.TEXT_END in self._places or self._consumes(ord("\n")):
            return None
        return end - 1

    @cached_property
    def _always_linear(self) -> bool:
        return not self.linear_obstacle and Place.LAST_LINE_END not in self._places

    def linear(self, values: ValueChoice, text: Text) -> LinearProgram | None:
        """Return a program that can read the text, unless there is none or it would be too large."""
        alphabet = self._linear_alphabet(values, text)
        return self._linear[values, alphabet] if alphabet else None

    def like_a_value(self, text: Text) -> LinearProgram | None:
        """Return `linear` for any value; nearly all texts need no other."""
        return self._ascii_program if text.is_ascii else self.linear(ANY_VALUE, text)

    def value_first(self, text: Text) -> ValueFirstProgram | None:
        """Return the program of a pattern that begins with its value, if it can decide on this text."""
        if self._taken_apart is None or not self.any_value_covers_all(text):
            return None
        return self._ascii_value_first if text.is_ascii else self._value_first_for(text)

    def bounded(self, values: ValueChoice, text: Text) -> tuple[BoundedProgram, str]:
        """Return a program and the text as it reads it."""
        alphabet = None if self._compares_characters else self._alphabet[values]
        if text.is_ascii:
            return self._bounded[values, alphabet or ascii_alphabet()], text.chars
        if alphabet:
            return self._bounded[values, alphabet], text.encoded(alphabet).decode("latin-1")
        return self._bounded[values, None], text.chars

    def places(self, text: Text) -> Iterator[LinearProgram]:
        """Yield programs that find where the bounded one may match, the last of which may have any text at once."""
        for number, own_alphabet in enumerate(self._relaxed_alphabets):
            alphabet = own_alphabet or (ascii_alphabet() if text.is_ascii else None)
            program = self._relaxed[number, alphabet] if alphabet else None
            if program:
                yield program

    def any_value_covers_all(self, text: Text) -> bool:
        r"""Whether all that a stored value matches in the text, `[\w\-]+` matches where the value stands.

        Beyond ASCII it does not where the ASCII flag narrows `\w`, or where a letter ignoring case equals U+0345.
        """
        return text.is_ascii or not any(group.ascii_only or group.ignore_case for group in self.pattern.value_groups)

    @cached_property
    def looks_for_values(self) -> bool:
        """Whether a value may stand elsewhere than in the match."""
        looks = (node for node in walk(self.pattern.tree) if isinstance(node, Look))
        return any(isinstance(part, Values) for look in looks for part in walk(look))

    @cached_property
    def _relaxations(self) -> list[Node]:
        return relaxations(self.pattern.tree)

    @cached_property
    def _relaxed_alphabets(self) -> list[Alphabet | None]:
        return [program_alphabet(tree, ANY_VALUE) for tree in self._relaxations]

    @cached_property
    def needs_ascii(self) -> bool:
        """Whether the pattern is exact on ASCII texts only: a back-reference that ignores case."""
        return any(isinstance(node, BackReference) and node.ignore_case for node in walk(self.pattern.tree))

    @cached_property
    def _compares_characters(self) -> bool:
        return any(isinstance(node, BackReference) for node in walk(self.pattern.tree))

    @cached_property
    def _places(self) -> frozenset[Place]:
        return frozenset(node.place for node in walk(self.pattern.tree) if isinstance(node, Anchor))

    def _consumes(self, char: int) -> bool:
        return any(isinstance(node, Chars) and char in node.allowed for node in walk(self.pattern.tree))

    @cached_property
    def _ascii_program(self) -> LinearProgram | None:
        return self.linear(ANY_VALUE, _ASCII)

    @cached_property
    def _taken_apart(self) -> TakenApart | None:
        if self.linear_obstacle or any(group.ignore_case for group in self.pattern.value_groups):
            return None
        return taken_apart(self.pattern.tree)

    @cached_property
    def _ascii_value_first(self) -> ValueFirstProgram | None:
        return self._value_first_for(_ASCII)

    def _value_first_for(self, text: Text) -> ValueFirstProgram | None:
        alphabet = self._linear_alphabet(ANY_VALUE, text)
        return self._value_first[alphabet] if alphabet else None

    def _linear_alphabet(self, values: ValueChoice, text: Text) -> Alphabet | None:
        return self._alphabet[values] or (ascii_alphabet() if text.is_ascii else None)

    @cached_property
    def _bounded(self) -> Made[_ValuesIn, BoundedProgram]:
        return Made(partial(_bounded_program, self.pattern), _KEPT_PROGRAMS)

    @cached_property
    def _relaxed(self) -> Made[tuple[int, Alphabet], LinearProgram | None]:
        return Made(partial(_relaxed_program, self._relaxations), _KEPT_PROGRAMS)

    @cached_property
    def _value_first(self) -> Made[Alphabet, ValueFirstProgram | None]:
        return Made(partial(_value_first_program, self._taken_apart, self._linear, self._captured), _KEPT_PROGRAMS)


# What makes the programs. Functions, not methods: an object that keeps its own methods frees its memory only when a
# collection of garbage finds it.


def _linear_program(tree: Node, captured: frozenset[int], key: tuple[ValueChoice, Alphabet]) -> LinearProgram | None:
    values, alphabet = key
    try:
        return LinearProgram(linear_source(tree, values, captured, alphabet), alphabet)
    except ProgramRefused:
        return None


def _relaxed_program(trees: Sequence[Node], key: tuple[int, Alphabet]) -> LinearProgram | None:
    number, alphabet = key
    tree = trees[number]
    source = linear_source(tree, ANY_VALUE, (), alphabet)
    try:
        return LinearProgram(source, alphabet, single_character=isinstance(tree, Chars))
    except ProgramRefused:
        return None


def _value_first_program(
    apart: TakenApart | None, linear: _Linear, captured: frozenset[int], alphabet: Alphabet
) -> ValueFirstProgram | None:
    like_a_value = linear[ANY_VALUE, alphabet]
    if apart is None or like_a_value is None:
        return None
    try:
        return ValueFirstProgram(apart, like_a_value, captured)
    except ProgramRefused:
        return None


def _bounded_program(pattern: Pattern, key: _ValuesIn) -> BoundedProgram:
    values, alphabet = key
    return BoundedProgram(bounded_source(pattern, values, alphabet))
