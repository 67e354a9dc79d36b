"""A mapping of a million values, of which a changed copy costs almost nothing."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

_LATEST_CHANGES = 256
"""Changes that are copied with each further change."""
_FEW_BESIDE = 64
"""Changes in between are at most one for so many keys beneath."""

V = TypeVar("V")


class Layers(Generic[V]):
    """A mapping that never changes, and of which a changed copy costs almost nothing.

    It has three layers: a large mapping, many changes upon it, and the latest changes on top. Among changes `None`
    means that the key was deleted. A changed copy shares the lower two layers. Too many latest changes join the many in
    between, and when these are no longer few, the copy gets a large mapping of its own.
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
        """Return a function that returns a key's value, or `None`. Not kept, because an object that refers to its own
        method is a cycle.
        """
        return self._find if self._many or self._latest else self._below.get

    def changed(self, changes: Mapping[str, V | None]) -> "Layers[V]":
        """Return a copy with these changes."""
        if not changes:
            return self
        latest = {**self._latest, **changes}
        if len(latest) <= _LATEST_CHANGES:
            return Layers(self._below, self._many, latest)
        many = {**self._many, **latest}
        if len(many) * _FEW_BESIDE <= len(self._below):
            return Layers(self._below, many)
        return Layers(_changed(self._below, many))

    def items(self) -> Iterator[tuple[str, V]]:
        """Yield all keys, in no order, with their values."""
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


def _changed(mapping: dict[str, V], changes: Mapping[str, V | None]) -> dict[str, V]:
    """Return a copy of the mapping with these changes."""
    copy = mapping.copy()
    for key, value in changes.items():
        if value is None:
            copy.pop(key, None)
        else:
            copy[key] = value
    return copy
