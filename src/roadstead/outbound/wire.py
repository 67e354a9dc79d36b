"""HTTP/1.1 on one connection: a request is written at once, and its answer read up to a cap."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MOST_HEAD = 100 * 1024
"""Bytes of an answer before its body: what h11, curl and browsers accept is of this order."""
_MOST_FRAMING = 8
"""Bytes received for each byte of a body: a server may send chunks of one byte, which have six."""


class Broken(Exception):
    """An answer that is none, or that ended too early. The text is a sentence for people."""


class Read(NamedTuple):
    """An answer as it was read; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection(asyncio.Protocol):
    """An open connection, for one request at a time.

    `is_public` says whether it leads to a public address, and `is_reusable` whether another request may follow.
    """

    def __init__(self, *, is_public: bool) -> None:
        self.is_public = is_public
        self.is_reusable = False
        self._reading: _Reading | None = None
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._reading is None:
            self.abort()  # an answer to no request
        else:
            self._reading.feed(data)

    def eof_received(self) -> None:
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)
        if not self._lost.done():
            self._lost.set_result(None)

    def _end(self, exc: Exception | None) -> None:
        self.is_reusable = False
        if self._reading is not None:
            self._reading.end(exc)

    async def exchange(self, request: bytes, cap: int) -> Read:
        """Write a request and read its answer, whose body ends when it is longer than the cap. Raise `Broken`."""
        if self._transport.is_closing():
            raise Broken("The connection was closed")
        self._reading = reading = _Reading(cap)
        try:
            self._transport.write(request)
            return await reading.answer
        finally:
            self._reading = None
            self.is_reusable = reading.leaves_reusable and not self._transport.is_closing()
            if not self.is_reusable:
                self.abort()

    def abort(self) -> None:
        """Close the connection at once."""
        self.is_reusable = False
        self._transport.abort()

    async def close(self) -> None:
        """Close the connection, and wait until it is."""
        self.abort()
        await self._lost


class _Reading:
    """Reads one answer. The parser calls the methods whose names begin with `on_`."""

    def __init__(self, cap: int) -> None:
        self.answer: asyncio.Future[Read] = asyncio.get_running_loop().create_future()
        self.leaves_reusable = False
        self._cap = cap
        self._received = 0
        self._has_head = False
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._parser = HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Read a piece of the answer."""
        if self.answer.done():
            self.leaves_reusable = False
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._fail(Broken("Its answer is not HTTP"))
        if self._received > MOST_HEAD + (_MOST_FRAMING * self._cap if self._has_head else 0):
            self._fail(Broken("The headers of its answer are too long"))

    def end(self, exc: Exception | None) -> None:
        """Note the end of the connection, which ends an answer that names no other end."""
        if exc is None and self._has_head and self._ends_with_connection():
            self._finish()
        elif exc is None:
            begun = "in the middle of its answer" if self._received else "without an answer"
            self._fail(Broken(f"The connection was closed {begun}"))
        else:
            self._fail(exc)

    def on_message_begin(self) -> None:
        self.leaves_reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._has_head:  # a trailer comes later, and is left
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._has_head = True

    def on_body(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > self._cap:
            self._finish()

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:  # another answer follows
            self._has_head = False
            self._received = 0
            self._headers.clear()
        elif not self.answer.done():
            self.leaves_reusable = self._ends_without_doubt()
            self._finish()

    def _ends_with_connection(self) -> bool:
        return "content-length" not in self._headers and not self._coding().endswith("chunked")

    def _ends_without_doubt(self) -> bool:
        """Return whether every parser finds the end where this one does, so that another answer may follow."""
        keeps_alive = self._parser.should_keep_alive() and self._parser.get_http_version() == "1.1"
        return keeps_alive and self._coding() in ("", "chunked")

    def _coding(self) -> str:
        return self._headers.get("transfer-encoding", "").lower()

    def _finish(self) -> None:
        if not self.answer.done():
            self.answer.set_result(Read(self._parser.get_status_code(), self._headers, bytes(self._body)))

    def _fail(self, exc: Exception) -> None:
        self.leaves_reusable = False
        if not self.answer.done():
            self.answer.set_exception(exc)
