"""Sets of characters, as ranges of code points."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from functools import cache
from typing import Self

import msgspec

LAST = 0x10FFFF


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
        """Return the set of these characters."""
        return cls.of((ord(char), ord(char)) for char in chars)

    def __contains__(self, code: int) -> bool:
        at = bisect_right(self.ranges, (code, LAST)) - 1
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
        if start <= LAST:
            gaps.append((start, LAST))
        return type(self)(tuple(gaps))

    def beyond_ascii(self) -> Self:
        """Return the members of the set that are not ASCII."""
        return type(self)(tuple((max(low, 128), high) for low, high in self.ranges if high >= 128))


NOTHING = CharSet(())
EVERYTHING = ~NOTHING
NEWLINE = CharSet.of_chars("\n")
HYPHEN = CharSet.of_chars("-")


@cache
def every_char() -> str:
    """Return all characters in the order of their code points, lone surrogates included."""
    return array("I", range(LAST + 1)).tobytes().decode("utf-32", "surrogatepass")
