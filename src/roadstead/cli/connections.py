"""Connections to our server: uvicorn's, with limits that it does not set.

Whoever connects may be slow, endless or broken. What is refused before there is a request gets the error body of
the API all the same.
"""

import asyncio
from http import HTTPStatus
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from roadstead.api.errors import RequestRefused, error_answer, error_body

MAX_HEAD_BYTES = 64 * 1024
"""Of a request line and its headers."""
HEAD_SECONDS = 20.0
"""How long a connection may take for them, from its start or their first byte."""
MAX_REQUESTS = 1_000
"""Requests under way in one process."""

_BUSY: Any = error_answer(
    RequestRefused(
        503,
        "Roadstead is answering as many requests as it can.",
        "Try again in a moment.",
        headers={"Retry-After": "1", "Connection": "close"},
    )
)


class Connection(HttpToolsProtocol):
    """One connection. To a request that comes whole it adds next to nothing."""

    _head_bytes = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._head_is_complete()

    def data_received(self, data: bytes) -> None:
        if len(data) > MAX_HEAD_BYTES and self._between_requests() and data.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES) < 0:
            self._too_large()
            return
        super().data_received(data)
        if self._in_head():
            self._head_goes_on(len(data))
        elif self._deadline is not None:
            self._head_is_complete()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self.scope["method"] != "HEAD":
            self.cycle.transport = _Together(self.transport)  # type: ignore[assignment]

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "The request is not valid HTTP.", msg)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        super()._start_asgi_task(cycle, app if len(self.tasks) < MAX_REQUESTS else _BUSY)

    def _in_head(self) -> bool:
        """Whether a head has begun and is not complete: uvicorn makes the scope at its first byte."""
        return self.scope is not None and "method" not in self.scope

    def _between_requests(self) -> bool:
        return self.cycle is None or not self.cycle.more_body

    def _head_goes_on(self, length: int) -> None:
        self._head_bytes += length
        if self._head_bytes > MAX_HEAD_BYTES:
            self._too_large()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _head_is_complete(self) -> None:
        self._head_bytes = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_large(self) -> None:
        self._refuse(431, "The request's head is too large.", f"At most {MAX_HEAD_BYTES} bytes (64 KiB) are taken.")

    def _too_slow(self) -> None:
        self._deadline = None
        if self._in_head():
            self._refuse(408, "The request took too long to arrive.", f"Its head may take {HEAD_SECONDS:g} seconds.")
        else:
            self.transport.close()

    def _refuse(self, status: int, message: str, detail: str) -> None:
        body = msgspec.json.encode(error_body(RequestRefused(status, message, detail)))
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
            f"content-type: application/json; charset=utf-8\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class _Together:
    """What an answer is written to: its head waits for the first piece of its body, and both go out at once.

    Two sends cost the kernel, and the client, twice. Every answer but one to HEAD has a body, be it an empty one.
    """

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        if self._head is None and not data.startswith(b"HTTP/1.1 100"):
            self._head = data
        elif self._head:
            self._transport.write(self._head + data)
            self._head = b""
        else:
            self._transport.write(data)

    def close(self) -> None:
        if self._head:
            self.write(b"")
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()
