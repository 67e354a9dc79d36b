"""What was made from rows or objects, and is kept to be used again while nothing that it depends on has changed."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, NamedTuple

_MOST_BYTES = 32 << 20
_SHARE = 64
"""An entry takes at most this part of all, so that a large one drops few others."""
_NEW = 4
"""Entries that were not found yet have at least this part of all."""


class _Entry(NamedTuple):
    value: Any
    depends_on: object
    size: int


class Kept:
    """Values of one process by key, at most so many bytes of them.

    A value is kept with what it depends on, such as the versions of the database that were read before the value was
    made. It is found as long as that is equal.

    Of those that were not found yet, the oldest goes first. So a client that asks once for each of many things does not
    push out what others ask for again and again.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most_bytes
        self._new: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._found: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._size_of_found = 0
        self.size = 0
        """Bytes of all values."""

    def find(self, key: Hashable, depends_on: object) -> Any:
        """Return a value, or `None` if it is not there, or if something that it depends on has changed."""
        entries = self._found if key in self._found else self._new
        entry = entries.get(key)
        if entry is None or entry.depends_on != depends_on:
            return None
        if entries is self._found:
            entries.move_to_end(key)
        else:
            self._promote(key)
        return entry.value

    def keep(self, key: Hashable, depends_on: object, value: object, size: int) -> None:
        """Keep a value of some bytes, in place of an earlier one of this key."""
        self._drop(key)
        if size > self._most // _SHARE:
            return
        self._new[key] = _Entry(value, depends_on, size)
        self.size += size
        while self.size > self._most:
            self._drop(next(iter(self._new)))

    def _promote(self, key: Hashable) -> None:
        """Count an entry among those that were found; if these are too many, those unused longest are new again."""
        entry = self._found[key] = self._new.pop(key)
        self._size_of_found += entry.size
        while self._size_of_found > self._most - self._most // _NEW:
            unused, entry = self._found.popitem(last=False)
            self._size_of_found -= entry.size
            self._new[unused] = entry

    def _drop(self, key: Hashable) -> None:
        entry = self._new.pop(key, None)
        if entry is None and (entry := self._found.pop(key, None)) is not None:
            self._size_of_found -= entry.size
        self.size -= 0 if entry is None else entry.size
