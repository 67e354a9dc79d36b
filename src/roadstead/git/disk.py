"""Files that survive a loss of power, and that several names share."""

import asyncio
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

_AT_ONCE = 4
"""Threads that wait for the disk, which is as quick with several files as with one."""


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def sync_all(paths: Iterable[Path]) -> None:
    """Wait until files and folders are on the disk. Leave out what is not there."""
    loop = asyncio.get_running_loop()
    # Not the loop's own threads: a file of a gigabyte takes seconds.
    threads = ThreadPoolExecutor(_AT_ONCE)
    try:
        await asyncio.gather(*(loop.run_in_executor(threads, _sync_if_there, path) for path in paths))
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def _sync_if_there(path: Path) -> None:
    with suppress(FileNotFoundError, NotADirectoryError):
        sync(path)


def fail(error: OSError) -> NoReturn:
    """Raise what keeps `os.walk` from reading a folder. Without it, the walk leaves the folder out."""
    raise error


def link(file: Path, place: Path) -> None:
    """Link a file at a free place, or copy it where the file system takes no more hard links.

    Follow a symbolic link to its file.
    """
    try:
        os.link(os.path.realpath(file) if os.path.islink(file) else file, place)  # noqa: PTH114  # half the time
    except OSError:
        shutil.copyfile(file, place)
        sync(place)
