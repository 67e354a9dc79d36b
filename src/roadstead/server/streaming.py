"""Answers in pieces, on a connection of uvicorn."""

import asyncio
import socket
import struct
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from roadstead.api.streams import Stream

_LINE = b": ".join
_RESET, _CLOSE = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)


class Streaming:
    """One answer on its way to the client; `cycle` is uvicorn's state of the request, `task` answers it.

    A body without a length is chunked. For HTTP/1.0, the end of the connection is its end: until the body is complete,
    the connection can only end with a reset, so that a client does not take a part for the whole.
    """

    def __init__(self, cycle: Any, task: "asyncio.Task[None]") -> None:
        self._cycle = cycle
        self._task = task
        self._transport: asyncio.Transport = cycle.transport
        self._is_chunked = False
        self._ends_with_connection = False
        self._is_over = False

    def begin(self, answer: Stream) -> None:
        """Send the head."""
        cycle = self._cycle
        headers = [*cycle.default_headers, *answer.headers]
        if answer.length is None and cycle.scope["http_version"] == "1.1":
            headers.append((b"transfer-encoding", b"chunked"))
            self._is_chunked = cycle.scope["method"] != "HEAD"
        elif answer.length is None:
            self._ends_with_connection = True
            self._linger(_RESET)
        cycle.keep_alive = cycle.keep_alive and not answer.closes and not self._ends_with_connection
        if not cycle.keep_alive and not answer.closes:
            headers.append((b"connection", b"close"))
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        self._transport.write(STATUS_LINE[answer.status] + b"\r\n".join((*map(_LINE, headers), b"", b"")))

    async def write(self, piece: bytes) -> None:
        """Send a piece, and let others run until the client has read most of it."""
        self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._is_chunked else piece)
        await asyncio.sleep(0)
        await self._cycle.flow.drain()

    async def end(self) -> None:
        """Complete the answer, and begin with the next request of the connection."""
        cycle = self._cycle
        if self._is_chunked:
            self._transport.write(b"0\r\n\r\n")
        if self._ends_with_connection:
            self._transport.set_write_buffer_limits(0)
            await cycle.flow.drain()
            self._linger(_CLOSE)
        self._is_over = True
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self._transport.close()
        cycle.on_response()

    def break_off(self) -> None:
        """Close the connection without the end of the body."""
        self._is_over = True
        self._cycle.disconnected = True
        self._transport.abort()

    def client_left(self) -> None:
        """Stop making the rest of the body."""
        if not self._is_over:
            self._task.cancel()

    def _linger(self, how: bytes) -> None:
        """Let the system end the connection with a reset, or as usual."""
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)
