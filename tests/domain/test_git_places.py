"""Places for transfers of git."""

import asyncio
from collections.abc import Hashable
from contextlib import AsyncExitStack

import pytest

from roadstead.domain.access.git_places import GitPlaces
from roadstead.errors import HostBusy


async def _hold(transfers: GitPlaces, *callers: str) -> AsyncExitStack:
    held = AsyncExitStack()
    for caller in callers:
        await held.enter_async_context(transfers.place(_sharer(caller)))
    return held


def _sharer(caller: str) -> Hashable:
    """Return an account for a name, and an address as it is."""
    return caller if "." in caller else (caller, None)


async def _use(transfers: GitPlaces, caller: str, order: list[str]) -> None:
    async with transfers.place(_sharer(caller)):
        order.append(caller)
        await asyncio.sleep(0)


def test_who_finds_no_place_is_refused_after_a_while() -> None:
    """All places are taken, or the caller's share: others still find a place, and later the caller does."""

    async def check() -> None:
        transfers = GitPlaces(3, 2, seconds=0.01)
        held = await _hold(transfers, "ann", "ann")
        with pytest.raises(HostBusy):
            await _hold(transfers, "ann")
        async with await _hold(transfers, "ben"):
            with pytest.raises(HostBusy):
                await _hold(transfers, "cid")
        await held.aclose()
        async with await _hold(transfers, "ann", "ann", "cid"):
            pass

    asyncio.run(check())


def test_strangers_together_have_half_of_the_places() -> None:
    """However many addresses they have: users find the other half, and a place given back goes to the next stranger."""

    async def check() -> None:
        transfers = GitPlaces(4, 2, seconds=0.01)
        held = await _hold(transfers, "192.0.2.1")
        async with await _hold(transfers, "192.0.2.2"):
            with pytest.raises(HostBusy):
                await _hold(transfers, "192.0.2.3")
            async with await _hold(transfers, "ann", "ben"):
                pass
        async with await _hold(transfers, "192.0.2.3"):
            pass
        await held.aclose()

    asyncio.run(check())


def test_a_free_place_goes_to_who_has_waited_longest() -> None:
    """Whose share is used up is passed over, and does not hold up those behind."""

    async def check() -> None:
        transfers, order = GitPlaces(2, 1, seconds=5), list[str]()
        held, others = await _hold(transfers, "ann"), await _hold(transfers, "ben")
        waiting = [asyncio.create_task(_use(transfers, caller, order)) for caller in ("ann", "cid", "dan")]
        await asyncio.sleep(0)
        await others.aclose()
        await asyncio.wait(waiting[1:])
        assert order == ["cid", "dan"]
        await held.aclose()
        await asyncio.wait(waiting)
        assert order == ["cid", "dan", "ann"]

    asyncio.run(check())


def test_who_stops_waiting_takes_no_place() -> None:
    """Whether before a place is free, or in the turn in which it comes."""

    async def check() -> None:
        transfers = GitPlaces(1, 1, seconds=5)
        for give_first in (True, False):
            held = await _hold(transfers, "ann")
            waiting = asyncio.create_task(_use(transfers, "ben", []))
            await asyncio.sleep(0)
            if give_first:
                await held.aclose()
            waiting.cancel()
            await asyncio.wait([waiting])
            await held.aclose()
            async with await _hold(transfers, "cid"):
                pass

    asyncio.run(check())
