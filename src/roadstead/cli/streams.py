"""The standard streams, as a command finds them."""

import os
import sys


def mend_streams() -> None:
    """Open the standard streams that the parent process has closed, and make them accept any text."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # Python's value for a closed stream
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123  # open to the end
    for stream in (sys.stdout, sys.stderr):
        # An app's name may not fit the terminal's encoding, which must not fail the command.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # they are real text files here
