"""Waiting for the lock of a repository, of which `git/locks.py` says at once whether it can be had."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from pathlib import Path

from roadstead.errors import GitFailed, HostBusy

WAIT_SECONDS = 30.0
_PAUSE_SECONDS = 0.02

Lock = Callable[[Path], AbstractContextManager[int | None]]


@asynccontextmanager
async def locked(lock: Lock, folder: Path, seconds: float = WAIT_SECONDS) -> AsyncIterator[int]:
    """Hold a lock of the repository in a folder, and yield its descriptor.

    Raise `HostBusy`, and `GitFailed` if there is no repository.
    """
    with ExitStack() as held:
        yield await _taken(lock, folder, held, seconds)


async def _taken(lock: Lock, folder: Path, held: ExitStack, seconds: float) -> int:
    try:
        async with asyncio.timeout(seconds):
            while True:
                descriptor = held.enter_context(lock(folder))
                if descriptor is not None:
                    return descriptor
                held.close()
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError as exc:
        raise HostBusy("The repository is busy.", "Try again in a moment.") from exc
    except OSError as exc:  # it was deleted meanwhile, or its disk is read-only
        raise GitFailed("The repository cannot be used.", f"{exc.strerror}.") from exc
