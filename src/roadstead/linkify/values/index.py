r"""Find which stored values occur in a text, at a cost that does not depend on how many are stored.

A value is made of `[\w\-]` and has one of a few lengths, so slices of these lengths are looked up. One index holds the
values of all linkers that share a pattern, each value with the linkers that have it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from roadstead.linkify.pattern.case import case_folding
from roadstead.linkify.text.text import Text
from roadstead.linkify.text.words import beginnings, may_begin
from roadstead.linkify.values.layers import Layers
from roadstead.linkify.values.slices import known_slices
from roadstead.linkify.values.spellings import respelled

MAX_VALUE_LENGTH = 255

Owners = tuple[int, ...]
"""The linkers that have a value, by number, in ascending order."""

_FEW_BEGINNINGS = 8


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
        """How many values each linker with values has."""
        self.has_one_owner = len(counts) == 1
        self._spellings = spellings
        self._lengths = tuple(sorted(lengths, reverse=True))  # perhaps also those of deleted values

    @classmethod
    def of(cls, values: Mapping[int, Collection[str]], *, ignore_case: bool) -> "ValueIndex":
        """Return the index of these linkers' values. `ignore_case` is for patterns that match values in any case."""
        owners = _owners(values)
        spellings: Layers[Collection[str]] | None = None
        if ignore_case:
            none = Layers[Collection[str]]({})
            spellings = none.changed(respelled(none, owners))
        counts = {owner: len(its_values) for owner, its_values in values.items() if its_values}
        return cls(Layers(owners), spellings, _lengths(owners), counts)

    def changed(self, owner: int, *, added: Collection[str], removed: Collection[str]) -> "ValueIndex":
        """Return an index in which one linker has some values more, and some no longer. A value may be named twice."""
        changes: dict[str, Owners | None] = {}
        count = self.counts.get(owner, 0)
        count -= self._remove(owner, removed, changes)
        count += self._add(owner, added, changes)
        counts = {number: kept for number, kept in {**self.counts, owner: count}.items() if kept}
        spellings = self._spellings and self._spellings.changed(respelled(self._spellings, changes))
        return ValueIndex(self.owners.changed(changes), spellings, {*self._lengths, *_lengths(added)}, counts)

    def _remove(self, owner: int, values: Collection[str], changes: dict[str, Owners | None]) -> int:
        """Note in `changes` that the linker has these values no longer. Return how many of them it had."""
        before = len(changes)
        for value in set(values):
            owners = self.owners.find(value) or ()
            if owner in owners:
                changes[value] = tuple(other for other in owners if other != owner) or None
        return len(changes) - before

    def _add(self, owner: int, values: Collection[str], changes: dict[str, Owners | None]) -> int:
        """Note in `changes` that the linker has these values, too. Return how many of them it had not."""
        count = 0
        for value in values:
            owners = (changes[value] if value in changes else self.owners.find(value)) or ()
            if owner not in owners:
                changes[value] = tuple(sorted((*owners, owner)))
                count += 1
        return count

    def of_owner(self, owner: int) -> Iterator[str]:
        """Yield the values of one linker, in no order."""
        return (value for value, owners in self.owners.items() if owner in owners)

    def slices(
        self, chars: str, first: int, beyond: int, check_time: Callable[[], None]
    ) -> Iterator[tuple[int, int, Owners]]:
        r"""Yield the values with which a match may begin in a run of `[\w\-]`, from left to right, longest first.

        Each comes with its start, its end and its owners, and only where a value may begin (see `text/words.py`). Calls
        `check_time`, which may raise, repeatedly.
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

        Calls `check_time`, which may raise, repeatedly.
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
            return known_slices(text, stretches, self._lengths, self.owners.find, check_time)
        find = self._spellings.find
        found = known_slices(text.translated(case_folding()), stretches, self._lengths, find, check_time)
        return {value for key in found for value in find(key) or ()}


def may_be_value(chars: str, first: int, beyond: int, *, inside: bool) -> bool:
    """Return whether a stored value may be here.

    Its length decides and, if the match begins with it (not `inside`), the text before it.
    """
    return beyond - first <= MAX_VALUE_LENGTH and (inside or may_begin(chars, first))


def _owners(values: Mapping[int, Collection[str]]) -> dict[str, Owners]:
    """Return the linkers that have each value."""
    owners: dict[str, Owners] = {}
    for owner, its_values in values.items():
        alone = (owner,)
        for value in its_values:
            others = owners.get(value)
            owners[value] = (*others, owner) if others else alone
    return owners


def _lengths(values: Iterable[str]) -> set[int]:
    return {length for length in map(len, values) if 0 < length <= MAX_VALUE_LENGTH}
