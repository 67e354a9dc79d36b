"""What was made from rows or objects, and is kept to be used again while nothing that it depends on has changed."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, NamedTuple

_MOST_BYTES = 32 << 20
_SHARE = 64
"""An entry takes at most this part of all, so that a large one drops few others."""


class _Entry(NamedTuple):
    value: Any
    depends_on: object
    size: int


class Kept:
    """Values of one process by key, at most so many bytes of them: the one that was unused longest goes first.

    A value is kept with what it depends on, such as the versions of the database that were read before the value was
    made. It is found as long as that is equal.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most_bytes
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self.size = 0
        """Bytes of all values."""

    def find(self, key: Hashable, depends_on: object) -> Any:
        """Return a value, or `None` if it is not there, or if something that it depends on has changed."""
        entry = self._entries.get(key)
        if entry is None or entry.depends_on != depends_on:
            return None
        self._entries.move_to_end(key)
        return entry.value

    def keep(self, key: Hashable, depends_on: object, value: object, size: int) -> None:
        """Keep a value of some bytes, in place of an earlier one of this key."""
        earlier = self._entries.pop(key, None)
        self.size -= 0 if earlier is None else earlier.size
        if size > self._most // _SHARE:
            return
        self._entries[key] = _Entry(value, depends_on, size)
        self.size += size
        while self.size > self._most:
            self.size -= self._entries.popitem(last=False)[1].size
