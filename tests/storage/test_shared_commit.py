"""Writers that share a commit: each learns its outcome in the same turn of the event loop."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from roadstead.storage.shared_commit import SharedCommit

FAILURE = OSError("no space left")


def _run(main: Coroutine[Any, Any, None]) -> None:
    """Run a scenario, in which a writer that is forgotten would wait for ever."""
    asyncio.run(asyncio.wait_for(main, 10))


async def _writer(commit: SharedCommit, seen: list[object]) -> None:
    try:
        await commit.outcome()
    except (OSError, asyncio.CancelledError) as exc:
        seen.append(exc)
        raise
    seen.append("kept")


async def _waiting(commit: SharedCommit, number: int) -> tuple[list[asyncio.Task[None]], list[object]]:
    seen: list[object] = []
    tasks = [asyncio.create_task(_writer(commit, seen)) for _ in range(number)]
    await asyncio.sleep(0)
    return tasks, seen


@pytest.mark.parametrize(("failure", "outcome"), [(None, "kept"), (FAILURE, FAILURE)])
def test_the_end_of_a_commit_resumes_each_writer_before_it_returns(failure: OSError | None, outcome: object) -> None:
    """No writer waits for another turn of the loop, in which busy connections come first."""

    async def main() -> None:
        commit = SharedCommit()
        tasks, seen = await _waiting(commit, 3)
        at_the_end: list[object] = []

        def end() -> None:
            commit.end(failure)
            at_the_end.extend(seen)

        asyncio.get_running_loop().call_soon(end)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert at_the_end == [outcome] * 3

    _run(main())


@pytest.mark.parametrize(("failure", "outcome"), [(None, "kept"), (FAILURE, FAILURE)])
def test_a_commit_that_ends_within_a_task_resumes_its_writers_after_it(
    failure: OSError | None, outcome: object
) -> None:
    """A task cannot resume another one: a writer whose failure rolls back the others' changes still tells them."""

    async def main() -> None:
        commit = SharedCommit()
        tasks, seen = await _waiting(commit, 2)
        commit.end(failure)
        assert seen == []
        await asyncio.gather(*tasks, return_exceptions=True)
        assert seen == [outcome] * 2

    _run(main())


def test_a_writer_that_comes_after_the_end_does_not_wait() -> None:
    """An outcome that is known is returned, or raised, at once."""

    async def main() -> None:
        commit = SharedCommit()
        kept, failed = commit.outcome(), SharedCommit()
        commit.end()
        await kept
        lost = failed.outcome()
        failed.end(FAILURE)
        with pytest.raises(OSError, match="no space left"):
            await lost

    _run(main())


def test_a_cancelled_writer_disturbs_no_other() -> None:
    """A caller that hangs up is cancelled once; the commit still ends for the others."""

    async def main() -> None:
        commit = SharedCommit()
        tasks, seen = await _waiting(commit, 2)
        tasks[0].cancel("the caller left")
        tasks[0].cancel()
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(commit.end)
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(ended[0], asyncio.CancelledError)
        assert ended[1] is None
        assert seen[1:] == ["kept"]

    _run(main())
