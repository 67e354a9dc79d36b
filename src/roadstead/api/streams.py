"""Streams: answers whose body is made while it is sent, so that a large one is never in memory as a whole."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Protocol

from starlette.types import Receive, Scope, Send

from roadstead.api.answers import Answer
from roadstead.domain.host import Host
from roadstead.domain.traffic.redaction import RAW_BYTES

IN_PIECES = "roadstead.in_pieces"
"""An ASGI extension: under this name in a scope, our server has a function that returns the `Sending` of the answer."""

PIECE_SECONDS = 60.0
"""How long the next piece may take to be made, as long as a client may take to read one (`server/connections.py`)."""

log = logging.getLogger("roadstead.api")


class Pieces(Protocol):
    """The pieces of a body: an asynchronous generator, for instance. It is closed however the answer ends."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def __anext__(self) -> Awaitable[bytes]: ...
    def aclose(self) -> Awaitable[None]: ...


class Sending(Protocol):
    """One answer on its way to the client. The server cancels the task that sends it when the client leaves."""

    def begin(self, answer: "Stream") -> None:
        """Send the head."""

    async def write(self, piece: bytes) -> None:
        """Send a piece, and wait until the client has read most of it."""

    async def end(self) -> None:
        """Complete the answer."""

    def break_off(self) -> None:
        """Close the connection such that the client sees that the body is incomplete."""


InPieces = Callable[[Scope], Sending | None]
"""Returns `None` when the client has left."""


class _WrongLengthError(Exception):
    """The pieces are longer or shorter, in all, than the answer has said."""


class Stream(Answer):
    """An answer whose body is made in pieces. `length` is that of the body, if it is known.

    With `paced`, who makes the pieces watches the time that each takes.

    `body` is the beginning of what was sent, for the record, and `size` its length. A failure before the first piece is
    answered like any other; a later one breaks the connection off.
    """

    __slots__ = ("_first", "_is_paced", "installation", "length", "pieces")

    def __init__(
        self,
        pieces: Pieces,
        content_type: str,
        *,
        status: int = 200,
        length: int | None = None,
        headers: Mapping[str, str] | None = None,
        paced: bool = False,
    ) -> None:
        super().__init__(status, (b"content-type", content_type.encode()), b"")
        self.pieces = pieces
        self._is_paced = paced
        self._first: bytes | None = None
        self.length = length
        self.installation: int | None = None
        """The app's installation, of whose running requests this is one until its end."""
        if length is not None:
            self.headers.append((b"content-length", b"%d" % length))
        if headers:
            self.add_headers(headers)

    async def begin(self) -> None:
        """Make the first piece."""
        try:
            self._first = await self._next()
        except BaseException:
            await self._close()
            raise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host: Host = scope["state"]["host"]
        self.headers = self.headers_for(scope["path"])
        under_way = host.admission.of_installations
        if self.installation is not None:
            under_way[self.installation] += 1
        in_pieces: InPieces = scope["extensions"][IN_PIECES]
        sending = in_pieces(scope)
        try:
            if sending is not None:
                await self._send(scope, sending, host)
        finally:
            await self._close()
            if self.installation is not None:
                under_way[self.installation] -= 1

    async def _send(self, scope: Scope, sending: Sending, host: Host) -> None:
        try:
            sending.begin(self)
            if scope["method"] != "HEAD":
                await self._send_pieces(sending)
            await sending.end()
        except asyncio.CancelledError:  # the client has left, or the host stops
            sending.break_off()
        except Exception:
            sending.break_off()
            host.metrics.closed["broken"] += 1
            log.exception("%s %s broke off after %d bytes", scope["method"], scope["path"], self.size)

    async def _send_pieces(self, sending: Sending) -> None:
        piece, self._first = self._first, None
        while piece is not None:
            if self.length is not None and self.size + len(piece) > self.length:
                raise _WrongLengthError(f"There is more than the {self.length} bytes that the answer has said.")
            await sending.write(piece)
            self.size += len(piece)
            if len(self.body) < RAW_BYTES:
                self.body += piece[: RAW_BYTES - len(self.body)]
            piece = await self._next()
        if self.length is not None and self.size < self.length:
            raise _WrongLengthError(f"There are only {self.size} of the {self.length} bytes.")

    async def _next(self) -> bytes | None:
        """Return the next piece that is not empty, or `None` at the end."""
        async with asyncio.timeout(None if self._is_paced else PIECE_SECONDS):
            while True:
                try:
                    piece = await self.pieces.__anext__()
                except StopAsyncIteration:
                    return None
                if piece:
                    return piece

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(PIECE_SECONDS):
                await self.pieces.aclose()
        except Exception:
            log.exception("The pieces of an answer could not be closed")
