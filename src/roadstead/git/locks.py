"""The lock of a repository: pushes and packing share it; pruning, which removes objects, has it alone."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

NAME = "push.lock"


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


@contextlib.contextmanager
def _held(folder: Path, kind: int) -> Iterator[int | None]:
    descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
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
