"""The command line, a front door onto the same rooms as the API and the pages.

`commands` is the map of it. Everything slow to import is imported by the command that needs it, because `roadstead
version` should answer at once and `serve` should answer its first request soon after.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def main() -> None:
    """The console script `roadstead`. Exits 0 when it is done, 1 when it was refused or failed, 2 for wrong usage."""
    with importing():
        from roadstead.cli.commands import run

    run()


@contextmanager
def importing() -> Iterator[None]:
    """Import without looking for garbage, of which importing makes none; looking takes a sixth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
