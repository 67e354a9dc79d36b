"""Leases in PostgreSQL: advisory locks of the server."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from roadstead.errors import StorageUnavailable
from roadstead.storage.postgres_errors import translated

ANSWER_SECONDS = 30.0
"""Until then the server has granted or refused a lock, or the connection is lost."""

log = logging.getLogger("roadstead.storage")


class Leases:
    """The locks of one process, any number of them on one separate connection.

    The server frees them when that connection ends, as it does with its process. `connect` makes a connection.
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]]) -> None:
        self._connect = connect
        self._connection: Any = None
        self._held: set[str] = set()
        self._asking = asyncio.Lock()

    async def take(self, name: str) -> "_Lease | None":
        """Take the lock of a name, or return `None` when this or another process has it."""
        if name in self._held:  # the server would grant it to the same connection twice
            return None
        self._held.add(name)
        try:
            if await self._ask("SELECT pg_try_advisory_lock($1)", name):
                return _Lease(self, name)
        except BaseException:
            await self.give_back(name)  # the server may have granted it nevertheless
            raise
        self._held.discard(name)
        return None

    async def give_back(self, name: str) -> None:
        """Release the lock."""
        try:
            if not await self._ask("SELECT pg_advisory_unlock($1)", name):
                log.warning("A lease was lost before it was given back.")
        except StorageUnavailable as exc:
            log.warning("A lease was lost before it was given back: %s", exc.detail)
        finally:
            self._held.discard(name)

    async def _ask(self, question: str, name: str) -> bool:
        async with self._asking:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._connect()
            with translated:
                answer: bool = await self._connection.fetchval(question, lock_number(name), timeout=ANSWER_SECONDS)
            return answer

    def close(self) -> None:
        """Release all locks."""
        if self._connection is not None:
            self._connection.terminate()


class _Lease:
    """One of these locks."""

    def __init__(self, leases: Leases, name: str) -> None:
        self._leases = leases
        self._name = name

    async def release(self) -> None:
        await self._leases.give_back(self._name)


def lock_number(name: str) -> int:
    """Return a name as PostgreSQL's key of an advisory lock: 64 bits with a sign."""
    return int.from_bytes(hashlib.sha256(f"roadstead {name}".encode()).digest()[:8], signed=True)
