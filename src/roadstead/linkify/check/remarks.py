r"""Find suspicious parts of a usable `url` of a linker.

A group may be in the notation of another tool, or unused.
"""

import re
from collections.abc import Iterator, Set
from typing import NamedTuple

from roadstead.linkify.pattern.reading import Pattern
from roadstead.linkify.pattern.syntax import BackReference, Conditional, Group, Node, Values, children, walk
from roadstead.linkify.target.tokens import Token, template_tokens

_FIX = r"Write groups \1 to \99 or \g<name>; in JSON the backslash is doubled, as in /browse/\\1."
_NUMBERED = r"""
    \$(?:[0-9]{1,2}|\{[0-9]{1,2}\}|&)     # JavaScript, Perl, GitLab
    |%(?![0-9a-fA-F]{2})[0-9]             # Qt
    |(?:\#|%)?\{\{?[0-9]{1,2}\}\}?        # Python's format, Handlebars
    |<num>|%BUGID%|%s                     # GitHub, TortoiseGit, printf
    |[\x01-\x09]                          # what \1 is in a string without another backslash
"""
_LITERAL_BACKSLASH = re.compile(r"\\\\[0-9]")


class Remark(NamedTuple):
    """A warning about a linker's `url`, and what to do."""

    message: str
    fix: str


def remarks(url: str, pattern: Pattern) -> tuple[Remark, ...]:
    """Return the suspicious parts of a `url` that can be used with the pattern."""
    tokens = list(template_tokens(url, pattern))
    foreign = list(dict.fromkeys(_foreign(tokens, pattern)))
    if foreign or _LITERAL_BACKSLASH.search(url):
        shown = " and ".join(map(repr, foreign or [r"\\1"]))
        return (Remark(f"{shown} in the url is plain text: no group of the regex replaces it.", _FIX),)
    used = {token for token in tokens if isinstance(token, int)}
    left_out = sorted(_left_out(pattern.tree, used))
    if not left_out:
        return ()
    if not used:
        return (Remark("The url has no group of the regex, so every link leads to the same address.", _FIX),)
    groups = " and ".join(map(str, left_out))
    fix = f"Put it into the url as \\{left_out[0]}, or write it as (?:…) if it is there as a bracket alone."
    return (Remark(f"The url leaves out what group {groups} of the regex matches.", fix),)


def _foreign(tokens: list[Token], pattern: Pattern) -> Iterator[str]:
    """Yield the groups in the notation of another tool."""
    name = "|".join(map(re.escape, pattern.names)) or r"(?!)"
    named = rf"\$(?:{name})\b|[$%\#]?\{{\{{?(?:{name})\}}\}}?|\$?<(?:{name})>"
    for token in tokens:
        if isinstance(token, str):
            yield from re.findall(rf"(?x){_NUMBERED}|{named}", token)


def _left_out(tree: Node, used: Set[int]) -> Iterator[int]:
    """Yield the groups that are not used themselves, are in no used group, and contain none.

    A group that the pattern refers to is used. So is `(?K)` beside another used one: it decides which links exist.
    """
    if 0 in used:
        return
    referred = {node.number for node in walk(tree) if isinstance(node, BackReference | Conditional)}
    yield from _outermost(tree, used | referred, values=not used)


def _outermost(node: Node, used: Set[int], *, values: bool) -> Iterator[int]:
    match node:
        case Values(number):
            if values:
                yield number
        case Group(number) if number in used:
            pass
        case Group(number) if not any(
            isinstance(below, Group | Values) and below.number in used for below in walk(node)
        ):
            yield number
        case _:
            for child in children(node):
                yield from _outermost(child, used, values=values)
