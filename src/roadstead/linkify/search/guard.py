"""Refuse a match that a stored value begins in the middle of a word."""

from collections.abc import Iterable

from roadstead.linkify.engines.match import Match
from roadstead.linkify.pattern.syntax import Values
from roadstead.linkify.text.words import may_begin


def begins_amid_a_word(match: Match, chars: str, value_groups: Iterable[Values]) -> bool:
    """Return whether a stored value begins the match where no value may begin."""
    start = match.start
    if may_begin(chars, start):
        return False
    spans = (match.group(group.number) for group in value_groups)
    return any(span is not None and span[0] == start for span in spans)
