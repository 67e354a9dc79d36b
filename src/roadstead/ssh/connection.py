"""One connection of a program that sshd has started: what its user sends, and what the user is shown."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterable

from starlette.types import Message

from roadstead.api.incoming import LEAST_BYTES_PER_SECOND
from roadstead.domain.local_sockets import read_frame
from roadstead.frames import framed

IDLE_SECONDS = 60.0
"""How long no byte may pass to the client, unless it sends enough meanwhile."""
BEGIN_SECONDS = 600.0
"""How long a client may take to begin a push: it runs the user's `pre-push` hook, which may be a suite of tests."""
PIECE_BYTES = 256 * 1024
OUTPUT, ERRORS, END = b"1", b"2", b"0"
"""The first byte of each frame to the program: for its standard output, for its standard error, or its exit code."""


class ClientLeft(Exception):
    """The client, or the program that sshd has started for it, has ended."""


class Connection:
    """A connection. What the client takes gives it another `idle_seconds`, and what it sends the time that these bytes
    take at the least rate: one that sends a byte now and then ends.
    """

    def __init__(self, reader: StreamReader, writer: StreamWriter, idle_seconds: float = IDLE_SECONDS) -> None:
        self._reader = reader
        self._writer = writer
        self._idle_seconds = idle_seconds
        self._deadline = asyncio.timeout(idle_seconds)
        self._first: bytes | None = None

    @property
    def deadline(self) -> asyncio.Timeout:
        """The block that ends when nothing has passed for too long."""
        return self._deadline

    async def request(self) -> list[str]:
        """Return the fields of the request, with which a program begins."""
        return (await self._read() or b"").decode("utf-8", "replace").split("\0")

    async def begins(self) -> bool:
        """Wait until the client sends something, or has left without it: return which."""
        self._wait(BEGIN_SECONDS)
        self._first = await self._read()
        return bool(self._first)

    async def receive(self) -> Message:
        """Return what the client has sent, as bodies over HTTP come."""
        piece, self._first = self._first, None
        if piece is None:
            piece = await self._read()
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": piece != b""}

    async def send(self, pieces: AsyncIterable[bytes]) -> None:
        """Write pieces to the program's standard output, as fast as the client takes them."""
        async for piece in pieces:
            for at in range(0, len(piece), PIECE_BYTES):
                await self.write(OUTPUT, piece[at : at + PIECE_BYTES])

    async def write(self, kind: bytes, content: bytes) -> None:
        """Send a frame of a kind."""
        try:
            self._writer.write(framed(kind + content))
            await self._writer.drain()
        except ConnectionError as exc:
            raise ClientLeft from exc
        self._wait(self._idle_seconds)

    async def _read(self) -> bytes | None:
        """Return the next frame: nothing at the end of what the client sends, and `None` when it has left."""
        try:
            piece = await read_frame(self._reader)
        except (EOFError, OSError, ValueError):  # the last for a frame that our programs do not send
            return None
        self._earn(len(piece))
        return piece

    def _earn(self, size: int) -> None:
        """Give the client the time that bytes take at the least rate, up to `idle_seconds` from now."""
        left = (self._deadline.when() or 0) - asyncio.get_running_loop().time()
        self._wait(min(self._idle_seconds, left + size / LEAST_BYTES_PER_SECOND))

    def _wait(self, seconds: float) -> None:
        if not self._deadline.expired():
            self._deadline.reschedule(asyncio.get_running_loop().time() + seconds)
