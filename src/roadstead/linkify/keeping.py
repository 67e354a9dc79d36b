"""Caches of objects that are costly to make.

No object in them refers back to its cache. So an object that leaves a cache frees its memory immediately, and the
garbage collector does not have to find it among thousands.
"""

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Generic, TypeVar, TypeVarTuple
from weakref import WeakValueDictionary

_KEPT_UNUSED = 64
"""Unused objects that are kept, so that a pattern which was just checked is not made again for its use. The programs
of a pattern take some 100 KB.
"""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Args = TypeVarTuple("Args")


def shared(make: Callable[[*Args], V]) -> Callable[[*Args], V]:
    """Return `make` with a cache: all concurrent users of an object share it, and the last objects are kept unused.

    The arguments are the key of an object, so they are passed by position only.
    """
    in_use: WeakValueDictionary[Hashable, V] = WeakValueDictionary()

    def find(*args: *Args) -> V:
        found = in_use.get(args)
        if found is None:
            found = in_use[args] = make(*args)
        return found

    return lru_cache(_KEPT_UNUSED)(find)  # type: ignore[return-value]  # its type says nothing of the parameters


class Made(dict[K, V], Generic[K, V]):
    """A cache that calls `make` with each new key. When it has `most` values, the next new key empties it first."""

    def __init__(self, make: Callable[[K], V], most: int) -> None:
        super().__init__()
        self._make = make
        self._most = most

    def __missing__(self, key: K) -> V:
        if len(self) >= self._most:
            self.clear()
        made = self[key] = self._make(key)
        return made
