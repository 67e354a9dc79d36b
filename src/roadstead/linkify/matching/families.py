"""Linkers with the same pattern, which runs once for all of them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice, repeat

from roadstead.linkify.budget import Exhausted
from roadstead.linkify.engines.match import Match
from roadstead.linkify.matching.limits import Limits
from roadstead.linkify.search.programs import Programs
from roadstead.linkify.search.search import Search
from roadstead.linkify.text.text import Text
from roadstead.linkify.values.index import Owners, ValueIndex

Found = tuple[int, int, int, Owners, Match]
"""A match: its start, its end negated and its first linker, by which matches are sorted; then all its linkers."""

Reached = tuple[int, Exhausted]
"""A linker and the limit that it reached."""

Collect = Callable[["Family", Text, Limits, list[Found]], Sequence[Reached]]
"""Adds the matches of a family to those found, and returns each member that reached a limit."""


class Family:
    """Linkers with the same pattern. `members` are their numbers.

    A member without values matches any value if `everything` says so, and otherwise nothing.
    """

    def __init__(self, programs: Programs, members: Owners, index: ValueIndex | None, *, everything: bool) -> None:
        self.members = members
        self.plan = programs.plan
        self.quick, self.engine = programs.plan.quick, programs.plan.engine
        self.index = index
        self._programs = programs
        self._everything = everything
        self._has_values = bool(index and index.counts)
        if index is None:
            self._plain = members
        else:
            self._plain = tuple(number for number in members if everything and number not in index.counts)

    def changed(self, number: int, *, added: Collection[str], removed: Collection[str]) -> "Family":
        """Return the family in which one member has other values."""
        index = self.index and self.index.changed(number, added=added, removed=removed)
        return Family(self._programs, self.members, index, everything=self._everything)

    def collect(self, text: Text, limits: Limits, found: list[Found]) -> Sequence[Reached]:
        """Add the matches to `found`, and return each member that reached a limit."""
        reached: list[Reached] = []
        if self._plain:
            matches = Search(self._programs, text, limits.budget_for(text)).matches()
            reached += _take(zip(matches, repeat(self._plain)), self._plain, limits, found)
        if self.index and self._has_values:
            reached += self._collect_stored(self.index, text, limits, found)
        return reached

    def with_any_value(self, text: Text, limits: Limits) -> Iterator[Match]:
        """Yield the matches with any value, up to a limit; nothing if that is what all members match."""
        if self.index is None or self._plain == self.members:
            return
        matches = Search(self._programs, text, limits.budget_for(text)).matches()
        with suppress(Exhausted):
            yield from islice(matches, limits.max_links)

    def _collect_stored(self, index: ValueIndex, text: Text, limits: Limits, found: list[Found]) -> Sequence[Reached]:
        """Add the matches of the members that have values: of all in one search, or of each separately."""
        search = Search(self._programs, text, limits.budget_for(text))
        matches = search.value_first(index)
        if matches is not None:
            return _take(matches, index.counts, limits, found)
        if not search.may_match():
            return ()
        try:
            occurring = search.occurring(index)
            limits = limits._replace(spent=limits.budget - search.budget.left())
        except Exhausted as limit:
            return [(owner, limit) for owner in index.counts]
        return self._collect_each(index, occurring, text, limits, found)

    def _collect_each(
        self,
        index: ValueIndex,
        occurring: dict[int, tuple[str, ...]],
        text: Text,
        limits: Limits,
        found: list[Found],
    ) -> Sequence[Reached]:
        reached: list[Reached] = []
        for owner, values in occurring.items():
            matches = Search(self._programs, text, limits.budget_for(text)).stored(index, owner, values)
            reached += _take(zip(matches, repeat((owner,))), (owner,), limits, found)
        return reached


def _take(
    matches: Iterable[tuple[Match, Owners]], owners: Iterable[int], limits: Limits, found: list[Found]
) -> Sequence[Reached]:
    """Add matches to `found` up to a limit, and return the linkers that reached it."""
    try:
        for count, (match, its_owners) in enumerate(matches):
            if count >= limits.max_links:
                raise Exhausted(f"It matches more than {limits.max_links} times.")
            start, end = match.spans[0]
            found.append((start, -end, its_owners[0], its_owners, match))
    except Exhausted as limit:
        return [(owner, limit) for owner in owners]
    return ()
