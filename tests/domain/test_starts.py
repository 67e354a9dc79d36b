"""How many requests begin in one turn of the event loop."""

import asyncio

from roadstead.domain.access.starts import Starts


def test_a_burst_begins_over_several_turns() -> None:
    """So many in each turn, in the order in which they came, and as many at once again when all have begun."""

    async def run() -> None:
        loop, starts = asyncio.get_running_loop(), Starts(most=2)
        begun: list[int] = []

        def come(*numbers: int) -> None:
            for number in numbers:
                if starts.may_begin(loop):
                    begun.append(number)
                else:
                    starts.wait(lambda number=number: begun.append(number))  # type: ignore[misc]

        seen = []
        come(1, 2, 3, 4, 5)
        for turn in range(4):
            seen.append(list(begun))
            await asyncio.sleep(0)
            if turn == 0:
                come(6)
        assert seen == [[1, 2], [1, 2, 3, 4], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]]
        come(7, 8, 9)
        assert begun[6:] == [7, 8]

    asyncio.run(run())
