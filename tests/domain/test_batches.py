"""What is queued to be written after answers, when it cannot be written, or is more than there is room for."""

import asyncio
import logging
from collections.abc import Sequence

import pytest

from roadstead.domain.traffic.batches import Batches
from roadstead.errors import RoadsteadError, StorageBusy, StorageUnavailable
from tests.log import records_of_this_thread


class Numbers(Batches[int]):
    """Writes numbers, at most three at a time. A first failure comes after `arriving` numbers have been added."""

    def __init__(self, most: int = 5, *, failure: RoadsteadError | None = None, arriving: Sequence[int] = ()) -> None:
        super().__init__(most=most, batch=3, pause=600.0, log=logging.getLogger("roadstead.numbers"), done="counted")
        self.written: list[int] = []
        self._failure = failure
        self._arriving = arriving

    async def write_items(self, items: Sequence[int]) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            for number in self._arriving:
                self.add(number)
            raise failure
        self.written += items


def _run(numbers: Numbers, *, added: int) -> None:
    async def run() -> None:
        for number in range(added):
            numbers.add(number)
        await numbers.write()
        await numbers.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("most", "added", "written"),
    [(5, 0, []), (5, 4, [0, 1, 2, 3]), (5, 8, [0, 1, 2, 3, 7]), (0, 4, [])],
)
def test_the_first_and_the_last_of_a_burst_are_written(most: int, added: int, written: list[int]) -> None:
    """The others are counted; without room nothing is written."""
    numbers = Numbers(most)
    _run(numbers, added=added)
    assert numbers.written == written
    assert numbers.left_out == (added - len(written) if most else 0)


@pytest.mark.parametrize(
    ("arriving", "written"),
    [((), [0, 1, 2, 3]), ((4, 5), [1, 2, 3, 4, 5]), ((4, 5, 6, 7, 8, 9), [3, 4, 5, 6, 9])],
)
def test_a_busy_database_is_waited_for(arriving: Sequence[int], written: list[int]) -> None:
    """Items that could not be written wait before later ones, as long as there is room."""
    numbers = Numbers(failure=StorageBusy("The database is busy."), arriving=arriving)
    _run(numbers, added=4)
    assert numbers.written == written
    assert numbers.left_out == 4 + len(arriving) - len(written)


def test_what_fails_otherwise_is_lost_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """A batch that the database refuses is not tried again, and the next one is written."""
    numbers = Numbers(failure=StorageUnavailable("The disk is full.", "Make room."))
    _run(numbers, added=5)
    assert (numbers.written, numbers.left_out) == ([3, 4], 3)
    (said,) = records_of_this_thread(caplog)
    assert said.message == "requests cannot be counted now: The disk is full. Make room."
