r"""The links that linkify has to find, by Python's `re` alone: the values substituted for `(?K)`, and the guard.

Only for small texts and patterns: `re` has no time-out. A signal stops it when a random pattern explodes.
"""

import re
import signal
import unicodedata
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
            if match.start() == match.end():
                continue  # it is no link, also if a look-ahead has a value: the next match may begin here, too
            begins_with_value = any(match.start(group) == match.start() for group in guarded)
            if begins_with_value and continues_a_word(text, match.start()):
                position = match.start() + 1
                break
            spans = {group: match.span(group) for group in range(compiled.groups + 1)}
            yield {group: span for group, span in spans.items() if span[0] >= 0}


def continues_a_word(text: str, start: int) -> bool:
    """Return whether a letter or digit is before `start`, combining marks aside.

    Not a letter of a script without case, if the value at `start` is of another script.
    """
    before = text[:start]
    while before and unicodedata.category(before[-1]) in ("Mn", "Mc"):
        before = before[:-1]
    last = before[-1:] or " "
    if not (last.isalpha() or last.isdecimal()):
        return False
    return _script_without_case(last) in (None, _script_without_case(text[start]))


def _script_without_case(char: str) -> str | None:
    """Return the script, by the character's name, or `None` for a character that is not a letter or of a script with
    case.
    """
    words = unicodedata.name(char, "").removeprefix("HALFWIDTH ").replace("-", " ").split()
    with_case = {"LATIN", "FULLWIDTH", "GREEK", "CYRILLIC", "MODIFIER", "FEMININE", "MASCULINE"}
    return words[0] if char.isalpha() and char.lower() == char.upper() and words[0] not in with_case else None


class TookTooLong(Exception):
    """Python's `re` did not finish."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` in the block after `seconds`; `re` checks for signals while it matches."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
