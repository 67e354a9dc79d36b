r"""Which stored values occur in a text, found at a cost that does not depend on how many there are.

A value is made of `[\w\-]` and has one of a few lengths, so slices of those lengths are looked up. The values of
all linkers that share a pattern are in one index, each with the linkers that have it.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Generic, TypeVar

from roadstead.linkify.pattern.charset import case_folding
from roadstead.linkify.text.text import Text
from roadstead.linkify.text.words import beginnings, may_begin

MAX_VALUE_LENGTH = 255

Owners = tuple[int, ...]
"""The linkers that have a value, by number, in ascending order."""

_STRETCH = 256  # places looked at between two looks at the clock
_RUN = re.compile(rb"[0-9A-Za-z_\-\x80\x81]+")  # in bytes of the basic alphabet; one class, so linear
_FEW_BEGINNINGS = 8
_LATEST_CHANGES = 256
_FEW_BESIDE = 64

V = TypeVar("V")


class Layers(Generic[V]):
    """A mapping that never changes, and of which a changed copy costs next to nothing.

    A copy shares the large mapping beneath, and one of many changes upon it, and has the latest changes on top; in
    these, `None` stands for nothing. Latest changes that are too many to be copied each time go to the many, and many
    that are no longer few beside what is beneath go into a large mapping of the copy's own.
    """

    def __init__(
        self,
        below: dict[str, V],
        many: Mapping[str, V | None] = MappingProxyType({}),
        latest: Mapping[str, V | None] = MappingProxyType({}),
    ) -> None:
        self._below = below
        self._many = many
        self._latest = latest

    @property
    def find(self) -> Callable[[str], V | None]:
        """A function that returns what a key has, or `None`. Not kept: a method that its object holds is a circle."""
        return self._find if self._many or self._latest else self._below.get

    def changed(self, changes: Mapping[str, V | None]) -> "Layers[V]":
        if not changes:
            return self
        latest = {**self._latest, **changes}
        if len(latest) <= _LATEST_CHANGES:
            return Layers(self._below, self._many, latest)
        many = {**self._many, **latest}
        if len(many) * _FEW_BESIDE <= len(self._below):
            return Layers(self._below, many)
        below = self._below.copy()
        for key, value in many.items():
            if value is None:
                below.pop(key, None)
            else:
                below[key] = value
        return Layers(below)

    def items(self) -> Iterator[tuple[str, V]]:
        """Yield all keys, in no order, with what they have."""
        changes = {**self._many, **self._latest}
        if not changes:
            yield from self._below.items()
            return
        yield from ((key, value) for key, value in self._below.items() if key not in changes)
        yield from ((key, value) for key, value in changes.items() if value is not None)

    def _find(self, key: str) -> V | None:
        if key in self._latest:
            return self._latest[key]
        return self._many[key] if key in self._many else self._below.get(key)


class ValueIndex:
    """The values of the linkers that share a pattern. Takes some 100 bytes for each value, its text included."""

    def __init__(
        self,
        owners: Layers[Owners],
        spellings: Layers[Collection[str]] | None,
        lengths: Collection[int],
        counts: Mapping[int, int],
    ) -> None:
        self.owners = owners
        self.counts = counts
        """How many values each linker has, of those that have any."""
        self._spellings = spellings
        self._lengths = tuple(sorted(lengths, reverse=True))  # perhaps also those of values that are gone

    @classmethod
    def of(cls, values: Mapping[int, Collection[str]], *, ignore_case: bool) -> "ValueIndex":
        """Return the index of these linkers' values. `ignore_case` is for patterns that match values in any case."""
        owners: dict[str, Owners] = {}
        for owner, its_values in values.items():
            alone = (owner,)
            for value in its_values:
                others = owners.get(value)
                owners[value] = (*others, owner) if others else alone
        spellings: Layers[Collection[str]] | None = Layers({}) if ignore_case else None
        if spellings is not None:
            spellings = spellings.changed(_respelled(spellings, owners))
        counts = {owner: len(its_values) for owner, its_values in values.items() if its_values}
        return cls(Layers(owners), spellings, _lengths(owners), counts)

    def changed(self, owner: int, *, added: Collection[str], removed: Collection[str]) -> "ValueIndex":
        """Return an index in which one linker has some values more, and some no longer; any may be named twice."""
        changes: dict[str, Owners | None] = {}
        count = self.counts.get(owner, 0)
        for value in set(removed):
            owners = self.owners.find(value) or ()
            if owner in owners:
                changes[value] = tuple(other for other in owners if other != owner) or None
                count -= 1
        for value in added:
            owners = (changes[value] if value in changes else self.owners.find(value)) or ()
            if owner not in owners:
                changes[value] = tuple(sorted((*owners, owner)))
                count += 1
        counts = {number: kept for number, kept in {**self.counts, owner: count}.items() if kept}
        spellings = self._spellings and self._spellings.changed(_respelled(self._spellings, changes))
        return ValueIndex(self.owners.changed(changes), spellings, {*self._lengths, *_lengths(added)}, counts)

    def of_owner(self, owner: int) -> Iterator[str]:
        """Yield the values of one linker, in no order."""
        return (value for value, owners in self.owners.items() if owner in owners)

    def slices(
        self, chars: str, first: int, beyond: int, check_time: Callable[[], None]
    ) -> Iterator[tuple[int, int, Owners]]:
        r"""Yield the values with which a match may begin in a run of `[\w\-]`, from left to right, longest first.

        That is, with where each begins and ends, and only where one may begin (see `words`). Calls `check_time` now and
        then, which may raise.
        """
        find, lengths = self.owners.find, self._lengths
        places = beginnings(chars, first, beyond)
        long = len(places) > _FEW_BEGINNINGS
        for at in places:
            if long:
                check_time()
            for length in lengths:
                stop = at + length
                if stop <= beyond and (owners := find(chars[at:stop])):
                    yield at, stop, owners

    def beginning(
        self, chars: str, first: int, beyond: int, check_time: Callable[[], None]
    ) -> Iterator[tuple[int, int, Owners]]:
        """Yield the values that begin at `first` and end at `beyond` or sooner, longest first, as `slices` does."""
        find = self.owners.find
        for length in self._lengths:
            stop = first + length
            if stop <= beyond and (owners := find(chars[first:stop])):
                yield first, stop, owners

    def occurring(
        self, text: Text, stretches: Iterable[tuple[int, int]], check_time: Callable[[], None]
    ) -> dict[int, tuple[str, ...]]:
        """Return the values that may occur in parts of the text, longest first, for each linker that has any.

        Calls `check_time` now and then, which may raise.
        """
        values = self._spelled_out(text, stretches, check_time)
        by_owner: dict[int, list[str]] = {}
        for value in sorted(values, key=lambda value: (-len(value), value)):
            for owner in self.owners.find(value) or ():
                by_owner.setdefault(owner, []).append(value)
        return {owner: tuple(values) for owner, values in by_owner.items()}

    def _spelled_out(
        self, text: Text, stretches: Iterable[tuple[int, int]], check_time: Callable[[], None]
    ) -> set[str]:
        if self._spellings is None:
            return self._slices(text, stretches, self.owners.find, check_time)
        folded = text.translated(case_folding())
        find = self._spellings.find
        found = self._slices(folded, stretches, find, check_time)
        return {value for key in found for value in find(key) or ()}

    def _slices(
        self,
        text: Text,
        stretches: Iterable[tuple[int, int]],
        find: Callable[[str], object],
        check_time: Callable[[], None],
    ) -> set[str]:
        r"""Return the slices of the runs of `[\w\-]` that `find` knows."""
        chars, data = text.chars, text.basic_bytes
        found: set[str] = set()
        unchecked = 0
        for run in chain.from_iterable(_RUN.finditer(data, start, end) for start, end in stretches):
            for first in range(run.start(), run.end(), _STRETCH):
                beyond = min(first + _STRETCH, run.end())
                unchecked += beyond - first
                if unchecked >= _STRETCH:
                    check_time()
                    unchecked = 0
                found.update(
                    candidate
                    for length in self._lengths
                    for at in range(first, min(beyond, run.end() - length + 1))
                    if find(candidate := chars[at : at + length])
                )
        return found


def may_be_value(chars: str, first: int, beyond: int, *, inside: bool) -> bool:
    """Whether a stored value may stand here, by its length and, if it is not `inside` a match, by what is before it."""
    return beyond - first <= MAX_VALUE_LENGTH and (inside or may_begin(chars, first))


def _lengths(values: Iterable[str]) -> set[int]:
    return {length for length in map(len, values) if 0 < length <= MAX_VALUE_LENGTH}


def _respelled(
    spellings: Layers[Collection[str]], changes: Mapping[str, Owners | None]
) -> dict[str, Collection[str] | None]:
    """Return how the values that are the same but for case are spelled, for those of which one has changed."""
    changed: dict[str, Collection[str] | None] = {}
    for value, owners in changes.items():
        key = value.translate(case_folding())
        known = set((changed[key] if key in changed else spellings.find(key)) or ())
        known = known | {value} if owners else known - {value}
        changed[key] = tuple(known) or None
    return changed
