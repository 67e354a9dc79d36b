r"""Read a linker's `regex` into a tree, with Python's own parser.

This is the only module that knows `re._parser`. Where a `(?K)` may stand is not guessed by scanning the
source (think of classes, escapes, comments and verbose patterns): the parser itself stops with "unknown
extension ?K" at each one that stands where a group may, and there it is replaced by a named group `[\w\-]+`,
which is what `(?K)` means without values. In `[…]`, after a backslash or in a comment the parser does not
stop, and what it makes of the characters there is what they mean.
"""

import re
import warnings
from collections.abc import Mapping
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, replace
from re import _constants as sre  # type: ignore[attr-defined, unused-ignore]  # no stubs; this module confines it
from re import _parser as sre_parser  # type: ignore[attr-defined, unused-ignore]  # no stubs; this module confines it
from threading import Lock
from typing import Any, Literal

from roadstead.linkify.keeping import shared
from roadstead.linkify.linker import InvalidPattern
from roadstead.linkify.pattern.charset import EVERYTHING, NEWLINE, NOTHING, CharSet, char_class
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
    unfolded_size,
    walk,
)

MAX_LENGTH = 1_024
MAX_GROUPS = 99  # what a template can name with \1…\99
MAX_NESTING = 40
MAX_UNFOLDED = 10_000  # regex writes out exact repeats as it compiles: (?:(?:a{99}){99}){99} takes it gigabytes

_VALUE_TOKEN = "(?K)"
_WARNINGS = Lock()
_CATEGORY_NAMES = {
    sre.CATEGORY_DIGIT: "d",
    sre.CATEGORY_NOT_DIGIT: "D",
    sre.CATEGORY_SPACE: "s",
    sre.CATEGORY_NOT_SPACE: "S",
    sre.CATEGORY_WORD: "w",
    sre.CATEGORY_NOT_WORD: "W",
}
_PLACES = {
    sre.AT_BEGINNING_STRING: Place.TEXT_START,
    sre.AT_END_STRING: Place.TEXT_END,
    sre.AT_BOUNDARY: Place.WORD_EDGE,
    sre.AT_NON_BOUNDARY: Place.NO_WORD_EDGE,
}
_MODES: dict[Any, Literal["greedy", "lazy", "possessive"]] = {
    sre.MAX_REPEAT: "greedy",
    sre.MIN_REPEAT: "lazy",
    sre.POSSESSIVE_REPEAT: "possessive",
}


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Pattern:
    """A pattern that Python's `re` accepts. `names` are the groups the author named, with their numbers."""

    regex: str
    tree: Node
    groups: int
    names: Mapping[str, int]
    value_groups: tuple[Values, ...]


@shared
def read_pattern(regex: str) -> Pattern:
    """Return the tree of `regex`, or raise `InvalidPattern`."""
    if len(regex) > MAX_LENGTH:
        raise InvalidPattern(f"The regex has {len(regex)} characters; at most {MAX_LENGTH} are allowed.")
    marker = "K"
    while marker in regex:
        marker += "_"
    try:
        parsed = _parse_with_values(regex, marker)
        names = dict(parsed.state.groupdict)
        value_numbers = frozenset(names.pop(name) for name in list(names) if name.startswith(marker))
        tree = _Converter(value_numbers, parsed.state.flags).sequence(parsed)
    except RecursionError as exc:
        raise InvalidPattern(f"The regex is nested more than {MAX_NESTING} levels deep.") from exc
    groups = parsed.state.groups - 1
    if groups > MAX_GROUPS:
        raise InvalidPattern(f"The regex has {groups} groups; at most {MAX_GROUPS} are allowed.")
    if unfolded_size(tree) > MAX_UNFOLDED:
        raise InvalidPattern(f"The regex's exact repeats unfold to more than {MAX_UNFOLDED} characters.")
    _refuse_what_engines_disagree_on(tree)
    return Pattern(regex, tree, groups, names, tuple(node for node in walk(tree) if isinstance(node, Values)))


def _parse_with_values(regex: str, marker: str) -> Any:
    r"""Parse `regex` with a group `[\w\-]+`, named after the marker, for each `(?K)`."""
    source = regex
    for count in range(MAX_GROUPS + 1):
        try:
            return _parse(source)
        except (re.error, ValueError, OverflowError) as exc:
            start = (getattr(exc, "pos", None) or 0) - 1
            if not (str(exc).startswith("unknown extension ?K") and source.startswith(_VALUE_TOKEN, start)):
                raise _refusal(exc, source, marker) from exc
            group = rf"(?P<{marker}{count}>[\w\-]+)"
            source = source[:start] + group + source[start + len(_VALUE_TOKEN) :]
    raise InvalidPattern(f"The regex has more than {MAX_GROUPS} groups.")


def _parse(source: str) -> Any:
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "possible nested set" speaks to the author of a module, not to us
        return sre_parser.parse(source)


def _refusal(exc: Exception, source: str, marker: str) -> InvalidPattern:
    """Say what Python's parser said, at the character of the regex as it was written."""
    if not isinstance(exc, re.error) or exc.pos is None:
        return InvalidPattern(f"Python's re cannot compile the regex: {exc}.")
    as_written = re.sub(rf"\(\?P<{marker}\d+>[^)]*\)", _VALUE_TOKEN, source[: exc.pos])
    return InvalidPattern(f"Python's re cannot compile the regex: {exc.msg} at character {len(as_written) + 1}.")


