"""A git program whose input and output are a client's: both flow through pipes of the event loop, in flat memory.

A transfer lasts as long as its client takes. Commands that wait for no client are a `processes.Child`.

There is no buffer here. A piece is read only when the one before has been sent, and written only as far as the program
has taken it; so a slow client slows git down, and a slow git the client.
"""

import asyncio
import fcntl
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO

from roadstead.git.processes import Limits, exit_code, kill, start

PIECE_BYTES = 256 * 1024
PIPE_BYTES = 1024 * 1024
END_SECONDS = 0.5
"""How long a program may take to end by itself once its input is closed."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.01
"""Before a program that should have ended is asked again whether it has."""
_SET_PIPE_SIZE = getattr(fcntl, "F_SETPIPE_SZ", None)


class Piped:
    """A running program, as `processes.start` starts it. Only the system bounds it: its memory and processor time."""

    def __init__(
        self,
        arguments: Sequence[str],
        limits: Limits,
        *,
        reads: bool = True,
        variables: Mapping[str, str] | None = None,
        passed: Sequence[int] = (),
    ) -> None:
        stdin = subprocess.PIPE if reads else subprocess.DEVNULL
        self._process = start(
            arguments, limits, stdin=stdin, stderr=subprocess.DEVNULL, variables=variables, passed=passed
        )
        self._loop = asyncio.get_running_loop()
        assert self._process.stdout is not None  # noqa: S101  # `start` makes it a pipe
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._output = _prepared(self._stdout)
        self._input = None if self._stdin is None else _prepared(self._stdin)

    async def read(self) -> bytes:
        """Return some output, or no bytes at its end."""
        while True:
            try:
                return os.read(self._output, PIECE_BYTES)
            except BlockingIOError:
                await until_ready(self._loop.add_reader, self._loop.remove_reader, self._output)

    async def write(self, piece: bytes) -> None:
        """Write all bytes. Raise `BrokenPipeError` when the program does not take them."""
        left = memoryview(piece)
        while left:
            if self._input is None:
                raise BrokenPipeError
            try:
                left = left[os.write(self._input, left) :]
            except BlockingIOError:
                await until_ready(self._loop.add_writer, self._loop.remove_writer, self._input)

    def close_input(self) -> None:
        """End the input. No task may be writing."""
        self._input = None
        if self._stdin is not None:
            self._stdin.close()

    async def end(self) -> int:
        """End the program, and return its exit code. No task may be reading or writing.

        Its input is closed first, and its output last: only so does `receive-pack` remove its quarantine folder.
        """
        self.close_input()
        try:
            await self.wait(END_SECONDS)
        except TimeoutError:
            await self.kill()
        self._stdout.close()
        return self._process.returncode

    async def kill(self) -> None:
        """Kill the program with all that it has started."""
        kill(self._process)
        await self.wait()

    async def wait(self, seconds: float | None = None) -> int:
        """Wait for the program's end, and return its exit code. Raise `TimeoutError`."""
        pause = _FIRST_PAUSE
        async with asyncio.timeout(seconds):
            while (code := exit_code(self._process)) is None:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            return code


def _prepared(pipe: IO[bytes]) -> int:
    """Make a pipe large, and let it never block the loop; return its descriptor."""
    descriptor = pipe.fileno()
    os.set_blocking(descriptor, False)
    if _SET_PIPE_SIZE is not None:
        with suppress(OSError):  # the system grants a user only so much
            fcntl.fcntl(descriptor, _SET_PIPE_SIZE, PIPE_BYTES)
    return descriptor


async def until_ready(add: Callable[..., None], remove: Callable[[int], bool], descriptor: int) -> None:
    """Wait until a descriptor can be read, or written: `add` and `remove` are the loop's functions for that."""
    ready = asyncio.get_running_loop().create_future()
    add(descriptor, _set, ready)
    try:
        await ready
    finally:
        # At once: the number of a closed descriptor is soon that of another.
        remove(descriptor)


def _set(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
