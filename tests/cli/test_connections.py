"""Limits of a connection: requests that are too large, too slow, too many or not HTTP; and answers that no client
reads.
"""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from roadstead.api.answers import json_answer
from roadstead.domain.access.admission import Admission
from roadstead.domain.access.refusals import Refusals
from roadstead.domain.access.shares import Crowd, Places
from roadstead.domain.telemetry.metrics import Metrics
from roadstead.server.connections import MAX_HEAD_BYTES, Connection, Patience
from tests.live import serving

START = b"GET / HTTP/1.1\r\nHost: x\r\n"
LAST = b"Connection: close\r\n"


async def _hello(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    path = scope["path"].removeprefix("/2.0").removeprefix("/-")
    if path == "/large":
        await StreamingResponse(_pieces(), headers={"Content-Length": str(LARGE)})(scope, receive, send)
    elif path == "/whole":
        await json_answer({"asked": scope["query_string"].decode()})(scope, receive, send)
    elif path == "/last":
        await json_answer({}, headers={"Connection": "close"})(scope, receive, send)
    elif path == "/all":
        await PlainTextResponse(f"all {len(await Request(scope, receive).body())}")(scope, receive, send)
    else:
        body = await receive()
        if path == "/slow":
            await asyncio.sleep(0.2)
        await PlainTextResponse(f"hello {len(body['body'])}")(scope, receive, send)


async def _pieces() -> AsyncIterator[bytes]:
    """Yield a large answer in two pieces: the second waits until the client has taken of the first."""
    for _ in range(2):
        yield b"a" * (LARGE // 2)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(_hello) as address:
        yield address


def _sent(url: str, *pieces: bytes) -> bytes:
    """Return everything that is received when the pieces are sent, until the server closes or stops sending."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.settimeout(1)
        received = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
                if piece is not pieces[-1]:
                    time.sleep(0.05)  # so that each arrives separately
            while chunk := connection.recv(65536):
                received += chunk
        except OSError:
            pass
        return received


def _refusal(received: bytes) -> tuple[int, str]:
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"connection: close" in head
    document = json.loads(body)
    assert document["type"] == "error"
    return int(head.split()[1]), document["error"]["message"]


@pytest.mark.parametrize(
    "garbage", [b"GARBAGE\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00", START + b"a b: c\r\n\r\n"]
)
def test_what_is_no_http_is_refused_with_our_error_body(url: str, garbage: bytes) -> None:
    """A TLS hello or a broken line is a 400 that says so."""
    assert _refusal(_sent(url, garbage)) == (400, "The request is not valid HTTP.")


def test_a_request_with_a_broken_body_does_not_begin() -> None:
    """Where the head and the fault of the body arrive together, the refusal is the only answer, and nothing is done."""
    begun = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            begun.append(scope["method"])
            await _hello(scope, receive, send)

    broken = START.replace(b"GET", b"DELETE") + b"Transfer-Encoding: chunked\r\n\r\nno number\r\n"
    with serving(app) as url:
        received = _sent(url, broken)
        assert _status(url, "/2.0/x") == 200
    assert _refusal(received)[0] == 400
    assert begun == ["GET"]


@pytest.mark.parametrize(
    "pieces",
    [
        (START + b"X: " + b"a" * MAX_HEAD_BYTES,),
        (START + b"X: a\r\n" * (MAX_HEAD_BYTES // 6 + 1),),
        (START, b"X: " + b"a" * (MAX_HEAD_BYTES // 2), b"a" * (MAX_HEAD_BYTES // 2)),
        (b"GET /" + b"a" * MAX_HEAD_BYTES,),
    ],
    ids=["one header", "many headers", "in pieces", "a long path"],
)
def test_head_beyond_the_limit_is_refused(url: str, pieces: tuple[bytes, ...]) -> None:
    """A head of any kind is refused before its end has arrived."""
    assert _refusal(_sent(url, *pieces))[0] == 431


def test_head_up_to_the_limit_is_taken(url: str) -> None:
    """In one piece or several; a body does not count as a head, nor one head for another."""
    head = START + LAST + b"X: " + b"a" * (MAX_HEAD_BYTES - 100) + b"\r\n\r\n"
    assert b"hello" in _sent(url, head)
    assert b"hello" in _sent(url, head[:30_000], head[30_000:])
    small, last = START + b"X: a\r\n\r\n", START + LAST + b"\r\n"
    assert _sent(url, (small + last[:5])[:-3], (small + last[:5])[-3:], last[5:]).count(b"hello") == 2
    with httpx.Client(base_url=url, headers={"X": "a" * 60_000}) as client:
        assert [client.get("/").text for _ in range(3)] == ["hello 0"] * 3
    assert httpx.post(url, content=b"a" * 1_000_000).status_code == 200


def _with(patience: Patience) -> type[Connection]:
    """Return connections that wait so long for their client."""
    return type("Impatient", (Connection,), {"patience": patience})


def test_head_that_does_not_come_is_not_waited_for() -> None:
    """A silent connection is closed, and one that stops in the middle gets an answer that says so."""
    with serving(_hello, http=_with(Patience(head_seconds=0.1))) as url:
        with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as silent:
            silent.settimeout(30)
            assert silent.recv(1) == b""
        assert _refusal(_sent(url, START + b"X: a")) == (408, "The request took too long to arrive.")
        with httpx.Client(base_url=url) as client:
            assert [client.get("/slow").text for _ in range(2)] == ["hello 0"] * 2


POST = b"POST /all HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"


def test_body_that_does_not_come_is_not_waited_for() -> None:
    """A body that stops is answered so, also when it began with the head; an answer that was sent already is the last
    one.
    """
    with serving(_hello, http=_with(Patience(body_seconds=0.1))) as url:
        for pieces in ((POST,), (POST + b"a" * 99,), (POST, b"a" * 99), (POST[:-4], POST[-4:] + b"a")):
            assert _refusal(_sent(url, *pieces)) == (408, "The body took too long to arrive.")
        early = _sent(url, POST.replace(b"/all", b"/") + b"a")
        assert (early.count(b"HTTP/1.1 "), b"hello 1" in early) == (1, True)
        whole = POST + b"a" * 100
        assert _sent(url, whole + whole, whole.replace(b"Host: x\r\n", b"Host: x\r\n" + LAST)).count(b"all 100") == 3


def test_body_that_keeps_coming_is_waited_for() -> None:
    """Received bytes give time for the rest, so that a large body may take longer; then comes the next one."""
    patient = _with(Patience(body_seconds=0.1, body_bytes_per_second=10))
    with (
        serving(_hello, http=patient) as url,
        socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as connection,
    ):
        for _ in range(2):
            connection.sendall(POST + b"a" * 20)
            for _ in range(4):
                time.sleep(0.05)
                connection.sendall(b"a" * 20)
            received = b""
            while not received.endswith(b"\r\n\r\nall 100"):
                part = connection.recv(65536)
                assert part, received
                received += part


LARGE = 50_000_000
"""More than the system buffers for a client that does not read."""


def _taken(url: str, *, pause: float) -> int:
    """Return how much of a large answer arrives with a pause before each piece."""
    received = 0
    with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            while True:
                time.sleep(pause)
                piece = connection.recv(5_000_000, socket.MSG_WAITALL)
                received += len(piece)
                if not piece:
                    break
    return received


ONE, TWO = (b'{"asked":"%d"}' % number for number in (1, 2))


@pytest.mark.parametrize(
    ("requests", "answers", "closed"),
    [
        (["GET /whole?1 HTTP/1.1"], [ONE], False),
        (["GET /whole?1 HTTP/1.1", "GET /whole?2 HTTP/1.1"], [ONE, TWO], False),
        (["HEAD /whole?1 HTTP/1.1", "GET /whole?2 HTTP/1.1"], [b"", TWO], False),
        (["GET /slow HTTP/1.1", "GET /whole?2 HTTP/1.1"], [b"hello 0", TWO], False),
        (["GET /last HTTP/1.1", "GET /whole?2 HTTP/1.1"], [b"{}"], True),
        (["GET /whole?1 HTTP/1.0"], [ONE], True),
        (["GET /whole?1 HTTP/1.1\r\nConnection: close"], [ONE], True),
    ],
    ids=["one", "two at once", "head", "after another kind", "the app closes", "HTTP/1.0", "the client closes"],
)
def test_whole_answers_are_sent_as_any_other(url: str, requests: list[str], answers: list[bytes], closed: bool) -> None:
    """Each answer comes once, dated, in order, and the connection stays open exactly where it should."""
    received = _sent(url, "".join(f"{request}\r\nHost: x\r\n\r\n" for request in requests).encode())
    heads, bodies = [], []
    for answer in received.split(b"HTTP/1.1 200 OK\r\n")[1:]:
        head, _, body = answer.partition(b"\r\n\r\n")
        heads.append(head)
        bodies.append(body)
    assert bodies == answers
    assert (b"connection: close" in heads[-1].lower()) is closed
    assert all(b"date: " in head for head in heads)


def test_header_of_two_lines_is_no_answer() -> None:
    """No text from outside can end a header and begin another."""
    with pytest.raises(ValueError, match="would end early"):
        json_answer({}, headers={"Location": "/x\r\nSet-Cookie: y"})


def test_answer_that_nobody_takes_is_dropped() -> None:
    """A client that stops reading does not keep an answer in memory for ever; a slow one gets it all."""
    with serving(_hello, http=_with(Patience(answer_seconds=0.5))) as url:
        assert _taken(url, pause=0.12) > LARGE
    with serving(_hello, http=_with(Patience(answer_seconds=0.1))) as url:
        assert _taken(url, pause=0.3) < LARGE


@dataclass
class _Host:
    """The parts of a host that a connection uses."""

    admission: Admission
    is_for_this_machine: bool
    refusals: Refusals = field(default_factory=lambda: Refusals(Metrics()))


def _narrow(
    app: ASGIApp,
    *,
    connections: int = 100,
    requests: int = 4,
    unsent: int = 10**9,
    behind_a_proxy: bool = False,
    **limits: int,
) -> ASGIApp:
    """Serve the application with so much room; an address has three quarters of the requests.

    A request for `…/wait` is answered after one for `/-/health/go`.
    """
    go: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[dict[str, Any]]:
        admission = Admission(10_000, **limits)
        admission.connections = Crowd(connections, unsent)
        admission.callers = Places(requests, 3 * requests // 4)
        admission.operators = Places(1, 100)
        yield {"host": _Host(admission, is_for_this_machine=not behind_a_proxy)}

    starlette = Starlette(lifespan=lifespan)

    async def narrow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await starlette(scope, receive, send)
            return
        if scope["path"].endswith("/wait"):
            go.append(asyncio.get_running_loop().create_future())
            await go[-1]
        elif scope["path"].endswith("/go"):
            while go:
                go.pop().set_result(None)
        await app(scope, receive, send)

    return narrow


def _status(url: str, path: str) -> int:
    return httpx.get(f"{url}{path}").status_code


@contextlib.contextmanager
def _held(url: str, number: int, sent: bytes) -> Iterator[list[socket.socket]]:
    """Yield so many connections on which the same was sent, once the server has received it."""
    with contextlib.ExitStack() as stack:
        made = [
            stack.enter_context(socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)))
            for _ in range(number)
        ]
        for connection in made:
            connection.settimeout(10)
            connection.sendall(sent)
        httpx.get(f"{url}/-/health/live")
        yield made


WAIT = b"GET /2.0/wait HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE_ONE = WAIT.replace(b"/wait", b"/large")
UNFINISHED = b"POST /2.0/all HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na"
GO = "/-/health/go"


def test_requests_that_have_not_come_whole_take_no_place() -> None:
    """Any number of incomplete requests lets others be answered; each complete one needs a place, or is refused."""
    with serving(_narrow(_hello)) as url, _held(url, 20, UNFINISHED) as unfinished:
        assert _status(url, "/2.0/x") == 200
        with _held(url, 3, WAIT) as working:
            unfinished[0].sendall(b"aa")
            status, message = _refusal(_all_of(unfinished[0]))
            assert (status, message) == (503, "Roadstead is answering as many requests of this address as it can.")
            assert _status(url, GO) == 200
            assert all(b"hello 0" in connection.recv(65536) for connection in working)
        assert 200 in (_status(url, "/2.0/x") for _ in range(1000)), "their places are given back after their answers"
        unfinished[1].sendall(b"aa")
        assert b"all 3" in unfinished[1].recv(65536)


def test_a_request_that_is_refused_is_not_worked_on() -> None:
    """Neither one that arrived whole, nor one whose body the application was reading: the application learns that the
    client is gone.
    """
    heard = []

    async def hear(scope: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            message = await receive()
            heard.append((scope["path"], message["type"]))
            more = message.get("more_body", False)
        await PlainTextResponse("heard")(scope, receive, send)

    with serving(_narrow(hear)) as url, _held(url, 1, UNFINISHED) as (unfinished,), _held(url, 3, WAIT):
        heard.clear()
        assert _status(url, "/2.0/x") == 503
        unfinished.sendall(b"aa")
        assert _refusal(_all_of(unfinished))[0] == 503
        assert _status(url, GO) == 200
    assert ("/2.0/all", "http.disconnect") in heard
    assert "/2.0/x" not in dict(heard)


def test_requests_beyond_the_limit_are_told_to_come_back() -> None:
    """Running ones are finished; the others get a 503 immediately, and an answer when there is room again."""

    async def at_once(url: str) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=url) as client:
            return await asyncio.gather(*(client.get("/2.0/slow") for _ in range(8)))

    with serving(_narrow(_hello)) as url:
        answers = asyncio.run(at_once(url))
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [503] * 5
        busy = next(answer for answer in answers if answer.status_code == 503)
        assert (busy.headers["retry-after"], busy.json()["type"]) == ("1", "error")
        assert _status(url, "/2.0/x") == 200


def test_a_place_is_kept_for_a_client_that_has_gone() -> None:
    """A client that asks and leaves gets no more work done at a time than one that waits; afterwards the
    place is free.
    """
    with serving(_narrow(_hello)) as url:
        with _held(url, 3, WAIT):
            pass
        # The health check gives the requests that may go on the time to end.
        assert [_status(url, path) for path in ("/2.0/x", GO, "/-/health/live", "/2.0/x")] == [503, 200, 200, 200]


def test_health_and_operators_have_ways_of_their_own() -> None:
    """When callers have all places, operators have theirs; when these are taken, too, health needs none."""
    with serving(_narrow(_hello)) as url, _held(url, 3, WAIT):
        assert [_status(url, path) for path in ("/2.0/x", "/-/health/live", "/-/audit", "/")] == [503, 200, 200, 200]
        with _held(url, 1, WAIT.replace(b"/2.0/", b"/-/")):
            assert [_status(url, path) for path in ("/-/health/ready", "/-/audit", GO)] == [200, 503, 200]


@pytest.mark.parametrize(
    ("sent", "told"),
    [(b"", False), (b"GET /2.0/x HT", True), (UNFINISHED, True), (START + b"\r\n", False)],
    ids=["nothing", "head", "body", "idle"],
)
def test_a_new_connection_takes_the_place_of_one_that_waits(sent: bytes, told: bool) -> None:
    """The connection that has waited longest is closed, with an answer if it had sent a request; those at work stay."""
    with serving(_narrow(_hello, connections=24, requests=16)) as url, _held(url, 3, WAIT) as working:
        with _held(url, 8, sent) as waiting, _held(url, 2, b""):
            assert (b"503" in _all_of(waiting[0])) is told
            assert _status(url, GO) == 200
        assert all(b"hello 0" in connection.recv(65536) for connection in working)


class _Nowhere(asyncio.Transport):
    """A connection of which only the beginning matters."""

    def write(self, data: object) -> None: ...

    def close(self) -> None: ...


def test_of_a_burst_some_begin_in_each_turn_and_health_at_once() -> None:
    """Those that wait begin in the order in which they came, but not one whose client has gone meanwhile."""
    begun: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.append(scope["path"])
        await PlainTextResponse("")(scope, receive, send)

    async def run() -> None:
        config, shared, state = (
            uvicorn.Config(app, lifespan="off"),
            ServerState(),
            {"admission": Admission(10_000, begin_in_a_turn=1)},
        )
        config.load()
        paths = ("/2.0/a", "/2.0/b", "/2.0/gone", "/2.0/c", "/-/health/live")
        made = {path: Connection(config, shared, state) for path in paths}
        for connection in made.values():
            connection.connection_made(_Nowhere())
        for path, connection in made.items():
            connection.data_received(START.replace(b"GET /", b"GET " + path.encode()) + b"\r\n")
        made["/2.0/gone"].connection_lost(None)
        for _ in range(20):
            await asyncio.sleep(0)
        for connection in made.values():
            connection.connection_lost(None)

    asyncio.run(run())
    assert begun == ["/2.0/a", "/-/health/live", "/2.0/b", "/2.0/c"]


def test_a_request_that_waits_to_begin_is_told_when_others_need_the_room() -> None:
    """Its connection is closed with an answer, as that of a request which has not come whole."""
    narrow = _narrow(_hello, connections=8, begin_in_a_turn=0)
    with serving(narrow) as url, _held(url, 1, WAIT) as (waiting,), _held(url, 4, b""):
        assert b" 503 " in _all_of(waiting)


def test_an_answer_that_is_being_taken_takes_no_place() -> None:
    """A client that does not read its answer holds neither a place nor, when others need the room, its connection."""
    with serving(_narrow(_hello, connections=8)) as url, _held(url, 3, LARGE_ONE) as slow:
        assert _status(url, "/2.0/x") == 200
        with _held(url, 3, b""):
            assert len(_all_of(slow[0])) < LARGE


def test_answers_that_are_not_taken_are_dropped_when_they_are_too_many() -> None:
    """The first is dropped for the next, long before its time is over; the latest can still be read."""
    with serving(_narrow(_hello, unsent=3 * LARGE // 4)) as url, _held(url, 2, LARGE_ONE) as (first, last):
        assert len(_all_of(last)) > LARGE
        assert len(_all_of(first)) < LARGE


def _all_of(connection: socket.socket) -> bytes:
    """Return everything received on a connection until it is closed."""
    received = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(10_000_000):
            received += piece
            if len(received) > LARGE:
                break
    return bytes(received)


@pytest.mark.parametrize(
    ("header", "behind_a_proxy", "status"),
    [
        ("203.0.113.9", True, 503),
        ("198.51.100.1, 203.0.113.9", True, 503),
        ("203.0.113.9, 198.51.100.1", True, 200),
        ("198.51.100.1", True, 200),
        ("nobody", True, 200),
        (None, True, 200),
        ("198.51.100.1", False, 503),
        (None, False, 503),
    ],
)
def test_who_comes_through_a_proxy_has_a_share(header: str | None, behind_a_proxy: bool, status: int) -> None:
    """Behind a proxy, the last address of the header has the share; elsewhere anyone could write the header."""
    held = WAIT.replace(b"Host", b"X-Forwarded-For: 203.0.113.9\r\nHost")
    with serving(_narrow(_hello, behind_a_proxy=behind_a_proxy)) as url, _held(url, 3, held):
        headers = {} if header is None else {"X-Forwarded-For": header}
        assert httpx.get(f"{url}/2.0/x", headers=headers).status_code == status
        assert _status(url, GO) == 200


NO_HOST = b"GET / HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (NO_HOST, 400),
        (START + b"Host: y\r\n\r\n", 400),
        (START + b"HOST: x\r\n\r\n", 400),
        (NO_HOST.replace(b"1.1", b"1.0"), 200),
        (START.replace(b"1.1", b"1.0") + b"Host: y\r\n\r\n", 400),
        (START.replace(b": x", b":") + LAST + b"\r\n", 200),
    ],
)
def test_a_request_is_for_one_host(url: str, sent: bytes, status: int) -> None:
    """One `Host` is needed, and two are refused, because a proxy may use the other one; HTTP/1.0 has none."""
    received = _sent(url, sent)
    assert int(received.split()[1]) == status
    if status == 400:
        assert "Host header" in json.loads(received.partition(b"\r\n\r\n")[2])["error"]["detail"]


def test_trailers_are_no_headers() -> None:
    """The application does not see the fields after a body, at any time; it sees the next head."""
    seen = []

    async def look(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await Request(scope, receive).body()
            seen.append([name for name, _ in scope["headers"]])
            await PlainTextResponse("looked")(scope, receive, send)

    chunked = START + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nAuthorization: x\r\nHost: y\r\n\r\n"
    with serving(look) as url:
        assert _sent(url, chunked + START + LAST + b"\r\n").count(b"looked") == 2
        assert _sent(url, chunked[:-40], chunked[-40:] + START + LAST + b"\r\n").count(b"looked") == 2
    assert seen == [[b"host", b"transfer-encoding"], [b"host", b"connection"]] * 2
