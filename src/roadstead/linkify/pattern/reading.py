r"""Read a linker's `regex`: what Python's `re` accepts, with `(?K)` for a stored value.

Nothing here scans the source for `(?K)`, which could stand in a class, an escape, a comment or a verbose pattern.
Python's parser stops with "unknown extension ?K" at each `(?K)` in the place of a group. There it is
replaced by a named group `[\w\-]+`, which is what `(?K)` means without values, and the source is parsed again.
Elsewhere the parser does not stop, and the characters mean what they mean to Python.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from roadstead.linkify.keeping import shared
from roadstead.linkify.linker import InvalidPattern
from roadstead.linkify.pattern.parsing import MAX_NESTING, Parsed, parse, to_tree
from roadstead.linkify.pattern.refusals import refuse_what_engines_disagree_on
from roadstead.linkify.pattern.syntax import Node, Values, unfolded_size, walk

MAX_LENGTH = 1_024
MAX_GROUPS = 99
r"""A template names `\1` to `\99`."""
MAX_UNFOLDED = 10_000
"""`regex` writes exact repeats out when it compiles: `(?:(?:a{99}){99}){99}` takes gigabytes."""

_VALUE_TOKEN = "(?K)"


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Pattern:
    """A pattern that Python's `re` accepts. `names` are the groups that the author named, with their numbers."""

    regex: str
    tree: Node
    groups: int
    names: Mapping[str, int]
    value_groups: tuple[Values, ...]


@shared
def read_pattern(regex: str) -> Pattern:
    """Return the pattern that `regex` writes. Raises `InvalidPattern`."""
    if len(regex) > MAX_LENGTH:
        raise InvalidPattern(f"The regex has {len(regex)} characters; at most {MAX_LENGTH} are allowed.")
    marker = _unused_name(regex)
    try:
        parsed = _parse_with_values(regex, marker)
        value_names = [name for name in parsed.names if name.startswith(marker)]
        tree = to_tree(parsed, frozenset(parsed.names.pop(name) for name in value_names))
    except RecursionError as exc:
        raise InvalidPattern(f"The regex is nested more than {MAX_NESTING} levels deep.") from exc
    _refuse_what_is_too_large(parsed.groups, tree)
    refuse_what_engines_disagree_on(tree)
    value_groups = tuple(node for node in walk(tree) if isinstance(node, Values))
    return Pattern(regex, tree, parsed.groups, parsed.names, value_groups)


def _unused_name(regex: str) -> str:
    """Return the beginning of a group's name that the regex does not contain."""
    marker = "K"
    while marker in regex:
        marker += "_"
    return marker


def _parse_with_values(regex: str, marker: str) -> Parsed:
    r"""Parse `regex` with a group `[\w\-]+`, named after the marker, in place of each `(?K)`."""
    source = regex
    for count in range(MAX_GROUPS + 1):
        try:
            return parse(source)
        except (re.error, ValueError, OverflowError) as exc:
            start = (getattr(exc, "pos", None) or 0) - 1
            if not (str(exc).startswith("unknown extension ?K") and source.startswith(_VALUE_TOKEN, start)):
                raise _refusal(exc, source, marker) from exc
            group = rf"(?P<{marker}{count}>[\w\-]+)"
            source = source[:start] + group + source[start + len(_VALUE_TOKEN) :]
    raise InvalidPattern(f"The regex has more than {MAX_GROUPS} groups.")


def _refusal(exc: Exception, source: str, marker: str) -> InvalidPattern:
    """Return the message of Python's parser, with the place in the author's regex."""
    if not isinstance(exc, re.error) or exc.pos is None:
        return InvalidPattern(f"Python's re cannot compile the regex: {exc}.")
    as_written = re.sub(rf"\(\?P<{marker}\d+>[^)]*\)", _VALUE_TOKEN, source[: exc.pos])
    return InvalidPattern(f"Python's re cannot compile the regex: {exc.msg} at character {len(as_written) + 1}.")


def _refuse_what_is_too_large(groups: int, tree: Node) -> None:
    if groups > MAX_GROUPS:
        raise InvalidPattern(f"The regex has {groups} groups; at most {MAX_GROUPS} are allowed.")
    if unfolded_size(tree) > MAX_UNFOLDED:
        raise InvalidPattern(f"The regex's exact repeats unfold to more than {MAX_UNFOLDED} characters.")
