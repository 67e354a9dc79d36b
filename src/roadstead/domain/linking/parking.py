"""Linkers that keep running out of time are parked: not tried for a while, and reported.

A hostile pattern is stopped in each text after its budget; without parking, many texts would each pay that budget.
"""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roadstead.linkify import CompiledLinkers, Link, Linker, Unfinished

PARKED_AFTER = 5
"""Texts on which a linker ran out of time within `PARKED_SECONDS`."""
PARKED_SECONDS = 600.0
PARKED = f"It is parked: it ran out of time on {PARKED_AFTER} texts within {PARKED_SECONDS / 60:g} minutes."
"""Why a parked linker makes no links."""
LONGEST_JUDGED = 20_000
"""Characters. On a longer text an ordinary linker may also need its budget."""

log = logging.getLogger("roadstead.linkify")


@dataclass(slots=True)
class Record:
    """A linker's counts since this process has known it."""

    links: int = 0
    out_of_time: int = 0
    other_limits: int = 0
    _parked_until: float = 0.0
    _late: deque[float] = field(default_factory=lambda: deque(maxlen=PARKED_AFTER), repr=False)

    def ran_out_of_time(self, now: float) -> bool:
        """Count a text on which it ran out of time; return whether that was once too often."""
        self._late.append(now)
        return len(self._late) == PARKED_AFTER and now - self._late[0] <= PARKED_SECONDS

    def park(self, now: float) -> None:
        """Park the linker. Afterwards it starts with a clean record."""
        self._parked_until = now + PARKED_SECONDS
        self._late.clear()

    def seconds_parked(self, now: float) -> float:
        """Return for how many seconds it is still parked; 0 if it is not."""
        return max(self._parked_until - now, 0.0)


class LinkerRecords:
    """The records of linkers on their texts. The clock never jumps, unlike that of the machine."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._records: dict[Linker, Record] = {}
        self._parked: set[Linker] = set()

    def of(self, linker: "Linker") -> Record:
        """Return the linker's record. A changed pattern starts a new one."""
        return self._records.setdefault(linker, Record())

    def forget(self, linkers: "Iterable[Linker]") -> None:
        """Remove the records of deleted linkers."""
        for linker in linkers:
            self._records.pop(linker, None)
            self._parked.discard(linker)

    def parked(self) -> "Mapping[Linker, float]":
        """Return the parked linkers, each with the seconds until it is tried again."""
        now = self._clock()
        left = {linker: self._records[linker].seconds_parked(now) for linker in self._parked}
        return {linker: seconds for linker, seconds in left.items() if seconds}

    def without_parked(self, compiled: "CompiledLinkers") -> "CompiledLinkers":
        """Return these linkers without those that are parked now."""
        if not self._parked:
            return compiled
        self._parked = set(self.parked())
        return compiled.without(self._parked, PARKED)

    def add(self, length: int, links: "Mapping[Linker, int]", unfinished: "Iterable[Unfinished]") -> None:
        """Add the result of a text of `length` characters, and park linkers that ran out of time once too often."""
        for linker, count in links.items():
            self.of(linker).links += count
        for limit in unfinished:
            if limit.linker and limit.reason != PARKED:
                self._add_limit(limit.linker, limit, judged=length <= LONGEST_JUDGED)

    def _add_limit(self, linker: "Linker", limit: "Unfinished", *, judged: bool) -> None:
        record, now = self.of(linker), self._clock()
        if not limit.out_of_time:
            record.other_limits += 1
            return
        record.out_of_time += 1
        if judged and record.ran_out_of_time(now):
            record.park(now)
            self._parked.add(linker)
            log.warning(
                "The linker %r of the app %r is parked for %g minutes: on %d texts it ran out of time.",
                linker.key,
                linker.app_key,
                PARKED_SECONDS / 60,
                PARKED_AFTER,
            )


def links_by_linker(links: "Iterable[Link]") -> "Counter[Linker]":
    """Return how many links each linker made. For many links it takes longer than `LinkerRecords.add`."""
    return Counter(link.linker for link in links if link.linker)
