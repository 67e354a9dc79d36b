"""Files that survive a loss of power, and that several names share."""

import asyncio
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

_AT_ONCE = 4
"""Waits for the disk, which answers several as soon as one."""


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def sync_all(paths: Iterable[Path]) -> None:
    """Wait until all of these that are there are on the disk."""
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


def link(file: Path, place: Path) -> None:
    """Share a file by a hard link, at a place that is free. Where there are no links, or not so many, copy it.

    Of a symbolic link, the file is shared that it leads to.
    """
    try:
        os.link(os.path.realpath(file) if os.path.islink(file) else file, place)  # noqa: PTH114  # half the time
    except OSError:
        shutil.copyfile(file, place)
        sync(place)
