"""The version of what processes remember of callers and linkers: a row that says when to read them again.

A transaction that changed any of `TABLES` adds one to it, so whoever reads another version than before forgets what it
read under that one. What is read after a version is at least as new as the version. Additions of values and recorded
requests leave it as it is.

The transaction itself notices what its statements change, so no code can forget to count. It writes the row last, just
before it commits: of several at once, each waits only for the commit of the one before, and as it takes no other row
afterwards, no two wait for each other.
"""

import re
from functools import lru_cache

TABLES = ("workspaces", "installations", "handshakes", "linkers")
READ = "SELECT version FROM remembered"
COUNT_UP = "UPDATE remembered SET version = version + 1"

# How many values a linker has, and their revision, is not remembered but read.
_CHANGE = re.compile(rf"\s*(?:INSERT INTO|UPDATE|DELETE FROM) (?:{'|'.join(TABLES)})\b(?! SET value_count\b)")


@lru_cache(2_000)
def is_change(sql: str) -> bool:
    """Return whether the statement changes what processes remember."""
    return _CHANGE.match(sql) is not None


class Watch:
    """What a transaction has changed so far."""

    changed_remembered = False

    def watch(self, sql: str) -> None:
        """Take note of a statement that is about to run."""
        if is_change(sql):
            self.changed_remembered = True
