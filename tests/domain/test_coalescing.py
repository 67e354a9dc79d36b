"""Coalescing of work for callers who ask for it at the same time."""

import asyncio
from collections.abc import Sequence

import pytest

from roadstead.domain.coalescing import Coalescing
from roadstead.errors import StorageBusy

_started: set["asyncio.Task[None]"] = set()


def _coalescing() -> Coalescing:
    return Coalescing(lambda work: _started.add(asyncio.create_task(work)))


def test_what_comes_while_work_is_under_way_is_done_together_next() -> None:
    """The first item is worked on alone; those that arrive meanwhile share the next run, in the order of arrival."""

    async def run() -> None:
        coalescing, seen = _coalescing(), []
        gate = asyncio.Event()

        async def work(items: Sequence[int]) -> list[int]:
            seen.append(list(items))
            await gate.wait()
            return [item * 10 for item in items]

        first = asyncio.create_task(coalescing.do("place", 1, work))
        while not seen:
            await asyncio.sleep(0)
        others = [asyncio.create_task(coalescing.do("place", item, work)) for item in (2, 3, 4)]
        elsewhere = asyncio.create_task(coalescing.do("another place", 9, work))
        await asyncio.sleep(0)
        gate.set()
        assert await asyncio.gather(first, *others, elsewhere) == [10, 20, 30, 40, 90]
        assert seen == [[1], [9], [2, 3, 4]]
        assert await coalescing.do("place", 5, work) == 50

    asyncio.run(run())


def test_an_error_goes_to_whom_it_concerns() -> None:
    """A result that is an error is raised only for its item; a raised exception, for all items of the run."""

    async def run() -> None:
        coalescing = _coalescing()

        async def refuse_odd(items: Sequence[int]) -> list[int | Exception]:
            return [ValueError(f"{item} is odd") if item % 2 else item for item in items]

        async def fail(items: Sequence[int]) -> list[int]:
            raise OSError

        asked = [asyncio.create_task(coalescing.do("place", item, refuse_odd)) for item in range(4)]
        asked[2].cancel()
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [int, ValueError, asyncio.CancelledError, ValueError]
        failing = await asyncio.gather(
            *(coalescing.do("place", item, fail) for item in range(3)), return_exceptions=True
        )
        assert [type(outcome) for outcome in failing] == [OSError] * 3
        with pytest.raises(OSError):  # noqa: PT011  # the same as above
            await coalescing.do("place", 1, fail)

    asyncio.run(run())


@pytest.mark.parametrize(("error", "tried"), [(StorageBusy, [[1]]), (OSError, [[1], [2, 3]])])
def test_what_cannot_have_the_database_is_tried_for_nobody_who_waits(
    error: type[Exception], tried: list[list[int]]
) -> None:
    """Items that arrived meanwhile are refused immediately, and not after waiting as long again; another error has no
    such effect.
    """

    async def run() -> None:
        coalescing, seen = _coalescing(), []
        gate = asyncio.Event()

        async def fail(items: Sequence[int]) -> list[int]:
            seen.append(list(items))
            await gate.wait()
            raise error("held")

        asked = [asyncio.create_task(coalescing.do("place", 1, fail))]
        while not seen:
            await asyncio.sleep(0)
        asked += [asyncio.create_task(coalescing.do("place", item, fail)) for item in (2, 3)]
        await asyncio.sleep(0)
        gate.set()
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [error] * 3
        assert seen == tried

    asyncio.run(run())


def test_a_first_caller_that_gives_up_leaves_the_others_their_turn() -> None:
    """The work of a cancelled first caller ends with it; the items that arrived meanwhile are worked on, and so are
    later ones.
    """

    async def run() -> None:
        coalescing, seen = _coalescing(), []

        async def work(items: Sequence[int]) -> list[int]:
            seen.append(list(items))
            if 1 in items:
                await asyncio.Event().wait()
            return list(items)

        first = asyncio.create_task(coalescing.do("place", 1, work))
        others = [asyncio.create_task(coalescing.do("place", item, work)) for item in (2, 3)]
        while not seen:
            await asyncio.sleep(0)
        first.cancel()
        assert await asyncio.gather(*others) == [2, 3]
        assert seen == [[1], [2, 3]]
        assert await coalescing.do("place", 4, work) == 4
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(run())
