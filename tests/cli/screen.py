"""A terminal of 24 lines for programs under test."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROWS = 24


class Screen:
    """A terminal of 24 lines, and the program that runs in it."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.shown = ""
        self.master = master

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def wait_for(self, text: str, seconds: float = 30) -> None:
        """Read until the text is on the screen; a program that never shows it fails the test."""
        while text not in self.shown:
            assert select.select([self.master], [], [], seconds)[0], f"not shown: {text!r}, but: {self.shown!r}"
            self.shown += os.read(self.master, 4096).decode("utf-8", "replace")

    def type_until_gone(self, keys: str) -> None:
        while self.process.poll() is None:
            if select.select([self.master], [], [], 0.1)[0]:
                with suppress(OSError):
                    os.read(self.master, 4096)
            else:
                self.type(keys)

    def rest(self) -> str:
        """Read until the program has ended."""
        with suppress(OSError):
            while chunk := os.read(self.master, 4096):
                self.shown += chunk.decode("utf-8", "replace")
        self.process.wait(30)
        return self.shown


@contextmanager
def screen(command: list[str], environment: dict[str, str], cwd: Path, **more: str) -> Iterator[Screen]:
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, 80, 0, 0))
    left_out = ("PAGER", "LESS", "NO_COLOR", "GIT_PAGER", "COLUMNS", "LINES")
    env = {name: value for name, value in environment.items() if name not in left_out}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with subprocess.Popen(
        command,
        cwd=cwd,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**env, "TERM": "xterm", "PATH": path, **more},
        preexec_fn=_own_terminal,  # noqa: PLW1509  # no other thread is running
    ) as process:
        os.close(terminal)
        try:
            yield Screen(process, master)
        finally:
            process.kill()
            os.close(master)


def _own_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
