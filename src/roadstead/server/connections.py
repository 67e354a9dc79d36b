"""Connections to our server: uvicorn's, with limits that uvicorn does not set.

A client may be slow, endless or broken. Input that is refused before it is a request also gets the error body of the
API.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from roadstead.api import bodies
from roadstead.api.answers import AT_ONCE, Answer
from roadstead.api.bodies import MAX_BYTES
from roadstead.api.errors import RequestRefused, error_answer, error_body
from roadstead.api.streams import IN_PIECES
from roadstead.domain.access.admission import Admission, caller_at, forwarded_for, open_files
from roadstead.domain.access.refusals import Reason
from roadstead.domain.access.shares import Address, Places, Shortage
from roadstead.domain.host import Host
from roadstead.domain.traffic import request_id
from roadstead.server.streaming import Streaming
from roadstead.settings import is_loopback

MAX_HEAD_BYTES = 64 * 1024
"""Of a request line and its headers."""
ANSWER_BYTES = 64 * 1024
"""A client that reads less of its answer within `Patience.answer_seconds` is disconnected."""

_STATUS_LINES = {status: line.rstrip() for status, line in STATUS_LINE.items()}
_LINE = b": ".join
"""Formats a line of a header."""
_TRAILERS: Any = deque(maxlen=0)
"""Discards the fields after a body: they are not headers, and must not fill the memory."""


def _busy(message: str) -> RequestRefused:
    return RequestRefused(503, message, "Try again in a moment.", headers={"Retry-After": "1", "Connection": "close"})


_BUSY = {
    Shortage.ALL: _busy("Roadstead is answering as many requests as it can."),
    Shortage.SHARE: _busy("Roadstead is answering as many requests of this address as it can."),
}
_BUSY_ANSWERS = {shortage: error_answer(refusal) for shortage, refusal in _BUSY.items()}
_NO_ROOM = _busy("Roadstead has as many connections as it can have, and this one has waited longest.")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a connection waits for its client.

    For a head: from the start of the connection, or the head's first byte. For a body: `body_seconds`, and one second
    more for each `body_bytes_per_second` that have arrived, up to the largest body.
    """

    head_seconds: float = 20.0
    body_seconds: float = 20.0
    body_bytes_per_second: int = 64 * 1024
    answer_seconds: float = 60.0


class _NotHttp(Exception):
    """A request is not valid HTTP; the text says why."""


