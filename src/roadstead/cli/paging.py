"""Show long output with the user's pager, as git does."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

_DEFAULT = "if command -v less >/dev/null; then exec less; else exec cat; fi"
_OPTIONS = {"LESS": "FRX", "LV": "-c"}  # git's options: end immediately if all fits, let colours pass, keep the screen
_PAGED = "_ROADSTEAD_PAGED"
"""The environment variable that tells a second run of this program that it is its own pager, to end the recursion."""


def needs_pager(source: BinaryIO) -> bool:
    """Return whether to page: on a capable terminal, unless the text is typed on it."""
    environ = os.environ
    is_wanted = environ.get("PAGER", "less") not in ("", "cat") and environ.get("TERM") != "dumb"
    return is_wanted and _PAGED not in environ and sys.stdout.isatty() and not source.isatty()


@contextmanager
def pager() -> Iterator[BinaryIO]:
    """Start the pager, yield its input, and wait until the user leaves it. Leaving it early is no error."""
    import signal

    reading, writing = os.pipe()
    process = os.posix_spawn(
        "/bin/sh",
        ["sh", "-c", os.environ.get("PAGER") or _DEFAULT],
        {**_OPTIONS, **os.environ, _PAGED: "1"},
        file_actions=[(os.POSIX_SPAWN_DUP2, reading, 0)],
    )
    os.close(reading)
    interrupted = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the pager, which stays
    paged = os.fdopen(writing, "wb")
    try:
        with suppress(BrokenPipeError):
            yield paged
    finally:
        with suppress(BrokenPipeError):
            paged.close()
        os.waitpid(process, 0)
        signal.signal(signal.SIGINT, interrupted)
