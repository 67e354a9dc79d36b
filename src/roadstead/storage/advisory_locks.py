"""Leases in PostgreSQL: advisory locks of the server."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from roadstead.errors import StorageUnavailable
from roadstead.storage.postgres_errors import translated

ANSWER_SECONDS = 30.0
"""A lock that the server has neither given nor refused by then has lost its server."""

log = logging.getLogger("roadstead.storage")


class Leases:
    """The locks of one process, on one connection of their own, however many they are.

    The server frees them when that connection is gone, as it is with its process. `connect` makes a connection.
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]]) -> None:
        self._connect = connect
        self._connection: Any = None
        self._held: set[str] = set()
        self._asking = asyncio.Lock()

    async def take(self, name: str) -> "_Lease | None":
        """Take the lock of a name, or return `None` when it is held, here or elsewhere."""
        if name in self._held:  # the server would give it to the same connection twice
            return None
        self._held.add(name)
        try:
            if await self._ask("SELECT pg_try_advisory_lock($1)", name):
                return _Lease(self, name)
        except BaseException:
            await self.give_back(name)  # it may have been taken all the same
            raise
        self._held.discard(name)
        return None

    async def give_back(self, name: str) -> None:
        """Let others take the lock."""
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
        """Let go of everything."""
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
    """Return a name as what PostgreSQL takes for an advisory lock: 64 bits with a sign."""
    return int.from_bytes(hashlib.sha256(f"roadstead {name}".encode()).digest()[:8], signed=True)
