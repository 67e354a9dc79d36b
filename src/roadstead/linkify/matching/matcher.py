"""Compiled linkers, which turn texts into links."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal

from roadstead.linkify.budget import Clock, OutOfTime
from roadstead.linkify.engines.match import Match
from roadstead.linkify.linker import Link, Linker, Linkified, Unfinished
from roadstead.linkify.matching.document import Document
from roadstead.linkify.matching.families import Collect, Family, Found
from roadstead.linkify.matching.filter import Filter
from roadstead.linkify.matching.limits import MAX_LINKS, Limits, within_limit
from roadstead.linkify.matching.trials import Trial, trial_of
from roadstead.linkify.matching.winners import winners, without_owners, without_those_in
from roadstead.linkify.pattern.reading import Pattern, read_pattern
from roadstead.linkify.search.programs import compiled_programs
from roadstead.linkify.target.template import UrlTemplate
from roadstead.linkify.text.addresses import Address, addresses, may_have_addresses, may_have_mailto
from roadstead.linkify.text.escapes import Visible, has_escapes, visible
from roadstead.linkify.text.text import Text, rough_form
from roadstead.linkify.values.index import ValueIndex

WithoutValues = Literal["everything", "nothing"]


def compile_linkers(
    linkers: Sequence[Linker],
    *,
    without_values: WithoutValues = "everything",
    budget: float = 0.02,
    max_links: int = MAX_LINKS,
    clock: Clock = time.thread_time,
) -> "CompiledLinkers":
    r"""Compile linkers, of which the first wins between matches of the same place and length.

    `without_values` says what `(?K)` means while a linker has no value: any match of `[\w\-]+`, or nothing. `budget` is
    how many seconds of `clock` each linker may keep each text. The default clock counts processor time, so that a busy
    machine loses no link. Raises `InvalidPattern` for a linker that `check_linker` refuses.
    """
    patterns = {linker.regex: read_pattern(linker.regex) for linker in linkers}
    templates = [UrlTemplate(linker.url, linker.base_url, patterns[linker.regex]) for linker in linkers]
    everything = without_values == "everything"
    families = [_family(members, linkers, templates, everything=everything) for members in _alike(linkers)]
    return CompiledLinkers(
        [replace(linker, values=frozenset()) if linker.values else linker for linker in linkers],
        templates,
        families,
        [at for _, at in sorted((number, at) for at, family in enumerate(families) for number in family.members)],
        Filter([family.plan for family in families]),
        Limits(budget, max_links, clock),
    )


def _alike(linkers: Sequence[Linker]) -> list[list[int]]:
    """Return the numbers of the linkers, those with the same regex together."""
    numbers: dict[str, list[int]] = {}
    for number, linker in enumerate(linkers):
        numbers.setdefault(linker.regex, []).append(number)
    return list(numbers.values())


def _family(
    members: list[int], linkers: Sequence[Linker], templates: Sequence[UrlTemplate], *, everything: bool
) -> Family:
    captured = frozenset[int]().union(*(templates[number].groups for number in members))
    programs = compiled_programs(linkers[members[0]].regex, captured)
    index = _index(programs.pattern, {number: linkers[number].values for number in members})
    return Family(programs, tuple(members), index, everything=everything)


def _index(pattern: Pattern, values: Mapping[int, Collection[str]]) -> ValueIndex | None:
    if not pattern.value_groups:
        return None
    return ValueIndex.of(values, ignore_case=any(group.ignore_case for group in pattern.value_groups))


@dataclass(frozen=True, slots=True, weakref_slot=True)
class CompiledLinkers:
    """Linkers ready for any number of texts, in any number of threads. Make them with `compile_linkers`.

    Their values are in an index, and no longer in `linkers`. A linker is called by its number: its place among those
    that were compiled, counted from 0.
    """

    linkers: Sequence[Linker]
    _templates: Sequence[UrlTemplate]
    _families: Sequence[Family]
    _family_of: Sequence[int]
    _filter: Filter
    _limits: Limits
    _left_out: Mapping[int, str] = field(default_factory=dict)

    @property
    def quick(self) -> bool:
        """Return whether they take little time for a text of a few thousand characters, as linkers usually do."""
        return all(family.quick for family in self._families)

    @property
    def engine(self) -> Literal["linear", "bounded"]:
        """Return the engine of the slowest of them."""
        return "linear" if all(family.engine == "linear" for family in self._families) else "bounded"

    def with_values(
        self, number: int, *, added: Collection[str] = (), removed: Collection[str] = ()
    ) -> "CompiledLinkers":
        """Return these linkers with some values of one linker changed.

        The time depends on the values that change, and hardly on the number of others.
        """
        families, at = list(self._families), self._family_of[number]
        families[at] = families[at].changed(number, added=added, removed=removed)
        return replace(self, _families=families)

    def values_of(self, number: int) -> Iterator[str]:
        """Yield the values of a linker, in no order."""
        index = self._index_of(number)
        return index.of_owner(number) if index else iter(())

    def value_count(self, number: int) -> int:
        """Return how many values a linker has."""
        index = self._index_of(number)
        return index.counts.get(number, 0) if index else 0

    def has_value(self, number: int, value: str) -> bool:
        """Return whether a linker has the value."""
        index = self._index_of(number)
        return index is not None and number in (index.owners.find(value) or ())

    def without(self, linkers: Collection[Linker], reason: str) -> "CompiledLinkers":
        """Return these linkers without some of them. Those are listed as unfinished where they might have matched."""
        left_out = {number: reason for number, linker in enumerate(self.linkers) if linker in linkers}
        return replace(self, _left_out={**self._left_out, **left_out}) if left_out else self

    def left_out(self, number: int) -> str | None:
        """Return why a linker is left out, or `None` if it is not."""
        return self._left_out.get(number)

    def url_of(self, number: int, match: Match, text: str) -> str | None:
        """Return the target of a linker's match, or `None` if it has none."""
        return self._templates[number].fill(match, text)

    def linkify(self, text: str) -> Linkified:
        """Return the links in `text`.

        No text and no pattern raises an exception. A linker that reaches a limit keeps the links that it found before,
        and is listed as unfinished. So is a text that is too long or has too many links.
        """
        if has_escapes(text):
            seen = visible(text)
            result = self.linkify_visible(seen)
            return Linkified(text, tuple(seen.restored(result.links)), result.unfinished)
        return self._linkify(text, Family.collect)

    def linkify_visible(self, seen: Visible) -> Linkified:
        """Return the links in a terminal's text, with their places in its visible part."""
        return self._linkify(seen.text, Family.collect, seen.hyperlinks)

    def document(self) -> Document:
        """Return these linkers for several texts, for all of which together each has the time of one text."""
        return Document(self._linkify)

    def trials(self, text: str) -> Iterator[Trial]:
        """Run each pattern over the text separately, for `explain`. This is slower than `linkify`."""
        read = Text(within_limit(text))
        possible = set(self._filter.may_match(read.rough))
        for number, family in enumerate(self._families):
            yield trial_of(family, read, self._limits, possible=number in possible)

    def _linkify(self, text: str, collect: Collect, hyperlinks: Sequence[Address] = ()) -> Linkified:
        """Return the links in a text without escape sequences, some parts of which may be `hyperlinks` already."""
        chars = within_limit(text)
        rough = rough_form(chars)
        possible = self._filter.may_match(rough)
        with_addresses = may_have_addresses(chars)
        if not possible and not with_addresses and chars is text:
            return Linkified(text, ())
        found: list[Found] = []
        unfinished = self._collect(possible, Text(chars, rough), collect, found)
        if len(chars) < len(text):
            unfinished.append(Unfinished(None, f"Only the first {len(chars)} characters were read."))
        links: tuple[Link, ...] = ()
        if found or with_addresses:
            taken = addresses(chars) if with_addresses or may_have_mailto(chars) else iter(())
            if hyperlinks:
                taken = without_those_in(hyperlinks, taken)
            links = self._links(chars, found, taken, unfinished)
        return Linkified(text, links, tuple(unfinished))

    def _collect(self, possible: list[int], text: Text, collect: Collect, found: list[Found]) -> list[Unfinished]:
        """Add the matches of the families that may match to `found`, and return the limits that were reached."""
        unfinished: list[Unfinished] = []
        for number in possible:
            family = self._families[number]
            if self._left_out and self._is_left_out(family, unfinished):
                continue
            for owner, limit in collect(family, text, self._limits, found):
                unfinished.append(Unfinished(self.linkers[owner], str(limit), isinstance(limit, OutOfTime)))
        return unfinished

    def _is_left_out(self, family: Family, unfinished: list[Unfinished]) -> bool:
        """Return whether all members of a family are left out. Add those that are to `unfinished`."""
        left_out = [owner for owner in family.members if owner in self._left_out]
        unfinished += [Unfinished(self.linkers[owner], self._left_out[owner]) for owner in left_out]
        return len(left_out) == len(family.members)

    def _links(
        self, chars: str, found: list[Found], taken: Iterator[Address], unfinished: list[Unfinished]
    ) -> tuple[Link, ...]:
        """Return the links of a text with these matches and addresses, up to a limit."""
        if self._left_out:
            found = without_owners(found, self._left_out)
        most = self._limits.max_links
        links = tuple(islice(winners(chars, found, taken, self.linkers, self._templates), most + 1))
        if len(links) <= most:
            return links
        unfinished.append(Unfinished(None, f"Only the first {most} links were made."))
        return links[:most]

    def _index_of(self, number: int) -> ValueIndex | None:
        return self._families[self._family_of[number]].index
