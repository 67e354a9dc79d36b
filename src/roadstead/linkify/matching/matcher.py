"""Linkers compiled once, and texts turned into links with them."""

import time
from bisect import bisect_right, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice, repeat
from typing import Literal, NamedTuple

from roadstead.linkify.budget import SECONDS_PER_MATCH, Budget, Clock, Exhausted, OutOfTime
from roadstead.linkify.engines.programs import Match
from roadstead.linkify.keeping import shared
from roadstead.linkify.linker import Link, Linker, Linkified, Unfinished
from roadstead.linkify.pattern.reading import Pattern, read_pattern
from roadstead.linkify.plan.required import Required
from roadstead.linkify.search.programs import Programs
from roadstead.linkify.search.search import Search
from roadstead.linkify.target.template import UrlTemplate
from roadstead.linkify.text.addresses import Address, addresses, may_have_addresses, may_have_mailto
from roadstead.linkify.text.escapes import Visible, has_escapes, visible
from roadstead.linkify.text.text import Text, rough_form
from roadstead.linkify.values.index import Owners, ValueIndex

MAX_TEXT = 1_000_000
"""Characters of a text that are looked at."""
MAX_LINKS = 10_000
"""Links in a text, and matches of one pattern in it."""

_SHORT_TEXT = 1_000
_UNSEEN = 7  # with the eighth search of a short text the time begins: they take no longer than one of a long text

WithoutValues = Literal["everything", "nothing"]


def compile_linkers(
    linkers: Sequence[Linker],
    *,
    without_values: WithoutValues = "everything",
    budget: float = 0.02,
    max_links: int = MAX_LINKS,
    clock: Clock = time.thread_time,
) -> "CompiledLinkers":
    r"""Compile linkers whose order decides between matches of the same place and length.

    `without_values` says what `(?K)` stands for while a linker has no value: anything that matches `[\w\-]+`,
    or nothing at all. `budget` is how many seconds each linker may keep each text, by `clock`;
    processor time is what is counted, so that a busy machine loses no link. Raises `InvalidPattern` for a linker
    that `check_linker` refuses.
    """
    numbers: dict[str, list[int]] = {}
    for number, linker in enumerate(linkers):
        numbers.setdefault(linker.regex, []).append(number)
    patterns = [read_pattern(regex) for regex in numbers]
    templates = [UrlTemplate(linker.url, linker.base_url, read_pattern(linker.regex)) for linker in linkers]
    families = []
    for pattern, members in zip(patterns, numbers.values(), strict=True):
        captured = frozenset[int]().union(*(templates[number].groups for number in members))
        programs = compiled_programs(pattern.regex, captured)
        index = _index(pattern, {number: linkers[number].values for number in members})
        families.append(_Family(programs, tuple(members), index, everything=without_values == "everything"))
    return CompiledLinkers(
        [replace(linker, values=frozenset()) if linker.values else linker for linker in linkers],
        templates,
        families,
        [at for _, at in sorted((number, at) for at, family in enumerate(families) for number in family.members)],
        Required([pattern.tree for pattern in patterns]),
        _Limits(budget, max_links, clock),
    )


@shared
def compiled_programs(regex: str, captured: frozenset[int]) -> Programs:
    """Return the programs of a regex, shared by all linkers that have it; raises `InvalidPattern`."""
    pattern = read_pattern(regex)
    programs = Programs(pattern, captured.union(group.number for group in pattern.value_groups))
    programs.prepare()
    return programs


class _Limits(NamedTuple):
    budget: float
    max_links: int
    clock: Clock
    spent: float = 0.0

    def budget_for(self, text: Text) -> Budget:
        return Budget(self.budget, self.clock, _UNSEEN if len(text.chars) <= _SHORT_TEXT else 0, self.spent)


