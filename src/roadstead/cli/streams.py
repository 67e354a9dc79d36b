"""The standard streams: opened as far as they are closed, and left when nobody takes what is printed."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, EIO, ENOSPC

from roadstead.errors import RoadsteadError


class OutputFailed(RoadsteadError):
    """What a command prints cannot be written."""


def mend_streams() -> None:
    """Open the standard streams that the parent process has closed, and make them accept any text."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # Python's value for a closed stream
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123  # open to the end
    for stream in (sys.stdout, sys.stderr):
        # An app's name may not fit the terminal's encoding, which must not fail the command.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # they are real text files here


@contextmanager
def output() -> Iterator[None]:
    """Write all that is printed in the block. Raises `OutputFailed`, or `BrokenPipeError` where the reader is gone."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        raise
    except OSError as error:
        if error.filename is not None or error.errno not in (EDQUOT, EFBIG, EIO, ENOSPC):
            raise
        _drop_output()
        raise OutputFailed(f"The output cannot be written: {error.strerror}.") from error


def _drop_output() -> None:
    """Let what is still in the buffer go nowhere: Python would try again to write it, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
