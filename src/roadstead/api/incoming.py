"""Bodies that are read in pieces: of any length, chunked, compressed; only as fast as the pieces are used."""

import asyncio
import zlib

from starlette.types import Receive

from roadstead.api.errors import RequestRefused
from roadstead.errors import InvalidInput

IDLE_SECONDS = 60.0
"""How long a client may send nothing, if it has sent enough before."""
LEAST_BYTES_PER_SECOND = 512
"""On average, while its body is waited for: a modem sends ten times as much."""
_MOST_UNPACKED = 1024 * 1024
"""Of one piece: a short body may unpack to gigabytes."""
_GZIP = 31


class Incoming:
    """The pieces of a body, at most `most` bytes in all."""

    def __init__(
        self, receive: Receive, *, gzipped: bool = False, most: int | None = None, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._receive = receive
        self._gzip = zlib.decompressobj(_GZIP) if gzipped else None
        self._most = most
        self._idle_seconds = self._patience = idle_seconds
        self._received = b""
        self._more = True
        self._size = 0
        self._is_begun = False

    def __aiter__(self) -> "Incoming":
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece.

        Raise `InvalidInput` for a body that ends early or cannot be unpacked, and `RequestRefused` for one that is too
        long or comes too slowly.
        """
        while not (piece := self._next()):
            if not self._more:
                self._check_end()
                raise StopAsyncIteration
            await self._wait()
        self._size += len(piece)
        if self._most is not None and self._size > self._most:
            raise RequestRefused(413, "The body is too large.", f"At most {self._most} bytes are taken here.")
        return piece

    async def left(self) -> None:
        """Wait until the client has left. To be called after the last piece."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _next(self) -> bytes:
        """Return bytes that have been received."""
        received, self._received = self._received, b""
        if self._gzip is None or not (received := self._gzip.unconsumed_tail + received):
            return received
        try:
            unpacked = self._gzip.decompress(received, _MOST_UNPACKED)
        except zlib.error as exc:
            raise InvalidInput("The compressed body cannot be read.", f"{exc}.") from exc
        if self._gzip.unused_data:  # zlib would keep all that follows
            raise InvalidInput("The compressed body goes on after its end.")
        return unpacked

    def _check_end(self) -> None:
        if self._gzip is not None and self._is_begun and not self._gzip.eof:
            raise InvalidInput("The compressed body ended early.")

    async def _wait(self) -> None:
        """Wait for the client, whose bytes earn it as much time as they take at the least rate."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._patience):
                message = await self._receive()
        except TimeoutError as exc:
            raise self._too_slow() from exc
        if message["type"] == "http.disconnect":
            raise InvalidInput("The body ended early.")
        self._received = message.get("body", b"")
        self._is_begun |= self._received != b""
        self._more = message.get("more_body", False)
        earned = len(self._received) / LEAST_BYTES_PER_SECOND
        self._patience = min(self._idle_seconds, self._patience - (loop.time() - began) + earned)

    def _too_slow(self) -> RequestRefused:
        rate, pause = LEAST_BYTES_PER_SECOND, self._idle_seconds
        detail = f"Send at least {rate} bytes a second, without a pause of {pause:g} seconds."
        return RequestRefused(408, "The body did not come fast enough.", detail)