@dataclass(frozen=True, slots=True)
class CompiledLinkers:
    """Linkers ready for any number of texts, in any number of threads. Make them with `compile_linkers`.

    Their values are in an index, and no longer in `linkers`.
    """

    linkers: Sequence[Linker]
    _templates: Sequence[UrlTemplate]
    _families: Sequence["_Family"]
    _family_of: Sequence[int]
    _required: Required
    _limits: _Limits
    _left_out: Mapping[int, str] = field(default_factory=dict)

    @property
    def quick(self) -> bool:
        """Whether they take little time for a text of a few thousand characters, as linkers usually do."""
        return all(family.quick for family in self._families)

    @property
    def engine(self) -> Literal["linear", "bounded"]:
        """The engine of the slowest of them."""
        return "linear" if all(family.engine == "linear" for family in self._families) else "bounded"

    def with_values(
        self, number: int, *, added: Collection[str] = (), removed: Collection[str] = ()
    ) -> "CompiledLinkers":
        """Return these linkers with some values changed of the one that was given as `number`, counted from 0.

        Takes time for the values that change, and nearly none for all others.
        """
        families, at = list(self._families), self._family_of[number]
        families[at] = families[at].changed(number, added=added, removed=removed)
        return replace(self, _families=families)

    def values_of(self, number: int) -> Iterator[str]:
        """Yield the values of the linker that was given as `number`, in no order."""
        index = self._families[self._family_of[number]].index
        return index.of_owner(number) if index else iter(())

    def value_count(self, number: int) -> int:
        """How many values the linker has that was given as `number`."""
        index = self._families[self._family_of[number]].index
        return index.counts.get(number, 0) if index else 0

    def without(self, linkers: Collection[Linker], reason: str) -> "CompiledLinkers":
        """Return these linkers without some of them, which are listed as unfinished where they might have matched."""
        left_out = {number: reason for number, linker in enumerate(self.linkers) if linker in linkers}
        return replace(self, _left_out={**self._left_out, **left_out})

    def linkify(self, text: str) -> Linkified:
        """Return the links in `text`.

        Never raises because of what a text or a pattern holds: a linker that reaches a limit keeps the links
        it found up to there, and is listed as unfinished. So is a text that is too long or has too many links.
        """
        if has_escapes(text):
            seen = visible(text)
            result = self.linkify_visible(seen)
            return Linkified(text, tuple(seen.restored(result.links)), result.unfinished)
        return self._linkify(text, _Family.collect)

    def linkify_visible(self, seen: Visible) -> Linkified:
        """Return the links in a terminal's text with the offsets that they have in its visible part."""
        return self._linkify(seen.text, _Family.collect, seen.hyperlinks)

    def document(self) -> "Document":
        """Return these linkers for several texts, in all of which together each has the time of one text."""
        return Document(self._linkify)

    def trials(self, text: str) -> Iterator["Trial"]:
        """Run each pattern over the text by itself, to `explain` what `linkify` makes of it; that is slower."""
        read = Text(_within_limit(text))
        possible = set(self._required.may_match(read.rough))
        for number, family in enumerate(self._families):
            began = self._limits.clock()
            found: list[_Found] = []
            limits = dict(family.collect(read, self._limits, found)) if number in possible else {}
            unstored = list(family.with_any_value(read, self._limits)) if number in possible else []
            yield Trial(
                family.members,
                number in possible,
                [(match, owners) for *_, owners, match in found],
                unstored,
                limits,
                self._limits.clock() - began,
            )

    def url_of(self, number: int, match: Match, text: str) -> str | None:
        """Return where a match of the linker leads that was given as `number`, or `None` if nowhere."""
        return self._templates[number].fill(match, text)

    def has_value(self, number: int, value: str) -> bool:
        """Whether the value is one of the linker's that was given as `number`."""
        index = self._families[self._family_of[number]].index
        return index is not None and number in (index.owners.find(value) or ())

    def left_out(self, number: int) -> str | None:
        """Return why the linker is left out that was given as `number`, or `None` if it is not."""
        return self._left_out.get(number)

    def _linkify(self, text: str, collect: "_Collect", hyperlinks: Sequence[Address] = ()) -> Linkified:
        """Return the links in a text without escape sequences, part of which may be `hyperlinks` already."""
        chars = _within_limit(text)
        rough = rough_form(chars)
        possible = self._required.may_match(rough)
        with_addresses = may_have_addresses(chars)
        if not possible and not with_addresses and chars is text:
            return Linkified(text, ())
        read = Text(chars, rough)
        found: list[_Found] = []
        unfinished: list[Unfinished] = []
        for number in possible:
            family = self._families[number]
            left_out = self._left_out and [owner for owner in family.members if owner in self._left_out]
            for owner in left_out:
                unfinished.append(Unfinished(self.linkers[owner], self._left_out[owner]))
            if len(left_out) < len(family.members):
                for owner, limit in collect(family, read, self._limits, found):
                    unfinished.append(Unfinished(self.linkers[owner], str(limit), isinstance(limit, OutOfTime)))
        links: tuple[Link, ...] = ()
        if found or with_addresses:
            taken = addresses(chars) if with_addresses or may_have_mailto(chars) else iter(())
            if hyperlinks:
                taken = _merged(taken, hyperlinks)
            links = tuple(islice(self._winners(chars, found, taken), self._limits.max_links + 1))
        if len(chars) < len(text):
            unfinished.append(Unfinished(None, f"Only the first {len(chars)} characters were looked at."))
        if len(links) > self._limits.max_links:
            links = links[:-1]
            unfinished.append(Unfinished(None, f"Only the first {len(links)} links were made."))
        return Linkified(text, links, tuple(unfinished))

    def _winners(self, chars: str, found: list["_Found"], taken: Iterator[Address]) -> Iterator[Link]:
        """Yield the addresses that are links and, between all that are `taken`, the matches that win.

        These are the earliest, then the longest, then the first given. A match without a usable URL is out of the
        competition, so URLs are made here, for those that could win.
        """
        found.sort()
        address = next(taken, None)
        position = at = 0
        while at < len(found):
            start, minus_end, _, owners, match = found[at]
            at += 1
            if start < position:
                continue
            while address and address.end <= start:
                if address.url:
                    yield _bare(address, chars)
                address = next(taken, None)
            if address and address.start < -minus_end:
                continue
            owner = owners[0]
            target = None if owner in self._left_out else self._templates[owner].fill(match, chars)
            if target:
                position = -minus_end
                yield Link(start, position, chars[start:position], target, self.linkers[owner])
            elif len(owners) > 1:
                insort(found, (start, minus_end, owners[1], owners[1:], match), lo=at)
        while address:
            if address.url:
                yield _bare(address, chars)
            address = next(taken, None)


