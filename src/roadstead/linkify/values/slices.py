"""Look up every slice of a text that could be a value."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain

from roadstead.linkify.text.text import Text

_STRETCH = 256
"""Places between two checks of the time."""
_RUN = re.compile(rb"[0-9A-Za-z_\-\x80\x81]+")  # in bytes of the basic alphabet; one class, so linear


def known_slices(
    text: Text,
    stretches: Iterable[tuple[int, int]],
    lengths: Collection[int],
    find: Callable[[str], object],
    check_time: Callable[[], None],
) -> set[str]:
    r"""Return the slices that `find` knows, of these lengths, that begin in parts of the text.

    Slices of runs of `[\w\-]` are tried. Calls `check_time`, which may raise, repeatedly.
    """
    chars = text.chars
    found: set[str] = set()
    unchecked = 0
    for first, beyond, end in _stretches_of_runs(text, stretches):
        unchecked += beyond - first
        if unchecked >= _STRETCH:
            check_time()
            unchecked = 0
        found.update(
            candidate
            for length in lengths
            for at in range(first, min(beyond, end - length + 1))
            if find(candidate := chars[at : at + length])
        )
    return found


def _stretches_of_runs(text: Text, stretches: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Yield the runs in short stretches: each stretch's beginning and end, and its run's end."""
    data = text.basic_bytes
    for run in chain.from_iterable(_RUN.finditer(data, start, end) for start, end in stretches):
        for first in range(run.start(), run.end(), _STRETCH):
            yield first, min(first + _STRETCH, run.end()), run.end()
