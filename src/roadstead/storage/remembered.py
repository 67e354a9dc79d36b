"""The version of the cache of callers and linkers: a row that says when to read them again.

A transaction that changed a table in `NAMES` adds one to it, so a process that reads another version than before drops
the entries of the old one. An entry that is read after a version is at least as new as the version. Additions of values
and recorded requests do not change it.

The transaction itself notices its statements' changes, so no code can forget to count. It writes the row last, just
before it commits: each of several concurrent ones waits only for the commit of the one before, and as it locks no other
row afterwards, no two wait for each other.
"""

import re
from functools import lru_cache

from roadstead.storage.tables import TABLES

NAMES = tuple(table.name for table in TABLES if table.remembered)
READ = "SELECT version FROM remembered"
COUNT_UP = "UPDATE remembered SET version = version + 1"

# The number of a linker's values, and their revision, are not cached but read.
_CHANGE = re.compile(rf"\s*(?:INSERT INTO|UPDATE|DELETE FROM) (?:{'|'.join(NAMES)})\b(?! SET value_count\b)")


@lru_cache(2_000)
def is_change(sql: str) -> bool:
    """Return whether the statement changes cached rows."""
    return _CHANGE.match(sql) is not None


class Watch:
    """The changes of a transaction so far."""

    changed_remembered = False

    def watch(self, sql: str) -> None:
        """Note a statement that is about to run."""
        if is_change(sql):
            self.changed_remembered = True
