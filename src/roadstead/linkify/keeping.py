"""Keeping what is costly to make, so that nothing of it outlives its use for long.

What is kept here never refers back to the keeper: an object that is let go frees its memory at once, and no collection
has to look through thousands of objects for it.
"""

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Generic, TypeVar, TypeVarTuple
from weakref import WeakValueDictionary

_KEPT_UNUSED = 64
"""Patterns that an app changes are made once for the check and for the use. Their programs take some 100 KB each."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Args = TypeVarTuple("Args")


def shared(make: Callable[[*Args], V]) -> Callable[[*Args], V]:
    """Make each object once for all concurrent users; keep the last ones while they are unused.

    Arguments are taken by position alone, because they are what an object is found by.
    """
    in_use: WeakValueDictionary[Hashable, V] = WeakValueDictionary()

    def find(*args: *Args) -> V:
        found = in_use.get(args)
        if found is None:
            found = in_use[args] = make(*args)
        return found

    return lru_cache(_KEPT_UNUSED)(find)  # type: ignore[return-value]  # its type says nothing of the parameters


class Made(dict[K, V], Generic[K, V]):
    """What `make` makes of each key, made when first asked for. Emptied when it holds `most`."""

    def __init__(self, make: Callable[[K], V], most: int) -> None:
        super().__init__()
        self._make = make
        self._most = most

    def __missing__(self, key: K) -> V:
        if len(self) >= self._most:
            self.clear()
        made = self[key] = self._make(key)
        return made
