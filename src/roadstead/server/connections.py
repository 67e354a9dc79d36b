"""Connections to our server: uvicorn's, with limits that it does not set.

A client may be slow, endless or broken. What is refused before there is a request gets the error body of
the API all the same.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from roadstead.api.answers import AT_ONCE, Answer
from roadstead.api.bodies import MAX_BYTES
from roadstead.api.errors import RequestRefused, error_answer, error_body
from roadstead.domain.access.admission import Admission, caller_at, forwarded_for, open_files
from roadstead.domain.access.shares import Address, Shares, Shortage
from roadstead.domain.host import Host
from roadstead.domain.traffic import request_id
from roadstead.settings import is_loopback

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

_TRAILERS: Any = deque(maxlen=0)
"""Where the fields after a body go: they are no headers, and must not fill the memory."""


def _busy(message: str) -> RequestRefused:
    return RequestRefused(503, message, "Try again in a moment.", headers={"Retry-After": "1", "Connection": "close"})


_BUSY = {
    Shortage.ALL: _busy("Roadstead is answering as many requests as it can."),
    Shortage.SHARE: _busy("Roadstead is answering as many requests of this address as it can."),
}
_BUSY_ANSWERS = {shortage: error_answer(refusal) for shortage, refusal in _BUSY.items()}
_NO_ROOM = _busy("Roadstead has as many connections as it can have, and this one has waited longest.")


class _NotHttp(Exception):
    """A request is not valid HTTP; the text says why."""


class Connection(HttpToolsProtocol):
    """One connection. To a request that comes whole it adds next to nothing."""

    _head_bytes = 0
    _body_bytes = 0
    _body_began = 0.0
    _body_expected = False
    _deadline: asyncio.TimerHandle | None = None
    _body_deadline: asyncio.TimerHandle | None = None
    _answer_deadline: asyncio.TimerHandle | None = None
    _fault: _NotHttp | None = None
    _request: "_Request | None" = None
    """The latest that was given to the application."""
    _address: "Address[Connection] | None" = None
    """Where we are counted, until we are closed."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)
        self._host: Host | None = self.app_state.get("host")
        if self._host is not None:
            self.admission: Admission = self._host.admission
        else:
            self.admission = self.app_state.setdefault("admission", Admission(open_files()))
        peer = self.client[0] if self.client else ""
        self._caller = caller_at(peer)
        self._is_proxy = self._host is not None and not self._host.is_for_this_machine and is_loopback(peer)
        self._address, in_the_way = self.admission.connections.add(self, self._caller)
        if in_the_way is not None:
            in_the_way.make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._leave()
        self._request = None
        self._head_is_complete()
        self._body_is_complete()
        self._answer_goes_on()

    def make_room(self) -> None:
        """End a connection that waits for its client, because another is to have its place."""
        self._leave()
        if self._host is not None:
            self._host.refusals.closed("room", self._caller)
        if self.flow.write_paused:
            self.transport.abort()
        elif self._in_head() or (self._body_expected and not self.cycle.response_started):
            self._answer_and_close(_NO_ROOM)
        else:
            self.transport.close()

    def _leave(self) -> None:
        if self._address is not None:
            self.admission.connections.remove(self, self._address)
            self._address = None

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
        hosts = [name for name, _ in self.headers].count(b"host")
        if hosts != 1 and (hosts or self.parser.get_http_version() == "1.1"):
            # Two readers, a proxy and we, could each believe another one.
            self._fault = _NotHttp(f"It has {hosts or 'no'} Host header{'s' if hosts else ''} where one is needed.")
            raise self._fault
        super().on_headers_complete()
        self.headers = _TRAILERS
        self._body_expected = True
        self.scope["extensions"] = {AT_ONCE: self._answer_at_once}  # type: ignore[dict-item]

    def on_message_complete(self) -> None:
        request = self._request
        if request is not None and request.started and request.cycle is self.cycle and self.cycle.more_body:
            shortage = request.take_place()
            if shortage is not None:
                self._answer_and_close(_BUSY[shortage])
                return
        super().on_message_complete()
        self._body_expected = False
        if self._body_deadline is not None:
            self._body_is_complete()

    def on_response_complete(self) -> None:
        if self._request is not None:
            self._request.give_place_back()
        if self._address is not None:
            self._address.wait(self)
        super().on_response_complete()

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
        if self._request is not None:
            self._request.give_place_back()
        if self._address is not None:
            self._address.wait(self)
            slowest = self.admission.connections.not_taken(self, self._address, self.transport.get_write_buffer_size())
            if slowest is not None:
                slowest.make_room()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._answer_goes_on()
        if self._address is not None:
            self.admission.connections.taken(self, self._address)

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "http", "The request is not valid HTTP.", str(self._fault or msg))

    def is_at_work(self) -> None:
        """Note that we are not waiting for the client, but the client for us."""
        if self._address is not None:
            self._address.waiting.pop(self, None)

    def caller_of(self, headers: list[tuple[bytes, bytes]]) -> str:
        """Whose share a request is part of: the client that a proxy on this machine names, or the connected address."""
        if self._is_proxy:
            for name, value in reversed(headers):
                if name == b"x-forwarded-for":
                    return forwarded_for(value) or self._caller
        return self._caller

    def count_busy(self, shortage: Shortage, caller: str) -> None:
        if self._host is not None:
            self._host.refusals.add(503, "requests" if shortage is Shortage.ALL else "address", caller)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """Do what uvicorn does, with a request that has to take a place."""
        named = request_id.request_id(cycle.scope["headers"])
        cycle.default_headers = [*cycle.default_headers, (request_id.HEADER, named)]
        name = cycle.scope[request_id.IN_SCOPE] = named.decode("ascii")
        # The task begins with a copy of this context. A pipelined request is started from within the one before it.
        before = request_id.CURRENT.set(name)
        request = self._request = _Request(self, cycle, app)
        task = self.loop.create_task(cycle.run_asgi(request))
        task.add_done_callback(request.ended)
        self.tasks.add(task)
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
        if self._address is not None:
            self._address.wait_on(self)
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
                "slow",
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
            if self._host is not None:
                self._host.refusals.closed("not_taken", self._caller)
            self.transport.abort()
        else:
            self._expect_progress()

    def _answer_goes_on(self) -> None:
        if self._answer_deadline is not None:
            self._answer_deadline.cancel()
            self._answer_deadline = None

    def _too_large(self) -> None:
        self._refuse(
            431, "head", "The request's head is too large.", f"At most {MAX_HEAD_BYTES} bytes (64 KiB) are taken."
        )

    def _too_slow(self) -> None:
        self._deadline = None
        if self._in_head():
            self._refuse(
                408, "slow", "The request took too long to arrive.", f"Its head may take {HEAD_SECONDS:g} seconds."
            )
        else:
            self.transport.close()

    def _refuse(self, status: int, reason: str, message: str, detail: str) -> None:
        if self._host is not None:
            self._host.metrics.refused[str(status), reason] += 1
        self._answer_and_close(RequestRefused(status, message, detail))

    def _answer_and_close(self, refusal: RequestRefused) -> None:
        body = msgspec.json.encode(error_body(refusal))
        headers = {
            "content-type": "application/json; charset=utf-8",
            "content-length": str(len(body)),
            **refusal.headers,
            "connection": "close",
        }
        lines = [f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}"]
        lines += [f"{name.lower()}: {value}" for name, value in headers.items()]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        self.transport.close()
        if self.cycle is not None and not self.cycle.response_complete:
            # What the application has of the request must not be taken for all of it.
            self.cycle.disconnected = True
            self.cycle.message_event.set()