class Trial(NamedTuple):
    """What came of running the pattern of some linkers over a text.

    `possible` is whether the text holds the characters that every match needs. `matches` are of the linkers that are
    given with each, `unstored` what would match besides if any value were stored. `seconds` are for both.
    """

    members: Owners
    possible: bool
    matches: list[tuple[Match, Owners]]
    unstored: list[Match]
    limits: dict[int, Exhausted]
    seconds: float


class Document:
    """Linkers for several texts, in all of which together each has the time of one text. Use in one thread."""

    def __init__(self, linkify: Callable[[str, "_Collect"], Linkified]) -> None:
        self._linkify = linkify
        self._spent: dict[_Family, float] = {}

    def linkify(self, text: str) -> Linkified:
        """Return the links in `text`, as `CompiledLinkers.linkify` does."""
        return self._linkify(text, self._collect)

    def _collect(self, family: "_Family", text: Text, limits: _Limits, found: list["_Found"]) -> Sequence["_Reached"]:
        # The members have a budget each, but most of the time they are searched for together.
        spent = self._spent.get(family, 0.0)
        limits = limits._replace(spent=spent / len(family.members))
        if limits.spent >= limits.budget:
            return [(owner, limits.budget_for(text).out_of_time()) for owner in family.members]
        began, before = limits.clock(), len(found)
        reached = family.collect(text, limits, found)
        added = (1 + len(found) - before) * SECONDS_PER_MATCH  # one for the text, so that many short ones are no limit
        self._spent[family] = spent + max(0, limits.clock() - began - added)
        return reached


_Found = tuple[int, int, int, Owners, Match]
"""A match as it is sorted: its start, its end negated, and the first of the linkers whose it is; then all of these."""


