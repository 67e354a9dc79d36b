r"""What linkify has to find, said with Python's `re` alone: the values substituted for `(?K)`, and the guard.

Only for small texts and patterns: `re` has no time-out. A signal stops it when a random pattern explodes.
"""

import re
import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType

Spans = dict[int, tuple[int, int]]


def substituted(source: str, values: Collection[str]) -> str:
    """Return the pattern in which each `(?K)` is a group of the values, longest first, or of anything like one."""
    alternatives = "|".join(re.escape(value) for value in sorted(values, key=len, reverse=True))
    return source.replace("(?K)", f"({alternatives})" if values else r"([\w\-]+)")


def expected(source: str, value_groups: Collection[int], values: Collection[str], text: str) -> Iterator[Spans]:
    """Yield the spans of each match that links, by group number; groups that took no part are left out."""
    # An empty look-ahead in front keeps `re.search` from looking for a first character by the wrong flags: it finds
    # no (?a:\D) in "٣", although `re.match` matches there.
    compiled = re.compile(re.sub(r"^(\(\?[a-z]+\))?", r"\1(?=)", substituted(source, values)))
    guarded = value_groups if values else ()
    position: int | None = 0
    while position is not None:
        start, position = position, None
        for match in compiled.finditer(text, start):
            begins_with_value = any(match.start(group) == match.start() for group in guarded)
            if begins_with_value and match.start() > 0 and text[match.start() - 1].isalnum():
                position = match.start() + 1
                break
            if match.start() < match.end():
                spans = {group: match.span(group) for group in range(compiled.groups + 1)}
                yield {group: span for group, span in spans.items() if span[0] >= 0}


class TookTooLong(Exception):
    """Python's `re` did not come to an end."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` in the block after `seconds`; `re` looks for signals while it matches."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