class _Request:
    """A request that is given to the application, which takes a place from when it is complete until it is answered."""

    __slots__ = ("_app", "_caller", "_connection", "_places", "cycle", "started")

    def __init__(self, connection: Connection, cycle: Any, app: ASGIApp) -> None:
        self._connection = connection
        self._app = app
        self._places: Shares | None = None
        self._caller = ""
        self.cycle = cycle
        self.started = False

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Hand it to the application, or when there is no place for it to the answer that says so."""
        self.started = True
        shortage = None if self.cycle.more_body else self.take_place()
        return self._app(scope, receive, send) if shortage is None else _BUSY_ANSWERS[shortage](scope, receive, send)

    def take_place(self) -> Shortage | None:
        """Take a place now that the request is complete, if it needs one and there is one."""
        connection, scope = self._connection, self.cycle.scope
        places = connection.admission.places(scope["path"])
        if places is not None:
            caller = connection.caller_of(scope["headers"])
            shortage = places.take(caller)
            if shortage is not None:
                connection.count_busy(shortage, caller)
                return shortage
            self._places, self._caller = places, caller
        connection.is_at_work()
        return None

    def give_place_back(self) -> None:
        if self._places is not None:
            self._places.give_back(self._caller)
            self._places = None

    def ended(self, task: "asyncio.Task[None]") -> None:
        """Give back what a request has kept whose client has gone before it was answered."""
        self._connection.tasks.discard(task)
        self.give_place_back()
