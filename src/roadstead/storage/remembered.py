"""The versions of what processes cache: a row of counters that says when to read again.

A transaction that changed a table with a `version` adds one to that counter, so a process that reads another number
than before drops, or no longer finds, the entries of the old one. An entry that is read after a version is at least as
new as the version. Additions of values and recorded requests change none.

The transaction itself notices its statements' changes, so no code can forget to count. It writes the row last, just
before it commits: each of several concurrent ones waits only for the commit of the one before, and as it locks no other
row afterwards, no two wait for each other.
"""

import re
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import NamedTuple

from roadstead.storage.tables import TABLES


class Versions(NamedTuple):
    """The counters: of callers and linkers, of people and what they may do, and of repositories and pushes to them."""

    version: int
    people: int
    repositories: int


COUNTERS = {table.name: table.version for table in TABLES if table.version}
"""The counter of each cached table."""
COUNT_UP = "UPDATE remembered SET version = version + ?, people = people + ?, repositories = repositories + ?"
READ = f"SELECT {', '.join(Versions._fields)} FROM remembered"

# The number of a linker's values, and their revision, are not cached but read.
_CHANGE = re.compile(rf"\s*(?:INSERT INTO|UPDATE|DELETE FROM) ({'|'.join(COUNTERS)})\b(?! SET value_count\b)")


@lru_cache(2_000)
def counter_of(sql: str) -> str | None:
    """Return the counter that a statement changes, if it changes cached rows."""
    found = _CHANGE.match(sql)
    return None if found is None else COUNTERS[found[1]]


def added(changed: AbstractSet[str]) -> Versions:
    """Return what `COUNT_UP` adds to each counter if some have changed."""
    return Versions(*(int(name in changed) for name in Versions._fields))


class Watch:
    """The counters of what a transaction has changed so far."""

    changed: frozenset[str] = frozenset()

    def watch(self, sql: str) -> None:
        """Note a statement that is about to run."""
        if (counter := counter_of(sql)) is not None:
            self.changed |= {counter}
