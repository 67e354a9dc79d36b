"""The line of writers: one at a time, in the order of their arrival, whatever becomes of those in between."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from roadstead.storage.writers_line import MOST_AT_ONCE, WritersLine

LATE = 1e9


def _run(main: Coroutine[Any, Any, None]) -> None:
    """Run a scenario, in which a writer that is forgotten would wait for ever."""
    asyncio.run(asyncio.wait_for(main, 10))


def test_the_lock_goes_from_one_to_the_next_in_order() -> None:
    """Writers and functions get the lock as they came, and no newcomer gets in between."""

    async def main() -> None:
        line, seen = WritersLine(), []

        async def write(name: str) -> None:
            await line.wait(asyncio.get_running_loop().time() + LATE)
            seen.append(name)
            await asyncio.sleep(0)
            assert not line.take()
            line.give_back()

        assert line.take()
        writers = [asyncio.create_task(write("first"))]
        await asyncio.sleep(0)
        line.call(lambda: seen.append("function"))
        writers.append(asyncio.create_task(write("last")))
        await asyncio.sleep(0)
        line.give_back()
        assert not line.take()  # it belongs to the first already
        await writers[0]
        assert seen == ["first", "function"]
        line.give_back()
        await writers[1]
        assert seen == ["first", "function", "last"]
        assert line.take()

    _run(main())


def test_writers_that_wait_write_in_one_turn() -> None:
    """Those before a function do, in their order; one that writes for longer keeps the others and newcomers out."""

    async def main() -> None:
        line, seen = WritersLine(), []

        async def write(name: str, turns: int = 0) -> None:
            await line.wait(None)
            assert not line.take()
            seen.append(name)
            for _ in range(turns):
                await asyncio.sleep(0)
            seen.append(name)
            line.give_back()

        def commit() -> None:
            seen.append("commit")
            line.give_back()

        assert line.take()
        writers = [
            asyncio.create_task(write(name, turns)) for name, turns in (("a", 0), ("b", 0), ("slow", 5), ("c", 0))
        ]
        await asyncio.sleep(0)
        line.call(commit)
        writers.append(asyncio.create_task(write("d")))
        await asyncio.sleep(0)
        line.give_back()
        await asyncio.sleep(0)
        assert seen == ["a", "a", "b", "b", "slow"]
        await asyncio.gather(*writers)
        assert seen[5:] == ["slow", "c", "c", "commit", "d", "d"]
        assert line.take()

    _run(main())


def test_so_many_are_woken_together() -> None:
    """The others come in later turns of the loop, which other requests need as well."""

    async def main() -> None:
        line = WritersLine()
        seen: list[int] = []

        async def write(number: int) -> None:
            await line.wait(None)
            seen.append(number)
            line.give_back()

        assert line.take()
        writers = [asyncio.create_task(write(number)) for number in range(MOST_AT_ONCE + 2)]
        await asyncio.sleep(0)
        line.give_back()
        await asyncio.sleep(0)
        assert seen == list(range(MOST_AT_ONCE))
        await asyncio.gather(*writers)
        assert seen == list(range(MOST_AT_ONCE + 2))

    _run(main())


def test_a_function_has_a_free_lock_at_once() -> None:
    """Nothing waits where nothing is held."""

    async def main() -> None:
        line, seen = WritersLine(), []
        line.call(lambda: seen.append("function"))
        assert seen == ["function"]
        assert not line.take()

    _run(main())


@pytest.mark.parametrize("moment", ["waiting", "before it is woken", "woken", "too late"])
def test_a_writer_that_gives_up_does_not_keep_the_lock(moment: str) -> None:
    """Whether it is cancelled while it waits, cancelled when its turn comes, or out of time, the next one is next."""

    async def main() -> None:
        line, loop, called = WritersLine(), asyncio.get_running_loop(), asyncio.Event()
        assert line.take()
        one = asyncio.create_task(line.wait(loop.time() - 1 if moment == "too late" else loop.time() + LATE))
        await asyncio.sleep(0)
        line.call(called.set)
        other = asyncio.create_task(line.wait(None))
        await asyncio.sleep(0)
        if moment == "woken":
            line.give_back()
        if moment == "too late":
            with pytest.raises(TimeoutError):
                await one
        else:
            one.cancel()
            if moment == "before it is woken":
                line.give_back()
            with pytest.raises(asyncio.CancelledError):
                await one
        if moment in ("waiting", "too late"):
            line.give_back()
        await called.wait()
        line.give_back()
        await other
        assert not line.take()
        line.give_back()
        assert line.take()

    _run(main())
