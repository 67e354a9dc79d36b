"""Which characters are equal under IGNORECASE."""

from collections.abc import Iterator
from functools import cache

from roadstead.linkify.pattern.charset import every_char

_CHUNK = 256


@cache
def cased_chars() -> str:
    """Return every character that can equal another one under IGNORECASE, in code point order."""
    return "".join(sorted(_case_families()))


@cache
def case_folding() -> dict[int, int]:
    """Return a table for `str.translate` after which texts that are equal under IGNORECASE are the same.

    The reverse does not hold: what the table makes the same still has to be matched. A family's
    representative is a word character where it has one, so that folding never breaks a run of word
    characters.
    """
    table = {}
    for char, family in _case_families().items():
        table[ord(char)] = min((ord(other) for other in family if other.isalnum()), default=ord(min(family)))
    return table


@cache
def _case_families() -> dict[str, frozenset[str]]:
    """Map each cased character to everything linked to it by lower case or by an equal upper case.

    `re` calls two characters equal if their simple lower cases are the same, or are lower cases of one upper
    case; the families are the closure of that. An upper case of several characters serves only as a link.
    """
    families: dict[str, set[str]] = {}
    for char in _changing_chars():
        family: set[str] = set()
        for member in (char, char.lower()[0], char.upper()):
            family |= families.get(member, {member})
        for member in family:
            families[member] = family
    return {
        char: frozenset(member for member in family if len(member) == 1)
        for char, family in families.items()
        if len(char) == 1
    }


def _changing_chars() -> Iterator[str]:
    every = every_char()
    for start in range(0, len(every), _CHUNK):  # most chunks contain no case at all and are settled in two calls
        chunk = every[start : start + _CHUNK]
        if chunk.lower() != chunk or chunk.upper() != chunk:
            yield from (char for char in chunk if char.lower() != char or char.upper() != char)
