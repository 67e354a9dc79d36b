"""Wake the queues with the commit that makes a row due, so that the process that stored the row runs it immediately.

Other processes on the same database look for due rows from time to time.
"""

import asyncio
from collections.abc import Iterable


class Wakers:
    """The events of this process's queues, by their tables."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

    def of(self, table: str) -> asyncio.Event:
        """Return the event that is set when there may be a row of the table to run."""
        return self._events.setdefault(table, asyncio.Event())

    def wake(self, tables: Iterable[str]) -> None:
        """Set the events of these queues."""
        for table in tables:
            self.of(table).set()


class Waking:
    """Which queues a transaction wakes when it is committed."""

    woken: tuple[str, ...] = ()

    def wake(self, table: str) -> None:
        """Wake the queue of a table once this transaction is committed."""
        self.woken = (*self.woken, table)
