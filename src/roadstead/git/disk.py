"""Files that survive a loss of power, and that several names share."""

import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
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


def sync_all(paths: Iterable[Path]) -> None:
    """Wait until all of these are on the disk."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(sync, paths))


def link(file: Path, place: Path) -> None:
    """Share a file by a hard link, at a place that is free. Where there are no links, or not so many, copy it."""
    try:
        os.link(file, place)
    except OSError:
        shutil.copyfile(file, place)
        sync(place)
