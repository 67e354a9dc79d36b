r"""Sets of characters as Python's `re` understands them.

The authority is `re` itself: what `\w`, `\d` and `\s` hold, and what IGNORECASE makes equal, is asked of `re`
once and kept, so that no engine's own tables (or Unicode version) can disagree with the Python we run on.
Only classes of a single character are ever asked, which take linear time.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Self

import msgspec

_LAST = 0x10FFFF
_CHUNK = 256


class CharSet(msgspec.Struct, frozen=True, gc=False):
    """A set of code points as sorted, disjoint, inclusive ranges that never touch."""

    ranges: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int]]) -> Self:
        """Return the set of all code points in `ranges`, which may overlap and come in any order."""
        merged: list[tuple[int, int]] = []
        for low, high in sorted(ranges):
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return cls(tuple(merged))

    @classmethod
    def of_chars(cls, chars: Iterable[str]) -> Self:
        return cls.of((ord(char), ord(char)) for char in chars)

    def __contains__(self, code: int) -> bool:
        at = bisect_right(self.ranges, (code, _LAST)) - 1
        return at >= 0 and code <= self.ranges[at][1]

    def __or__(self, other: Self) -> Self:
        return self.of((*self.ranges, *other.ranges))

    def __and__(self, other: Self) -> Self:
        return ~(~self | ~other)

    def __invert__(self) -> Self:
        gaps: list[tuple[int, int]] = []
        start = 0
        for low, high in self.ranges:
            if start < low:
                gaps.append((start, low - 1))
            start = high + 1
        if start <= _LAST:
            gaps.append((start, _LAST))
        return type(self)(tuple(gaps))

    def beyond_ascii(self) -> Self:
        return type(self)(tuple((max(low, 128), high) for low, high in self.ranges if high >= 128))


NOTHING = CharSet(())
EVERYTHING = ~NOTHING
NEWLINE = CharSet.of_chars("\n")


@cache
def category(name: str, *, ascii_only: bool) -> CharSet:
    r"""Return what `\w`, `\d`, `\s` or one of their opposites matches."""
    if name.isupper():
        return ~category(name.lower(), ascii_only=ascii_only)
    runs = re.compile(rf"\{name}+", re.ASCII if ascii_only else re.UNICODE).finditer(_every_char())
    return CharSet.of((run.start(), run.end() - 1) for run in runs)


def char_class(
    ranges: CharSet, categories: tuple[str, ...], *, negated: bool, ignore_case: bool, ascii_only: bool
) -> CharSet:
    r"""Return what a class such as `[a-z\d]` matches, given its ranges and the names of its categories."""
    members = ranges
    for name in categories:
        members |= category(name, ascii_only=ascii_only)
    if negated:
        members = ~members
    if ignore_case:
        return _ignoring_case(members, ranges, categories, negated, ascii_only)
    return members


@lru_cache(maxsize=1024)
def _ignoring_case(
    members: CharSet, ranges: CharSet, categories: tuple[str, ...], negated: bool, ascii_only: bool
) -> CharSet:
    """Decide every character that has a case with `re`; the others are not touched by IGNORECASE."""
    chars = cased_chars()
    listed = "".join(rf"\U{ord(char):08x}" for char in chars if ord(char) in ranges)
    source = listed + "".join(rf"\{name}" for name in categories)
    if source:
        flags = re.IGNORECASE | (re.ASCII if ascii_only else re.UNICODE)
        matched = re.findall(f"[{'^' if negated else ''}{source}]", chars, flags)
    else:
        matched = list(chars) if negated else []
    return (members & ~CharSet.of_chars(chars)) | CharSet.of_chars(matched)


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
    every = _every_char()
    for start in range(0, len(every), _CHUNK):  # most chunks hold no case at all and are settled in two calls
        chunk = every[start : start + _CHUNK]
        if chunk.lower() != chunk or chunk.upper() != chunk:
            yield from (char for char in chunk if char.lower() != char or char.upper() != char)


@cache
def _every_char() -> str:
    return array("I", range(_LAST + 1)).tobytes().decode("utf-32", "surrogatepass")
