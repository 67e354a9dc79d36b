"""Turns of callers for long work."""

import asyncio
import math
from collections.abc import Awaitable, Callable

import pytest

from roadstead import turns
from roadstead.errors import HostBusy, StorageBusy, TooMuchAtOnce
from roadstead.turns import Turns, by_turns


async def _settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class _Work:
    """The callers' work, each piece of which takes until the test ends it. `begun` is in order."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.begun: list[str] = []
        self._under_way: dict[str, asyncio.Event] = {}

    async def do(self, name: str) -> None:
        async with self._turns.turn(name[0]):
            self.begun.append(name)
            self._under_way[name] = asyncio.Event()
            await self._under_way[name].wait()

    async def end(self, name: str) -> None:
        self._under_way.pop(name).set()
        await _settled()


def _run(
    places: float,
    scenario: Callable[[_Work, Callable[[str], "asyncio.Task[None]"]], Awaitable[None]],
    *,
    most_waiting: int = 20,
) -> None:
    async def run() -> None:
        work = _Work(Turns(places, 60, "things", most_waiting=most_waiting))
        tasks: list[asyncio.Task[None]] = []

        def ask(name: str) -> "asyncio.Task[None]":
            tasks.append(asyncio.create_task(work.do(name)))
            return tasks[-1]

        await scenario(work, ask)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())


def test_a_caller_that_wants_much_waits_for_itself() -> None:
    """Another caller has its turn after the running work, regardless of how much one caller asked for before."""

    async def scenario(work: _Work, ask: Callable[[str], object]) -> None:
        for name in ("a1", "a2", "a3", "a4", "b1", "c1", "b2"):
            ask(name)
        await _settled()
        assert work.begun == ["a1"]
        for name in ("a1", "a2", "b1", "c1", "a3", "b2"):
            await work.end(name)
        assert work.begun == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]

    _run(1, scenario)


def test_a_caller_has_one_place_of_several() -> None:
    """While there are places for others, a second piece of work of the same caller waits for its first."""

    async def scenario(work: _Work, ask: Callable[[str], object]) -> None:
        for name in ("a1", "a2", "b1", "c1"):
            ask(name)
        await _settled()
        assert work.begun == ["a1", "b1"]
        await work.end("b1")
        assert work.begun == ["a1", "b1", "c1"]
        await work.end("c1")
        assert work.begun == ["a1", "b1", "c1"]
        await work.end("a1")
        assert work.begun == ["a1", "b1", "c1", "a2"]

    _run(2, scenario)


def test_who_gives_up_takes_no_turn() -> None:
    """A caller that gives up while it waits, or at the moment of its turn, leaves the turn to the next."""

    async def scenario(work: _Work, ask: Callable[[str], "asyncio.Task[None]"]) -> None:
        ask("a1")
        waiting, coming = ask("b1"), ask("c1")
        ask("d1")
        await _settled()
        waiting.cancel()
        await _settled()
        work._under_way.pop("a1").set()
        for _ in range(20):
            await asyncio.sleep(0)
            if work._turns._at_work == {"c"}:
                coming.cancel()
                break
        await _settled()
        assert work.begun == ["a1", "d1"]

    _run(1, scenario)


def test_what_waits_is_refused_with_what_could_not_have_the_database() -> None:
    """The waiting work of the same caller is refused: others have their turn, and its later work has one again."""

    async def scenario() -> None:
        turns = Turns(1, 60, "long things")
        begun, refused = [], []

        async def want(name: str, *, busy: bool = False) -> None:
            try:
                async with turns.turn(name[0]):
                    begun.append(name)
                    await _settled()
                    if busy:
                        raise StorageBusy("The database is busy.")
            except StorageBusy:
                refused.append(name)

        await asyncio.gather(want("a1", busy=True), want("a2"), want("b1"), want("a3"))
        await want("a4")
        assert (begun, sorted(refused)) == (["a1", "b1", "a4"], ["a1", "a2", "a3"])

    asyncio.run(scenario())


def test_nobody_waits_for_ever() -> None:
    """A caller whose turn does not come in time is refused."""

    async def scenario() -> None:
        turns = Turns(1, 0.05, "things")
        async with turns.turn("a"):
            with pytest.raises(HostBusy):
                async with asyncio.timeout(10), turns.turn("b"):
                    raise AssertionError
        async with turns.turn("b"):
            pass

    asyncio.run(scenario())


def test_a_caller_waits_for_so_many_and_no_more() -> None:
    """Beyond the limit a caller is refused immediately, until one that waits has its turn or gives up; others wait as
    before.
    """

    async def scenario(work: _Work, ask: Callable[[str], "asyncio.Task[None]"]) -> None:
        tasks = [ask(name) for name in ("a1", "a2", "a3", "a4", "b1")]
        await _settled()
        assert isinstance(tasks[3].exception(), TooMuchAtOnce)
        tasks[1].cancel()
        await _settled()
        again, too_many = ask("a5"), ask("a6")
        await _settled()
        assert isinstance(too_many.exception(), TooMuchAtOnce)
        for name in ("a1", "a3", "b1"):
            await work.end(name)
        assert work.begun == ["a1", "a3", "b1", "a5"]
        assert not again.done()

    _run(1, scenario, most_waiting=2)


def test_callers_do_not_wait_for_each_other_where_there_are_places_for_all() -> None:
    """Each caller then waits only for its own work."""

    async def scenario(work: _Work, ask: Callable[[str], object]) -> None:
        for name in ("a1", "a2", "b1", "c1"):
            ask(name)
        await _settled()
        assert work.begun == ["a1", "b1", "c1"]
        await work.end("a1")
        assert work.begun == ["a1", "b1", "c1", "a2"]

    _run(math.inf, scenario)


def test_long_work_on_the_loop_lets_other_tasks_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once its time has passed, each other task has a turn before the next item."""
    monkeypatch.setattr(turns, "TURN_SECONDS", -1)
    seen: list[int] = []

    async def work() -> list[int]:
        asyncio.get_running_loop().call_soon(seen.append, 1)
        return [len(seen) async for _ in by_turns(range(2))]

    assert asyncio.run(work()) == [1, 1]
