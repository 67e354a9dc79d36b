r"""Find which of a linker's values occur in a text, at a cost that does not depend on how many there are.

A value is made of `[\w\-]` and has one of a few lengths, so each run of such characters is cut into slices of
those lengths and each slice is looked up.
"""

import re
from collections.abc import Callable, Set

from roadstead.linkify.charset import case_folding
from roadstead.linkify.text import Text

MAX_VALUE_LENGTH = 255

_STRETCH = 256  # places looked at between two looks at the clock
_RUN = re.compile(rb"[0-9A-Za-z_\-\x80\x81]+")  # in bytes of the basic alphabet; one class, so linear


class ValueIndex:
    """The values of one linker. `ignore_case` is for patterns that match a value in any case."""

    def __init__(self, values: Set[str], *, ignore_case: bool) -> None:
        self._folded = _by_folding(values) if ignore_case else None
        self._known: Set[str] = self._folded.keys() if self._folded is not None else values
        self._lengths = sorted({len(value) for value in values} & set(range(1, MAX_VALUE_LENGTH + 1)))

    def occurring(self, text: Text, start: int, end: int, check_time: Callable[[], None]) -> tuple[str, ...]:
        """Return the values that may occur between `start` and `end`, longest first.

        Calls `check_time` now and then, which may raise.
        """
        if self._folded is not None:
            text = text.translated(case_folding())
        found: set[str] = set()
        unchecked = 0
        for run in _RUN.finditer(text.basic_bytes, start, end):
            for first in range(run.start(), run.end(), _STRETCH):
                beyond = min(first + _STRETCH, run.end())
                unchecked += beyond - first
                if unchecked >= _STRETCH:
                    check_time()
                    unchecked = 0
                found |= self._starting_between(text.chars, first, beyond, run.end())
        if self._folded is not None:
            found = {value for folded in found for value in self._folded[folded]}
        return tuple(sorted(found, key=lambda value: (-len(value), value)))

    def _starting_between(self, chars: str, first: int, beyond: int, end: int) -> set[str]:
        """Return the known slices that start from `first` on and before `beyond`, and do not go past `end`."""
        known = self._known
        return {
            candidate
            for length in self._lengths
            for at in range(first, min(beyond, end - length + 1))
            if (candidate := chars[at : at + length]) in known
        }


def _by_folding(values: Set[str]) -> dict[str, tuple[str, ...]]:
    folded: dict[str, tuple[str, ...]] = {}
    for value in values:
        key = value.translate(case_folding())
        folded[key] = (*folded.get(key, ()), value)
    return folded
