"""The parts of a linker's `url`: literal text, and groups."""

import re
from collections.abc import Iterator

from roadstead.linkify.linker import InvalidPattern
from roadstead.linkify.pattern.reading import Pattern

Token = str | int
"""Literal text, or the number of a group."""

_ESCAPE = re.compile(r"\\(?:g<([^>]*)>|([1-9][0-9]?)(?![0-9])|([^a-zA-Z0-9]))")


def template_tokens(url: str, pattern: Pattern) -> Iterator[Token]:
    """Yield the texts and the numbers of groups that a linker's `url` is made of. Raises `InvalidPattern`."""
    template = url.strip()
    position = 0
    while (backslash := template.find("\\", position)) >= 0:
        if position < backslash:
            yield template[position:backslash]
        escape = _ESCAPE.match(template, backslash)
        if not escape:
            raise InvalidPattern(
                f"The url has an escape that means nothing in it: {template[backslash : backslash + 4]!r}; "
                r"groups are written \1 to \99, \g<1> or \g<name>."
            )
        name, number, literal = escape.groups()
        yield literal or _group_number(name or number or "", pattern)
        position = escape.end()
    if position < len(template):
        yield template[position:]


def _group_number(name: str, pattern: Pattern) -> int:
    if name in pattern.names:
        return pattern.names[name]
    if name.isascii() and name.isdecimal() and len(name) <= 3 and int(name) <= pattern.groups:
        return int(name)
    raise InvalidPattern(f"The url asks for the group {name!r}, which the regex does not have.")
