"""Places for requests and connections: how many a host has, who gets one, and who gives one up."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from roadstead.domain.access.admission import Admission
from roadstead.domain.access.refusals import Refusals
from roadstead.domain.access.shares import Crowd, Places
from roadstead.domain.telemetry.metrics import Metrics
from roadstead.server.connections import Connection
from tests.cli.raw_requests import LARGE, START, hello, refusal
from tests.live import serving


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
        admission.few_requests = 0
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
    with serving(_narrow(hello)) as url, _held(url, 20, UNFINISHED) as unfinished:
        assert _status(url, "/2.0/x") == 200
        with _held(url, 3, WAIT) as working:
            unfinished[0].sendall(b"aa")
            status, message = refusal(_all_of(unfinished[0]))
            assert (status, message) == (503, "Roadstead is answering as many requests of this address as it can.")
            assert _status(url, GO) == 200
            assert all(b"hello 0" in connection.recv(65536) for connection in working)
        assert 200 in (_status(url, "/2.0/x") for _ in range(1000)), "their places are given back after their answers"
        unfinished[1].sendall(b"aa")
        assert b"all 3" in unfinished[1].recv(65536)


def test_a_body_that_comes_after_its_answer_takes_no_place() -> None:
    """A body that arrives after the refusal of its request takes no place: no code would give that back."""
    with serving(_narrow(hello)) as url:
        with _held(url, 4, UNFINISHED.replace(b"/all", b"/early")) as answered:
            for connection in answered:
                assert b"hello" in connection.recv(65536)
                connection.sendall(b"aa")
            assert _status(url, "/2.0/x") == 200
        assert _status(url, "/2.0/x") == 200


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
        assert refusal(_all_of(unfinished))[0] == 503
        assert _status(url, GO) == 200
    assert ("/2.0/all", "http.disconnect") in heard
    assert "/2.0/x" not in dict(heard)


def test_requests_beyond_the_limit_are_told_to_come_back() -> None:
    """Running ones are finished; the others get a 503 immediately, and an answer when there is room again."""

    async def at_once(url: str) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=url) as client:
            return await asyncio.gather(*(client.get("/2.0/slow") for _ in range(8)))

    with serving(_narrow(hello)) as url:
        answers = asyncio.run(at_once(url))
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [503] * 5
        busy = next(answer for answer in answers if answer.status_code == 503)
        assert (busy.headers["retry-after"], busy.json()["type"]) == ("1", "error")
        assert _status(url, "/2.0/x") == 200


def test_a_place_is_kept_for_a_client_that_has_gone() -> None:
    """A client that asks and leaves gets no more work done at a time than one that waits; afterwards the
    place is free.
    """
    with serving(_narrow(hello)) as url:
        with _held(url, 3, WAIT):
            pass
        # The health check gives the requests that may go on the time to end.
        assert [_status(url, path) for path in ("/2.0/x", GO, "/-/health/live", "/2.0/x")] == [503, 200, 200, 200]


@pytest.mark.parametrize(
    ("path", "is_for_callers"),
    [
        ("/acme/widgets", True),
        ("/acme/widgets/src/main/workspace/", True),
        ("/acme/workspace/overview", False),
        ("/account/Ada/avatar", False),
        ("/atlassian-connect/all.js", False),
        ("/%7Bx%7D", False),
    ],
)
def test_pages_of_repositories_are_among_the_callers(path: str, is_for_callers: bool) -> None:
    """Strangers read public ones, and must not take the operators' places."""
    admission = Admission(10_000)
    assert admission.places(path) is (admission.callers if is_for_callers else admission.operators)


def test_health_and_operators_have_ways_of_their_own() -> None:
    """When callers have all places, operators have theirs; when these are taken, too, health needs none."""
    with serving(_narrow(hello)) as url, _held(url, 3, WAIT):
        assert [_status(url, path) for path in ("/2.0/x", "/-/health/live", "/-/audit", "/")] == [503, 200, 200, 200]
        with _held(url, 1, WAIT.replace(b"/2.0/", b"/-/")):
            assert [_status(url, path) for path in ("/-/health/ready", "/-/audit", GO)] == [200, 503, 200]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        pytest.param(b"", False, id="nothing"),
        pytest.param(b"GET /2.0/x HT", True, id="head"),
        pytest.param(UNFINISHED, True, id="body"),
        pytest.param(START + b"\r\n", False, id="idle", marks=pytest.mark.slow),
    ],
)
def test_a_new_connection_takes_the_place_of_one_that_waits(sent: bytes, told: bool) -> None:
    """The connection that has waited longest is closed, with an answer if it had sent a request; those at work stay."""
    with serving(_narrow(hello, connections=24, requests=16)) as url, _held(url, 3, WAIT) as working:
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
    narrow = _narrow(hello, connections=8, begin_in_a_turn=0)
    with serving(narrow) as url, _held(url, 1, WAIT) as (waiting,), _held(url, 4, b""):
        assert b" 503 " in _all_of(waiting)


def test_an_answer_that_is_being_taken_takes_no_place() -> None:
    """A client that does not read its answer holds neither a place nor, when others need the room, its connection."""
    with serving(_narrow(hello, connections=8)) as url, _held(url, 3, LARGE_ONE) as slow:
        assert _status(url, "/2.0/x") == 200
        with _held(url, 3, b""):
            assert len(_all_of(slow[0])) < LARGE


def test_answers_that_are_not_taken_are_dropped_when_they_are_too_many() -> None:
    """The first is dropped for the next, long before its time is over; the latest can still be read."""
    with serving(_narrow(hello, unsent=3 * LARGE // 4)) as url, _held(url, 2, LARGE_ONE) as (first, last):
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


@pytest.mark.sample(2)
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
    with serving(_narrow(hello, behind_a_proxy=behind_a_proxy)) as url, _held(url, 3, held):
        headers = {} if header is None else {"X-Forwarded-For": header}
        assert httpx.get(f"{url}/2.0/x", headers=headers).status_code == status
        assert _status(url, GO) == 200