class Connection(HttpToolsProtocol):
    """One connection. To a request that arrives complete it adds almost no time."""

    patience = Patience()
    """uvicorn makes each connection with arguments of its own; a subclass has another patience."""
    _head_bytes = 0
    _body_bytes = 0
    _body_began = 0.0
    _body_expected = False
    _deadline: asyncio.TimerHandle | None = None
    _body_deadline: asyncio.TimerHandle | None = None
    _answer_deadline: asyncio.TimerHandle | None = None
    _fault: _NotHttp | None = None
    _address: "Address[Connection] | None" = None
    """The address that counts this connection, until it is closed."""
    _task: "asyncio.Task[None] | None" = None
    """The task of the latest request that was given to the application; `_given` is its cycle."""
    _given: Any = None
    _places: Places | None = None
    """The places of which that request, or an answered one before it, takes one, on the account of `_holder`."""
    _is_taken_in_pieces = False
    """Whether the application decides how long the client may take for the present body."""
    _streaming: Streaming | None = None
    """The latest answer in pieces."""
    _not_begun: Any = None
    """The cycle of a request whose head has just been read. It begins when everything that came with it is read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(self.patience.head_seconds, self._too_slow)
        self._host: Host | None = self.app_state.get("host")
        if self._host is not None:
            self.admission: Admission = self._host.admission
        else:
            self.admission = self.app_state.setdefault("admission", Admission(open_files()))
        peer = self.client[0] if self.client else ""
        self._caller = caller_at(peer)
        if self.client is not None:
            self.client = self._caller, self.client[1]  # of each request, for what is limited by address
        self._extensions: dict[Any, Any] = {
            AT_ONCE: self._answer_at_once,
            IN_PIECES: self._in_pieces,
            bodies.IN_PIECES: self._body_in_pieces,
        }
        self._is_proxy = self._host is not None and not self._host.is_for_this_machine and is_loopback(peer)
        self._address, in_the_way = self.admission.connections.add(self, self._caller)
        if in_the_way is not None:
            in_the_way.make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._leave()
        if self._streaming is not None:
            self._streaming.client_left()
        self._given, self._streaming, self._extensions = None, None, {}
        self._head_is_complete()
        self._body_is_complete()
        self._answer_goes_on()

    def make_room(self) -> None:
        """End a connection that waits for its client, to give its place to another."""
        self._leave()
        if self._host is not None:
            self._host.refusals.closed("room", self._caller)
        if self.flow.write_paused:
            self.transport.abort()
        elif self._in_head() or (self.cycle is not None and not self.cycle.response_started):
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
        if self._not_begun is not None:
            self._start(self._not_begun)
        if self._in_head():
            self._head_goes_on(len(data))
            return
        if self._deadline is not None:
            self._head_is_complete()
        if self._body_expected:
            self._body_goes_on(len(data))

    def on_headers_complete(self) -> None:
        headers = dict(self.headers)
        if len(headers) != len(self.headers) or b"host" not in headers:
            self._check_hosts()
        named = request_id.request_id(headers.get(request_id.HEADER))
        self.scope[request_id.IN_SCOPE] = named  # type: ignore[literal-required]
        super().on_headers_complete()
        self.headers = _TRAILERS
        self._body_expected = True
        self.scope["extensions"] = self._extensions

    def _check_hosts(self) -> None:
        """Raise `_NotHttp` unless there is one `Host`: of two, a proxy and this host could each use a different one."""
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts != 1 and (hosts or self.parser.get_http_version() == "1.1"):
            self._fault = _NotHttp(f"It has {hosts or 'no'} Host header{'s' if hosts else ''} where one is needed.")
            raise self._fault

    def on_message_complete(self) -> None:
        if self._given is self.cycle and self.cycle.more_body and not self.cycle.response_complete:
            shortage = self._take_place(self.scope)
            if shortage is not None:
                self._answer_and_close(_BUSY[shortage])
                return
        super().on_message_complete()
        self._body_expected = False
        if self._not_begun is not None:
            self._start(self._not_begun)
        if self._body_deadline is not None:
            self._body_is_complete()

    def _answer_at_once(self, scope: Scope, answer: Answer) -> bool:
        """Do everything that uvicorn does for the parts of an answer; leave unusual answers to uvicorn.

        Checking and sending the parts takes uvicorn several times as long, and the kernel and the client twice.
        """
        cycle = self.cycle
        if answer.closes or cycle.scope is not scope or not cycle.keep_alive:
            return False
        if cycle.disconnected or self.flow.write_paused:
            return False
        head = [_STATUS_LINES[answer.status], *map(_LINE, cycle.default_headers), *map(_LINE, answer.headers)]
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.transport.write(b"\r\n".join((*head, b"", answer.body if scope["method"] != "HEAD" else b"")))
        cycle.message_event.set()
        cycle.on_response()
        return True

    def _in_pieces(self, scope: Scope) -> Streaming | None:
        """Return what sends an answer in pieces to the client, or `None` if that has left."""
        if self._given is None or self._task is None:
            return None
        self._streaming = Streaming(self._given, self._task)
        return self._streaming

    @contextmanager
    def _body_in_pieces(self) -> Iterator[None]:
        """Leave it to the application, while the block runs, how long the client may take for the body."""
        self._is_taken_in_pieces = True
        self._body_is_complete()
        try:
            yield
        finally:
            self._is_taken_in_pieces = False

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_progress()
        self._give_place_back()
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

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """Begin with a request. One whose head has just been read begins when what came with its head is read."""
        if cycle.more_body and not self._body_expected:
            self._not_begun = cycle
        else:
            self._start(cycle)

    def _start(self, cycle: Any) -> None:
        """Begin with a request now, or in a later turn of the loop where many have come at once."""
        self._not_begun = None
        admission = self.admission
        starts = admission.starts
        # While few connections are open, nothing is counted: each begins with one request in a turn.
        may_begin = admission.connections.connections <= starts.most or starts.may_begin(self.loop)
        if may_begin or admission.places(cycle.scope["path"]) is None:
            self._begin(cycle)
        else:
            starts.wait(partial(self._begin_late, cycle))

    def _begin_late(self, cycle: Any) -> None:
        """Begin with a request that had to wait, unless its client has closed the connection."""
        if not cycle.disconnected:
            self._begin(cycle)

    def _begin(self, cycle: Any) -> None:
        """Give a request to the application or, if it needs a place and there is none, to the refusal.

        An incomplete request takes its place when it is complete.
        """
        scope = cycle.scope
        if self._is_proxy:
            scope["client"] = self._caller_of(scope), scope["client"][1]
        name: str = scope[request_id.IN_SCOPE]
        cycle.default_headers = [*cycle.default_headers, (request_id.HEADER, name.encode())]
        if self._places is not None:
            self._give_place_back()  # of the request before, which was answered but whose task has not ended
        app = self.app
        if not cycle.more_body:
            if len(self.tasks) >= self.admission.few_requests:
                if (shortage := self._take_place(scope)) is not None:
                    app = _BUSY_ANSWERS[shortage]
            elif self._address is not None:
                self._address.waiting.pop(self, None)
        self._given = cycle
        # The task begins with a copy of this context. A pipelined request starts inside the one before it.
        before = request_id.CURRENT.set(name)
        task = self._task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self._ended)
        self.tasks.add(task)
        request_id.CURRENT.reset(before)

    def _take_place(self, scope: Any) -> Shortage | None:
        """Take a place for a complete request; return `None` when it has one, or needs none."""
        own = self._address
        places = self.admission.places(scope["path"])
        if places is not None:
            caller: str = scope["client"][0] if self._is_proxy else self._caller
            address = self.admission.connections.address(caller) if self._is_proxy or own is None else own
            if (shortage := places.take(address)) is not None:
                if self._host is not None:
                    reason: Reason = "requests" if shortage is Shortage.ALL else "address"
                    self._host.refusals.add(503, reason, address.name, scope[request_id.IN_SCOPE])
                return shortage
            self._places, self._holder = places, address
        if own is not None:
            own.waiting.pop(self, None)
        return None

    def _caller_of(self, scope: Any) -> str:
        """Return the holder of the client's address: the one that a proxy on this machine names, or else that of the
        connection.
        """
        said = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        return (forwarded_for(said[-1]) if said else None) or self._caller

    def _give_place_back(self) -> None:
        if self._places is not None:
            self._places.give_back(self._holder)
            self._places = None
            if not self._holder.connections:
                self.admission.connections.forget_if_empty(self._holder)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Wait for the client again, unless it has begun with the next request."""
        self.tasks.discard(task)
        if task is self._task:
            if self._places is not None:
                self._give_place_back()
            if self._address is not None:
                self._address.waiting[self] = None

    def _in_head(self) -> bool:
        """Return whether a head has begun and is incomplete: uvicorn makes the scope at its first byte."""
        return self.scope is not None and "method" not in self.scope

    def _head_goes_on(self, length: int) -> None:
        self._head_bytes += length
        if self._head_bytes > MAX_HEAD_BYTES:
            self._too_large()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.patience.head_seconds, self._too_slow)

    def _head_is_complete(self) -> None:
        self._head_bytes = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _body_goes_on(self, length: int) -> None:
        self._body_bytes += length
        if self._address is not None:
            self._address.wait_on(self)
        if self._body_deadline is None and not self._is_taken_in_pieces:
            self._body_began = self.loop.time()
            self._body_deadline = self.loop.call_later(self.patience.body_seconds, self._check_body)

    def _check_body(self) -> None:
        """Continue to wait for a body that arrives fast enough, or that was not checked yet."""
        patience = self.patience
        granted = patience.body_seconds + min(self._body_bytes, MAX_BYTES) / patience.body_bytes_per_second
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
                f"It may take {patience.body_seconds:g} seconds, "
                f"and one more for each {patience.body_bytes_per_second} bytes.",
            )

    def _body_is_complete(self) -> None:
        self._body_bytes = 0
        if self._body_deadline is not None:
            self._body_deadline.cancel()
            self._body_deadline = None

    def _expect_progress(self) -> None:
        """Disconnect the client unless it reads some of its answer in time."""
        waiting = self.transport.get_write_buffer_size()
        later, at_most = self.patience.answer_seconds, waiting - ANSWER_BYTES
        self._answer_deadline = self.loop.call_later(later, self._check_answer, at_most)

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
            detail = f"Its head may take {self.patience.head_seconds:g} seconds."
            self._refuse(408, "slow", "The request took too long to arrive.", detail)
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
        self._not_begun = None
        if self.cycle is not None and not self.cycle.response_complete:
            # The application must not take the part of the request that it has for the whole.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
