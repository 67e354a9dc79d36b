"""The limits of a text and of a linker."""

from typing import NamedTuple

from roadstead.linkify.budget import Budget, Clock
from roadstead.linkify.text.text import Text

MAX_TEXT = 1_000_000
"""Characters of a text that are searched."""
MAX_LINKS = 10_000
"""Links in a text, and matches of one pattern in it."""

_SHORT_TEXT = 1_000
_UNSEEN = 7
"""Searches of a short text before its time begins: they take no longer than one search of a long text."""


class Limits(NamedTuple):
    """The seconds that each linker has for a text, of which some may be `spent`, and the matches that it may have."""

    budget: float
    max_links: int
    clock: Clock
    spent: float = 0.0

    def budget_for(self, text: Text) -> Budget:
        """Return the budget of a linker for a text."""
        return Budget(self.budget, self.clock, _UNSEEN if len(text.chars) <= _SHORT_TEXT else 0, self.spent)


def within_limit(text: str) -> str:
    """Return the text, or its beginning up to a space, if there is one, if the text is too long."""
    return text if len(text) <= MAX_TEXT else text[: _last_space(text, MAX_TEXT)]


def _last_space(text: str, limit: int) -> int:
    return max(text.rfind(space, 0, limit) for space in " \n") + 1 or limit