def _refuse_what_engines_disagree_on(tree: Node) -> None:
    """Raise `InvalidPattern` for the constructs on which `re` and `regex` were seen to differ.

    `regex` skips places where the rest of a pattern failed before, although a back-reference may let it succeed
    now, takes a group for set while it is still inside, and goes through a look-behind from its end, so that a
    group repeated there keeps its first round; `re` loses the ends of groups inside a possessive repeat.
    """
    nodes = list(walk(tree))
    repeats = [node for node in nodes if isinstance(node, Repeat)]
    if any(repeat.mode == "possessive" and _has_groups(repeat.body) for repeat in repeats):
        raise InvalidPattern("The regex has a group inside a possessive repeat, which is not supported.")
    behind = [inner for node in nodes if isinstance(node, Look) and not node.ahead for inner in walk(node.body)]
    if any(isinstance(node, Repeat) and _has_groups(node.body) for node in behind):
        raise InvalidPattern("The regex repeats a group inside a look-behind, which is not supported.")
    if any(isinstance(node, BackReference | Conditional) for node in nodes) and not all(map(_is_plain, repeats)):
        raise InvalidPattern(
            "The regex has a back-reference or a conditional and also repeats more than a single character, "
            "which is not supported together."
        )
    for group in nodes:
        if isinstance(group, Group) and any(_asks_for(node, group.number) for node in walk(group.body)):
            raise InvalidPattern(f"The regex asks inside group {group.number} whether that group matched.")


def _is_plain(repeat: Repeat) -> bool:
    """Whether a single character is repeated, or something that is never empty is optional."""
    return isinstance(repeat.body, Chars) or (repeat.most == 1 and least_width(repeat.body) > 0)


def _has_groups(node: Node) -> bool:
    return any(isinstance(part, Group | Values) for part in walk(node))


def _asks_for(node: Node, number: int) -> bool:
    return isinstance(node, Conditional) and node.number == number


@dataclass(frozen=True, slots=True)
class _Converter:
    """Turns the parser's tree into ours at one depth, where these flags hold."""

    value_numbers: frozenset[int]
    flags: int
    depth: int = 0

    def sequence(self, parsed: SequenceOf[tuple[Any, Any]]) -> Node:
        if self.depth > MAX_NESTING:
            raise InvalidPattern(f"The regex is nested more than {MAX_NESTING} levels deep.")
        inner = replace(self, depth=self.depth + 1)
        items = tuple(inner._node(op, argument) for op, argument in parsed)
        return items[0] if len(items) == 1 else Sequence(items)

    def _node(self, op: Any, argument: Any) -> Node:
        match op:
            case sre.LITERAL | sre.NOT_LITERAL:
                return self._chars([(sre.LITERAL, argument)], negated=op is sre.NOT_LITERAL)
            case sre.IN:
                negated = argument[0][0] is sre.NEGATE
                return self._chars(argument[negated:], negated=negated)
            case sre.ANY:
                return Chars(EVERYTHING if self.flags & re.DOTALL else ~NEWLINE)
            case sre.FAILURE:
                return Chars(NOTHING)
            case sre.AT:
                return Anchor(self._place(argument), bool(self.flags & re.ASCII))
            case sre.GROUPREF:
                return BackReference(argument, bool(self.flags & re.IGNORECASE))
            case _:
                return self._compound(op, argument)

    def _compound(self, op: Any, argument: Any) -> Node:
        match op:
            case sre.BRANCH:
                return Choice(tuple(map(self.sequence, argument[1])))
            case sre.SUBPATTERN:
                return self._group(*argument)
            case sre.MAX_REPEAT | sre.MIN_REPEAT | sre.POSSESSIVE_REPEAT:
                least, most, body = argument
                unlimited = most == sre.MAXREPEAT
                return Repeat(self.sequence(body), int(least), None if unlimited else int(most), _MODES[op])
            case sre.ATOMIC_GROUP:
                return Atomic(self.sequence(argument))
            case sre.ASSERT | sre.ASSERT_NOT:
                return self._look(*argument, negated=op is sre.ASSERT_NOT)
            case sre.GROUPREF_EXISTS:
                number, yes, no = argument
                return Conditional(number, self.sequence(yes), self.sequence(no or ()))
            case _:
                raise InvalidPattern(f"The regex uses a construct that is not supported: {op}.")

    def _group(self, number: int | None, added: int, removed: int, body: Any) -> Node:
        kept = ~(re.ASCII | re.UNICODE) if added & (re.ASCII | re.UNICODE) else ~0
        inner = replace(self, flags=(self.flags & kept | added) & ~removed)
        if number in self.value_numbers:
            return Values(number, bool(inner.flags & re.IGNORECASE), bool(inner.flags & re.ASCII))
        return inner.sequence(body) if number is None else Group(number, inner.sequence(body))

    def _look(self, direction: int, body: Any, *, negated: bool) -> Node:
        if direction < 0:
            shortest, longest = body.getwidth()
            if shortest != longest:
                raise InvalidPattern("Python's re cannot compile the regex: a look-behind needs a fixed width.")
        return Look(self.sequence(body), ahead=direction > 0, negated=negated)

    def _place(self, at: Any) -> Place:
        if at is sre.AT_BEGINNING:
            return Place.LINE_START if self.flags & re.MULTILINE else Place.TEXT_START
        if at is sre.AT_END:
            return Place.LINE_END if self.flags & re.MULTILINE else Place.LAST_LINE_END
        return _PLACES[at]

    def _chars(self, items: SequenceOf[tuple[Any, Any]], *, negated: bool) -> Chars:
        ranges = [(value, value) for op, value in items if op is sre.LITERAL]
        ranges += [value for op, value in items if op is sre.RANGE]
        allowed = char_class(
            CharSet.of(ranges),
            tuple(_CATEGORY_NAMES[value] for op, value in items if op is sre.CATEGORY),
            negated=negated,
            ignore_case=bool(self.flags & re.IGNORECASE),
            ascii_only=bool(self.flags & re.ASCII),
        )
        return Chars(allowed)
