"""A terminal of 80 columns with a shell in it, and the text on its screen."""

import codecs
import contextlib
import os
import pty
import re
import shlex
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping
from fcntl import ioctl
from pathlib import Path
from types import TracebackType
from typing import Self

SECONDS = 120.0
"""How long a command may take; on a busy machine a host needs some of these seconds to start."""

_WIPED = re.compile(r"[^\n]*(?:\n[^\n]*\x1b\[1A)?\x1b\[2K")
"""A line that is overwritten, and one that is removed at the end, as with progress bars."""
_UNSEEN = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x1b]8;[^\x1b]*\x1b\\|\r")
"""Colours and hyperlinks, which a terminal obeys and does not show."""
_ENDED = re.compile(r"\x01\d+ \d+\x01\n?")


class Terminal:
    """A shell that reads commands one after the other. When a command reads from the terminal, its input is already at
    its end.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._ours, its = pty.openpty()
        ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            stdout=its,
            stderr=its,
            cwd=folder,
            env={**environment, "TERM": "xterm-256color"},
            text=True,
            start_new_session=True,
        )
        os.close(its)
        self._written = ""
        self._count = 0
        self._reading = threading.Thread(target=self._read)
        self._reading.start()
        self._send("trap : INT")  # Ctrl-C ends a command, and not the shell.

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the shell and all its children."""
        for stop in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._shell.pid, stop)
            self._reading.join(20)
        self._shell.wait(20)
        assert self._shell.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._shell.stdin.close()
        os.close(self._ours)

    @property
    def raw(self) -> str:
        """Return all output, with colours and hyperlinks."""
        return self._written

    def type(self, command: str, until: Callable[[str], bool]) -> tuple[int | None, str]:
        """Run a command to its end, or until `until` is true for its output; return its exit code and the output.

        The command before it ends first: what it still writes, such as a last line feed, is its own output.
        """
        self._wait_for_end()
        begun = len(self._written)
        self._count += 1
        self._send(f"eval {shlex.quote(command)} </dev/null; printf '\\001{self._count} %d\\001\\n' $?")
        deadline = time.monotonic() + SECONDS
        while (ended := self._ended()) is None and self._shell.poll() is None and time.monotonic() < deadline:
            if until(seen(self._written[begun:])):
                break
            time.sleep(0.01)
        return ended, seen(self._written[begun:])

    def interrupt(self) -> None:
        """Press Ctrl-C, and wait for the end of the command."""
        os.killpg(self._shell.pid, signal.SIGINT)
        self._wait_for_end()

    def _wait_for_end(self) -> None:
        """Wait until the last command, if any, has ended."""
        deadline = time.monotonic() + SECONDS
        while self._count and self._ended() is None and self._shell.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)

    def _send(self, line: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{line}\n")
        self._shell.stdin.flush()

    def _ended(self) -> int | None:
        """Return the exit code of the last command, once it has ended and its whole line has arrived."""
        ended = re.search(rf"\x01{self._count} (\d+)\x01\r?\n", self._written)
        return int(ended[1]) if ended else None

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with contextlib.suppress(OSError):  # EIO, once the shell and all its children have ended
            while read := os.read(self._ours, 65_536):
                self._written += decoder.decode(read)


def seen(written: str) -> str:
    """Return the text that a reader sees of a program's output."""
    return _ENDED.sub("", _UNSEEN.sub("", _WIPED.sub("", written)))
