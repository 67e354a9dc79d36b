"""Connections to our server: uvicorn's, with limits that it does not set.

Whoever connects may be slow, endless or broken. What is refused before there is a request gets the error body of
the API all the same.
"""

import asyncio
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from roadstead.api.answers import AT_ONCE, Answer
from roadstead.api.bodies import MAX_BYTES
from roadstead.api.errors import RequestRefused, error_answer, error_body
from roadstead.domain import request_id
from roadstead.domain.host import Host

MAX_HEAD_BYTES = 64 * 1024
"""Of a request line and its headers."""
HEAD_SECONDS = 20.0
"""How long a connection may take for them, from its start or their first byte."""
BODY_SECONDS = 20.0
"""How long a body may take, and one second more for each 64 KiB of it that have come, up to the largest body."""
BODY_BYTES_PER_SECOND = 64 * 1024
ANSWER_SECONDS = 60.0
ANSWER_BYTES = 64 * 1024
"""A client that takes less of its answer in that time is waited for no longer."""
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
    _body_bytes = 0
    _body_began = 0.0
    _body_expected = False
    _deadline: asyncio.TimerHandle | None = None
    _body_deadline: asyncio.TimerHandle | None = None
    _answer_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._head_is_complete()
        self._body_is_complete()
        self._answer_goes_on()

    def data_received(self, data: bytes) -> None:
        if len(data) > MAX_HEAD_BYTES and not self._body_expected and data.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES) < 0:
            self._too_large()
            return
        super().data_received(data)
        if self._in_head():
            self._head_goes_on(len(data))
            return
        if self._deadline is not None:
            self._head_is_complete()
        if self._body_expected:
            self._body_goes_on(len(data))

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._body_expected = True
        self.scope["extensions"] = {AT_ONCE: self._answer_at_once}  # type: ignore[dict-item]

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._body_expected = False
        if self._body_deadline is not None:
            self._body_is_complete()

    def _answer_at_once(self, scope: Scope, answer: Answer) -> bool:
        """Do all that uvicorn does for the parts of an answer; leave to it what is not as plain as most answers are.

        Checking and sending the parts takes it several times as long, and the kernel, and the client, twice.
        """
        cycle = self.cycle
        if cycle.scope is not scope or not cycle.keep_alive or cycle.disconnected or self.flow.write_paused:
            return False
        lines = [STATUS_LINE[answer.status]]
        for name, value in (*cycle.default_headers, *answer.headers):
            if name == b"connection":
                return False
            lines += (name, b": ", value, b"\r\n")
        lines += (b"\r\n", answer.body if scope["method"] != "HEAD" else b"")
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.transport.write(b"".join(lines))
        cycle.message_event.set()
        cycle.on_response()
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_progress()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._answer_goes_on()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "The request is not valid HTTP.", msg)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        named = request_id.request_id(cycle.scope["headers"])
        cycle.default_headers = [*cycle.default_headers, (request_id.HEADER, named)]
        name = cycle.scope[request_id.IN_SCOPE] = named.decode("ascii")
        # The task begins with a copy of this context. A pipelined request is started from within the one before it.
        before = request_id.CURRENT.set(name)
        if len(self.tasks) >= MAX_REQUESTS:
            app = _BUSY
            self._count_refused(503)
        super()._start_asgi_task(cycle, app)
        request_id.CURRENT.reset(before)

    def _in_head(self) -> bool:
        """Whether a head has begun and is not complete: uvicorn makes the scope at its first byte."""
        return self.scope is not None and "method" not in self.scope

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

    def _body_goes_on(self, length: int) -> None:
        self._body_bytes += length
        if self._body_deadline is None:
            self._body_began = self.loop.time()
            self._body_deadline = self.loop.call_later(BODY_SECONDS, self._check_body)

    def _check_body(self) -> None:
        """Go on waiting for a body that comes fast enough, or that we have not looked at yet."""
        granted = BODY_SECONDS + min(self._body_bytes, MAX_BYTES) / BODY_BYTES_PER_SECOND
        left = self._body_began + granted - self.loop.time()
        if left > 0 or self.flow.read_paused:
            self._body_deadline = self.loop.call_later(left if left > 0 else 1, self._check_body)
        elif self.cycle.response_started:
            self.transport.close()
        else:
            self._refuse(
                408,
                "The body took too long to arrive.",
                f"It may take {BODY_SECONDS:g} seconds, and one more for each {BODY_BYTES_PER_SECOND} bytes.",
            )

    def _body_is_complete(self) -> None:
        self._body_bytes = 0
        if self._body_deadline is not None:
            self._body_deadline.cancel()
            self._body_deadline = None

    def _expect_progress(self) -> None:
        """That what still has to be sent gets less."""
        waiting = self.transport.get_write_buffer_size()
        self._answer_deadline = self.loop.call_later(ANSWER_SECONDS, self._check_answer, waiting - ANSWER_BYTES)

    def _check_answer(self, at_most: int) -> None:
        if self.transport.get_write_buffer_size() > at_most:
            self.transport.abort()
        else:
            self._expect_progress()

    def _answer_goes_on(self) -> None:
        if self._answer_deadline is not None:
            self._answer_deadline.cancel()
            self._answer_deadline = None

    def _too_large(self) -> None:
        self._refuse(431, "The request's head is too large.", f"At most {MAX_HEAD_BYTES} bytes (64 KiB) are taken.")

    def _too_slow(self) -> None:
        self._deadline = None
        if self._in_head():
            self._refuse(408, "The request took too long to arrive.", f"Its head may take {HEAD_SECONDS:g} seconds.")
        else:
            self.transport.close()

    def _count_refused(self, status: int) -> None:
        host: Host | None = self.app_state.get("host")
        if host is not None:
            host.metrics.refused[status] += 1

    def _refuse(self, status: int, message: str, detail: str) -> None:
        self._count_refused(status)
        body = msgspec.json.encode(error_body(RequestRefused(status, message, detail)))
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
            f"content-type: application/json; charset=utf-8\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
