"""The programs of one pattern. Each is made when a text first needs it, and kept."""

from collections.abc import Iterator, Sequence
from functools import cached_property, partial

from roadstead.linkify.engines.alphabets import program_alphabet
from roadstead.linkify.engines.bounded import BoundedProgram
from roadstead.linkify.engines.linear import LinearProgram
from roadstead.linkify.engines.source import ANY_VALUE, ProgramRefused, ValueChoice
from roadstead.linkify.engines.writing import bounded_source, linear_source
from roadstead.linkify.keeping import Made, shared
from roadstead.linkify.linker import InvalidPattern
from roadstead.linkify.pattern.alphabet import Alphabet, ascii_alphabet
from roadstead.linkify.pattern.reading import Pattern, read_pattern
from roadstead.linkify.pattern.syntax import Chars, Node
from roadstead.linkify.plan.plan import LastNewline, Plan, Way, plan_for
from roadstead.linkify.plan.relaxed import relaxations
from roadstead.linkify.search.value_first import ValueFirstProgram
from roadstead.linkify.text.text import Text

_KEPT_PROGRAMS = 256
_ASCII, _BEYOND_ASCII = Text("a"), Text("ä")
"""Programs differ only between ASCII texts and others."""

_ValuesIn = tuple[ValueChoice, Alphabet | None]


class Programs:
    """A pattern's plan, and its programs for either engine. `captured` are the groups whose text is used."""

    def __init__(self, pattern: Pattern, captured: frozenset[int]) -> None:
        self.pattern = pattern
        self.plan = plan_for(pattern, captured)
        self._ascii_program = self.plan.program
        self._reads_all = self.plan.way is not Way.BOUNDED and self.plan.last_newline is LastNewline.READ
        self._alphabet = Made(partial(program_alphabet, pattern.tree), _KEPT_PROGRAMS)
        self._alphabet[ANY_VALUE] = self.plan.alphabet
        self._linear = Made(partial(_linear_program, self.plan), _KEPT_PROGRAMS)

    def prepare(self) -> None:
        """Make the programs that most texts need, so that no text waits for them.

        Raises `InvalidPattern` if the pattern needs the bounded engine, and that does not take it.
        """
        if self.plan.way is not Way.BOUNDED:
            return
        for text in (_ASCII, _BEYOND_ASCII):
            try:
                self.bounded(ANY_VALUE, text)
            except ProgramRefused as exc:
                raise InvalidPattern(f"The bounded engine cannot compile the regex: {exc}.") from exc

    def linear_end(self, text: Text) -> int | None:
        """Return where the text ends for RE2, or `None` if RE2 cannot be exact on this text."""
        end = len(text.chars)
        if self._reads_all:
            return end
        if self.plan.way is Way.BOUNDED:
            return None
        if self.plan.last_newline is LastNewline.READ or not text.chars.endswith("\n"):
            return end
        return end - 1 if self.plan.last_newline is LastNewline.LEFT_OUT else None

    def like_a_value(self, text: Text) -> LinearProgram | None:
        """Return `linear` for any value, which nearly every text asks for."""
        return self._ascii_program if text.is_ascii else self.linear(ANY_VALUE, text)

    def linear(self, values: ValueChoice, text: Text) -> LinearProgram | None:
        """Return RE2's program for the text, or `None` if there is none or it would be too large."""
        alphabet = self._linear_alphabet(values, text)
        return self._linear[values, alphabet] if alphabet else None

    def value_first(self, text: Text) -> ValueFirstProgram | None:
        """Return the program of the way `VALUE_FIRST`, or `None` if it cannot decide on this text."""
        if self.plan.value_place is None or not self.any_value_covers_all(text):
            return None
        return self._ascii_value_first if text.is_ascii else self._value_first_for(text)

    def bounded(self, values: ValueChoice, text: Text) -> tuple[BoundedProgram, str]:
        """Return the program of `regex`, and the text as the program reads it."""
        alphabet = None if self.plan.compares_characters else self._alphabet[values]
        if text.is_ascii:
            return self._bounded[values, alphabet or ascii_alphabet()], text.chars
        if alphabet:
            return self._bounded[values, alphabet], text.encoded(alphabet).decode("latin-1")
        return self._bounded[values, None], text.chars

    def places(self, text: Text) -> Iterator[LinearProgram]:
        """Yield programs that find where the bounded one may match. The last may search any text in one call."""
        for number, own_alphabet in enumerate(self._relaxed_alphabets):
            alphabet = own_alphabet or (ascii_alphabet() if text.is_ascii else None)
            program = self._relaxed[number, alphabet] if alphabet else None
            if program:
                yield program

    def any_value_covers_all(self, text: Text) -> bool:
        r"""Return whether `[\w\-]+` matches everything in the text that a stored value matches.

        Beyond ASCII it does not if the ASCII flag narrows `\w`, or if a letter ignoring case equals U+0345.
        """
        return text.is_ascii or self.plan.any_value_covers_all

    @cached_property
    def _relaxations(self) -> list[Node]:
        return relaxations(self.pattern.tree)

    @cached_property
    def _relaxed_alphabets(self) -> list[Alphabet | None]:
        return [program_alphabet(tree, ANY_VALUE) for tree in self._relaxations]

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
        return Made(partial(_value_first_program, self.plan, self._linear), _KEPT_PROGRAMS)


@shared
def compiled_programs(regex: str, captured: frozenset[int]) -> Programs:
    """Return the programs of a regex, which all linkers with it share. Raises `InvalidPattern`."""
    pattern = read_pattern(regex)
    programs = Programs(pattern, captured.union(group.number for group in pattern.value_groups))
    programs.prepare()
    return programs


# The functions that make programs. They are not methods: an object that holds its own methods is a circle, whose memory
# only the garbage collector frees.


def _linear_program(plan: Plan, key: tuple[ValueChoice, Alphabet]) -> LinearProgram | None:
    values, alphabet = key
    if plan.program and values is ANY_VALUE and alphabet is plan.program.alphabet:
        return plan.program
    try:
        return LinearProgram(linear_source(plan.pattern.tree, values, plan.captured, alphabet), alphabet)
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
    plan: Plan, linear: Made[tuple[ValueChoice, Alphabet], LinearProgram | None], alphabet: Alphabet
) -> ValueFirstProgram | None:
    like_a_value = linear[ANY_VALUE, alphabet]
    if plan.value_place is None or like_a_value is None:
        return None
    try:
        return ValueFirstProgram(plan.value_place, like_a_value, plan.captured)
    except ProgramRefused:
        return None


def _bounded_program(pattern: Pattern, key: _ValuesIn) -> BoundedProgram:
    values, alphabet = key
    return BoundedProgram(bounded_source(pattern, values, alphabet))
