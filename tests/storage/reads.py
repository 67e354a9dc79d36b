"""The tables that statements read, as they run."""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest

from roadstead.storage.database import Argument, Database, Row

_Run = Callable[..., Awaitable[list[Row]]]


@contextmanager
def tables_read(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Yield the names of the tables that `read` and `scan` have read so far, and that are read in the block."""
    found: set[str] = set()

    def looking(run: _Run) -> _Run:
        async def look(sql: str, *arguments: Argument) -> list[Row]:
            found.update(re.findall(r"\b(?:FROM|JOIN) ([a-z]\w+)", sql))
            return await run(sql, *arguments)

        return look

    with monkeypatch.context() as patched:
        patched.setattr(database, "read", looking(database.read))
        patched.setattr(database, "scan", looking(database.scan))
        yield found
