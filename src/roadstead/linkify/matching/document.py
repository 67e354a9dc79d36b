"""Several texts, for all of which together each linker has the time of one text."""

from collections.abc import Callable, Sequence

from roadstead.linkify.budget import SECONDS_PER_MATCH
from roadstead.linkify.linker import Linkified
from roadstead.linkify.matching.families import Collect, Family, Found, Reached
from roadstead.linkify.matching.limits import Limits
from roadstead.linkify.text.text import Text


class Document:
    """Linkers for the texts of a document. Use it in one thread."""

    def __init__(self, linkify: Callable[[str, Collect], Linkified]) -> None:
        self._linkify = linkify
        self._spent: dict[Family, float] = {}

    def linkify(self, text: str) -> Linkified:
        """Return the links in `text`, as `CompiledLinkers.linkify` does."""
        return self._linkify(text, self._collect)

    def _collect(self, family: Family, text: Text, limits: Limits, found: list[Found]) -> Sequence[Reached]:
        # Each member has a budget of its own, but most of the time they are searched for together.
        spent = self._spent.get(family, 0.0)
        limits = limits._replace(spent=spent / len(family.members))
        if limits.spent >= limits.budget:
            return [(owner, limits.budget_for(text).out_of_time()) for owner in family.members]
        began, before = limits.clock(), len(found)
        reached = family.collect(text, limits, found)
        added = (1 + len(found) - before) * SECONDS_PER_MATCH  # one for the text, so that many short ones are no limit
        self._spent[family] = spent + max(0, limits.clock() - began - added)
        return reached
