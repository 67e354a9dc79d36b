"""Files left behind by a process that was killed while it wrote: drafts of the key file, and of exports.

Each is complete or worthless, and a draft of the key file may contain a key. The process id in its name says little
where several containers share a folder: a draft is a leftover when no process has written to it for a while.
"""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from roadstead.settings import Settings
from roadstead.storage.secrets import KEY_FILE

SECONDS = 600.0
"""A draft of the key exists for milliseconds; that of an export grows all the time."""


def find_leftovers(settings: Settings) -> list[Path]:
    """Return the leftovers beside the key and the database, in the order of the names."""
    return sorted(_leftovers(settings))


def sweep(settings: Settings) -> list[Path]:
    """Delete the leftovers; return the deleted files."""
    gone = []
    for file in find_leftovers(settings):
        with suppress(OSError):
            file.unlink()
            gone.append(file)
    return gone


def _leftovers(settings: Settings) -> Iterator[Path]:
    key = (settings.data / KEY_FILE).resolve()
    draft_of_key = re.compile(rf"{re.escape(key.name)}\.\d+")
    for folder in {settings.data, key.parent, settings.database_file.parent}:
        for file in folder.iterdir() if folder.is_dir() else ():
            of_key = folder == key.parent and draft_of_key.fullmatch(file.name)
            if (of_key or re.fullmatch(r".+\.\d+\.partial", file.name)) and _is_old(file):
                yield file


def _is_old(file: Path) -> bool:
    with suppress(OSError):
        return file.is_file() and time.time() - file.stat().st_mtime > SECONDS
    return False
