"""The standard streams: open closed ones, and report an output that cannot be written."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, EIO, ENOSPC

from roadstead.errors import RoadsteadError


class OutputFailed(RoadsteadError):
    """The output of a command cannot be written."""


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
    """Write the output of the block. Raise `OutputFailed`, or `BrokenPipeError` if its reader has ended."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        drop_output()
        raise
    except OSError as error:
        if error.filename is not None or error.errno not in (EDQUOT, EFBIG, EIO, ENOSPC):
            raise
        drop_output()
        raise OutputFailed(f"The output cannot be written: {error.strerror}.") from error


def drop_output() -> None:
    """Discard the content of the buffer: Python would try again to write it, and report an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