_Reached = tuple[int, Exhausted]
"""A linker and the limit that it reached."""

_Collect = Callable[["_Family", Text, _Limits, list[_Found]], Sequence[_Reached]]
"""Adds the matches of a family to those found, and returns each member that reached a limit."""


class _Family:
    """Linkers with the same pattern, which is run once for all of them."""

    def __init__(self, programs: Programs, members: Owners, index: ValueIndex | None, *, everything: bool) -> None:
        self.members = members
        self._programs = programs
        self.quick = programs.quick
        self.engine = programs.engine
        self.index = index
        self._everything = everything
        self._valued = bool(index and index.counts)
        if index is None:
            self._plain = members
        else:
            self._plain = tuple(number for number in members if everything and number not in index.counts)

    def changed(self, number: int, *, added: Collection[str], removed: Collection[str]) -> "_Family":
        """Return the family in which one member has other values."""
        index = self.index and self.index.changed(number, added=added, removed=removed)
        return _Family(self._programs, self.members, index, everything=self._everything)

    def collect(self, text: Text, limits: _Limits, found: list[_Found]) -> Sequence[_Reached]:
        """Add the matches to `found`, and return each member that reached a limit."""
        reached: list[_Reached] = []
        if self._plain:
            matches = Search(self._programs, text, limits.budget_for(text)).matches()
            reached += _take(zip(matches, repeat(self._plain)), self._plain, limits, found)
        if self.index and self._valued:
            reached += self._collect_stored(self.index, text, limits, found)
        return reached

    def with_any_value(self, text: Text, limits: _Limits) -> Iterator[Match]:
        """Yield what matches if any value will do, up to a limit; nothing where that is what all members match."""
        if self.index is None or self._plain == self.members:
            return
        matches = Search(self._programs, text, limits.budget_for(text)).matches()
        with suppress(Exhausted):
            yield from islice(matches, limits.max_links)

    def _collect_stored(
        self, index: ValueIndex, text: Text, limits: _Limits, found: list[_Found]
    ) -> Sequence[_Reached]:
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
        reached: list[_Reached] = []
        for owner, values in occurring.items():
            search = Search(self._programs, text, limits.budget_for(text))
            matches_of_owner = search.stored(index, owner, values)
            reached += _take(zip(matches_of_owner, repeat((owner,))), (owner,), limits, found)
        return reached


def _take(
    matches: Iterable[tuple[Match, Owners]], owners: Iterable[int], limits: _Limits, found: list[_Found]
) -> Sequence[_Reached]:
    """Add matches to `found` up to a limit; return the linkers that reached it."""
    try:
        for count, (match, its_owners) in enumerate(matches):
            if count >= limits.max_links:
                raise Exhausted(f"It matches more than {limits.max_links} times.")
            start, end = match.spans[0]
            found.append((start, -end, its_owners[0], its_owners, match))
    except Exhausted as limit:
        return [(owner, limit) for owner in owners]
    return ()


def _bare(address: Address, chars: str) -> Link:
    return Link(address.start, address.end, chars[address.start : address.end], address.url or "", None)


def _merged(addresses: Iterator[Address], hyperlinks: Sequence[Address]) -> Iterator[Address]:
    """Return both in their order, without the addresses that lie in a hyperlink or reach into one."""
    starts = [hyperlink.start for hyperlink in hyperlinks]
    apart = [
        address
        for address in addresses
        if (at := bisect_right(starts, address.end - 1)) == 0 or hyperlinks[at - 1].end <= address.start
    ]
    return iter(sorted([*apart, *hyperlinks], key=lambda one: one.start))


def _index(pattern: Pattern, values: Mapping[int, Collection[str]]) -> ValueIndex | None:
    if not pattern.value_groups:
        return None
    return ValueIndex.of(values, ignore_case=any(group.ignore_case for group in pattern.value_groups))


def _within_limit(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: _last_space(text, MAX_TEXT)]


def _last_space(text: str, limit: int) -> int:
    """Return where a text can be cut before `limit` without cutting a word, if there is a space at all."""
    return max(text.rfind(space, 0, limit) for space in " \n") + 1 or limit
