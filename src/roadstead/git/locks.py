"""The lock of a repository: pushes and packing share it; pruning, which removes objects, has it alone."""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from roadstead.errors import GitFailed, HostBusy

_NAME = "push.lock"
_WAIT_SECONDS = 30.0
_PAUSE_SECONDS = 0.02

Lock = Callable[[Path], AbstractContextManager[int | None]]
"""`shared` or `alone`."""


@contextlib.contextmanager
def shared(folder: Path) -> Iterator[int | None]:
    """Hold the lock beside others that share it, and yield its descriptor, which a process may inherit.

    Yield `None` without the lock while something else has it alone.
    """
    with _held(folder, fcntl.LOCK_SH) as descriptor:
        yield descriptor


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[int | None]:
    """Hold the lock alone, and yield its descriptor; `None` without the lock while anything else has it."""
    with _held(folder, fcntl.LOCK_EX) as descriptor:
        yield descriptor


@contextlib.asynccontextmanager
async def wait_for(lock: Lock, folder: Path, seconds: float = _WAIT_SECONDS) -> AsyncIterator[int]:
    """Wait until the lock can be had, hold it, and yield its descriptor.

    Raise `HostBusy`, and `GitFailed` if there is no repository.
    """
    with ExitStack() as held:
        yield await _waited(lock, folder, held, seconds)


async def _waited(lock: Lock, folder: Path, held: ExitStack, seconds: float) -> int:
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


@contextlib.contextmanager
def _held(folder: Path, kind: int) -> Iterator[int | None]:
    descriptor = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor if _taken(descriptor, kind) else None
    finally:
        os.close(descriptor)


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
