"""Answers in pieces, and redirects, over real connections."""

import asyncio
import http.client
import socket
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from roadstead import app
from roadstead.api import streams
from roadstead.api.answers import Answer, Redirect
from roadstead.api.errors import RequestRefused
from roadstead.api.map import Map
from roadstead.api.needs import ANYONE, APP_JWT
from roadstead.api.openapi import document
from roadstead.api.operation import Call, Group, Media
from roadstead.api.streams import Stream
from roadstead.domain.host import Host
from roadstead.routes import MAP
from roadstead.server.connections import Connection, Patience
from tests.live import AppClient, LiveHost, RecordingApp, live_host

PIECE = b"p" * 64 * 1024
BINARY = Media("application/octet-stream")
STREAMS = Group("Streams", below="/2.0/streams")
OURS = Group("OwnStreams", below="/-/streams")
RUNNING: list[Host] = []
COUNTS: Counter[str] = Counter()
"""Pieces `made`, and iterators `begun` and `closed`."""


async def pieces(kind: str) -> AsyncGenerator[bytes, None]:
    COUNTS["begun"] += 1
    try:
        if kind == "refused":
            raise RequestRefused(409, "Not now.", "")
        if kind == "fails":
            raise OSError("The disk is gone.")
        if kind == "stuck at first":
            await asyncio.Event().wait()
        if kind == "empty":
            return
        if kind == "endless":
            while True:
                COUNTS["made"] += 1
                yield PIECE
        for piece in (b"one", b"", b", two"):
            yield piece
        if kind == "breaks":
            raise OSError("The disk is gone.")
        if kind == "stuck":
            await asyncio.Event().wait()
    finally:
        try:
            await asyncio.sleep(0)  # so that it is not closed unless this is awaited
        finally:
            COUNTS["closed"] += 1


LENGTHS = {"sized": 8, "short": 9, "long": 7, "empty sized": 0}


async def get_stream(call: Call) -> Answer:
    """Answer in pieces."""
    RUNNING[:] = [call.host]
    kind = call.path["kind"]
    headers = {"Connection": "close"} if kind == "last" else {"X-Kind": kind}
    made = pieces("empty" if kind.startswith("empty") else kind)
    return Stream(made, "application/octet-stream", length=LENGTHS.get(kind), headers=headers)


@STREAMS.get("/of-app/{kind}", needs=APP_JWT, gives={200: Media("text/plain")})
async def get_stream_of_app(call: Call) -> Answer:
    """Answer an app in pieces."""
    return Stream(pieces(call.path["kind"]), "text/plain; charset=utf-8")


@STREAMS.get("/moved/{to:rest}", needs=ANYONE, gives={302: None})
async def get_moved(call: Call) -> Answer:
    """Send the client to another address."""
    return Redirect(302, f"{call.host.base_url}/2.0/{call.path['to']}")


for group in (STREAMS, OURS):
    group.get("/{kind}", needs=ANYONE, gives={200: BINARY})(get_stream)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHost]:
    """Yield a host that has the operations of this file beside its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "MAP", Map([*MAP.groups, STREAMS, OURS]))
        with live_host(tmp_path_factory.mktemp("streams")) as running:
            yield running


@pytest.fixture(scope="module")
def running(host: LiveHost) -> Host:
    """Return the state of the running host."""
    httpx.get(f"{host.url}/2.0/streams/plain")
    return RUNNING[0]


def await_that(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def await_the_end(running: Host) -> None:
    """Wait until every iterator that was begun is closed and no place is taken."""
    await_that(lambda: COUNTS["begun"] == COUNTS["closed"])
    await_that(lambda: running.admission.callers.held == 0)
    assert not any(running.admission.of_installations.values())


def connected(host: LiveHost) -> socket.socket:
    parts = urlsplit(host.url)
    return socket.create_connection((parts.hostname, parts.port), timeout=30)


def head(kind: str, *, method: str = "GET", version: str = "1.1", below: str = "2.0", last: bool = False) -> bytes:
    close = "Connection: close\r\n" if last else ""
    return f"{method} /{below}/streams/{kind.replace(' ', '%20')} HTTP/{version}\r\nHost: x\r\n{close}\r\n".encode()


def answered(host: LiveHost, request: bytes) -> tuple[http.client.HTTPResponse, bytes | None]:
    """Return the answer as a client sees it, and its body, or `None` where the client sees that it is broken."""
    with connected(host) as connection:
        connection.sendall(request)
        answer = http.client.HTTPResponse(connection, method=request.split()[0].decode())
        answer.begin()
        try:
            return answer, answer.read()
        except (http.client.IncompleteRead, ConnectionResetError):
            return answer, None


@pytest.mark.sample(8)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("plain", 200, b"one, two"),
        ("sized", 200, b"one, two"),
        ("last", 200, b"one, two"),
        ("empty", 200, b""),
        ("empty sized", 200, b""),
        ("breaks", 200, None),
        ("short", 200, None),
        ("long", 200, None),
        ("refused", 409, ...),
        ("fails", 500, ...),
    ],
)
def test_a_client_gets_the_whole_body_or_sees_that_it_did_not(
    host: LiveHost, running: Host, version: str, kind: str, status: int, body: Any
) -> None:
    """Chunked, with a length, or up to the end of the connection; a failure is an error body only if it is first."""
    broken = running.metrics.closed["broken"]
    answer, received = answered(host, head(kind, version=version))
    await_the_end(running)
    assert running.metrics.closed["broken"] - broken == (body is None)
    assert answer.status == status
    assert (body is ... and received) or received == body
    if status == 200:
        length = LENGTHS.get(kind)
        chunked = length is None and version == "1.1"
        assert answer.headers["Content-Length"] == (None if length is None else str(length))
        assert answer.headers["Transfer-Encoding"] == ("chunked" if chunked else None)
        assert (answer.headers["Connection"] == "close") == (version == "1.0" or kind == "last")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize("kind", ["plain", "sized", "endless", "refused"])
def test_head_gets_the_headers_alone(host: LiveHost, kind: str) -> None:
    """HEAD has the status and the headers of GET, no byte of the body, and a connection for the next request."""
    with connected(host) as connection:
        connection.sendall(head(kind, method="HEAD") + head("plain", last=True))
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    first, second, body = received.split(b"\r\n\r\n", 2)
    assert first.startswith(b"HTTP/1.1 409" if kind == "refused" else b"HTTP/1.1 200")
    assert (b"content-length: 8" in first) == (kind == "sized")
    assert second.startswith(b"HTTP/1.1 200")
    assert body == b"3\r\none\r\n5\r\n, two\r\n0\r\n\r\n"


def test_a_connection_goes_on_after_a_stream(host: LiveHost) -> None:
    """One connection has many streams and whole answers, one after the other and pipelined."""
    with httpx.Client(base_url=host.url) as client:
        for kind in ("plain", "sized", "empty", "plain"):
            assert client.get(f"/2.0/streams/{kind}").content == (b"" if kind == "empty" else b"one, two")
            assert client.options(f"/2.0/streams/{kind}").headers["Allow"] == "GET, HEAD, OPTIONS"
    whole = b"GET /-/health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    with connected(host) as connection:
        connection.sendall(head("plain") + whole + head("sized") + head("plain", last=True))
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 4
    assert received.count(b"one, two") == 1
    assert received.endswith(b"3\r\none\r\n5\r\n, two\r\n0\r\n\r\n")


def test_answers_below_our_own_addresses_are_not_for_pages_of_other_sites(host: LiveHost) -> None:
    """As for whole answers, there is no CORS header below `/-/`."""
    answer, body = answered(host, head("plain", below="-"))
    assert body == b"one, two"
    assert answer.headers["Access-Control-Allow-Origin"] is None


def test_a_slow_client_holds_no_place_and_no_memory(host: LiveHost, running: Host) -> None:
    """While the client does not read, no piece is made and the place is free; when it reads, the next ones are made."""
    running.admission.few_requests = 0  # each takes a place
    with connected(host) as connection:
        connection.sendall(head("endless"))
        connection.recv(1)
        await_that(lambda: COUNTS["made"] and running.admission.callers.held == 0)
        waiting = COUNTS["made"]
        assert answered(host, head("plain"))[1] == b"one, two"
        assert COUNTS["made"] == waiting
        for _ in range(waiting + 8):
            connection.recv(len(PIECE), socket.MSG_WAITALL)
        assert COUNTS["made"] > waiting
        assert COUNTS["closed"] < COUNTS["begun"]


@pytest.mark.parametrize("kind", ["endless", "stuck"])
def test_a_client_that_leaves_ends_the_stream(host: LiveHost, running: Host, kind: str) -> None:
    """The iterator is closed while it waits for the client, and while it waits for something else."""
    with connected(host) as connection:
        connection.sendall(head(kind))
        assert connection.recv(1)
    await_the_end(running)


def test_a_client_that_does_not_read_is_disconnected(
    host: LiveHost, running: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that reads too little of a stream in a minute loses its connection, which closes the iterator."""
    monkeypatch.setattr(Connection, "patience", Patience(answer_seconds=0.05))
    with connected(host) as connection:
        connection.sendall(head("endless"))
        connection.recv(1)
        await_the_end(running)


def test_pieces_that_do_not_come_are_not_waited_for(
    host: LiveHost, running: Host, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream without progress breaks off, or is a 500 if it has not begun; the log and a metric say so."""
    monkeypatch.setattr(streams, "PIECE_SECONDS", 0.05)
    broken = running.metrics.closed["broken"]
    assert answered(host, head("stuck"))[1] is None
    assert answered(host, head("stuck at first"))[0].status == 500
    assert running.metrics.closed["broken"] == broken + 1
    assert "GET /2.0/streams/stuck broke off after 8 bytes" in caplog.text
    assert 'roadstead_closed_connections_total{reason="broken"}' in httpx.get(f"{host.url}/-/metrics").text


def test_a_stream_counts_as_a_running_request_of_its_app(
    host: LiveHost, running: Host, connect_app: RecordingApp
) -> None:
    """Until its end, a stream takes one of the app's share of running requests."""
    api = AppClient(host.url, host.install(connect_app))
    assert api("GET", "/2.0/streams/of-app/plain").text == "one, two"
    under_way = running.admission.of_installations
    target = "/2.0/streams/of-app/stuck"
    with connected(host) as connection:
        token = f"Authorization: JWT {api.token('GET', target)}\r\n"
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n{token}\r\n".encode())
        await_that(lambda: connection.recv(65536).endswith(b", two\r\n"))
        assert under_way[api.installation.id] == 1
    await_the_end(running)


def test_a_stream_is_recorded_at_its_end(host: LiveHost) -> None:
    """The record has the beginning of the body and the size of what was sent, of a broken stream, too."""
    for kind in ("plain", "breaks"):
        answered(host, head(kind, below="2.0"))
        found: list[dict[str, Any]] = []

        def is_there(kind: str = kind, found: list[dict[str, Any]] = found) -> bool:
            query = {"q": f'url = "/2.0/streams/{kind}"', "sort": "-id"}
            found[:] = httpx.get(f"{host.url}/-/requests", params=query).json()["values"]
            return bool(found)

        await_that(is_there)
        one = httpx.get(f"{host.url}/-/requests/{found[0]['id']}").json()
        assert (one["status"], one["answer_size"], one["answer"]["body"]) == (200, 8, "one, two")


def test_many_clients_that_leave_at_any_time_leave_nothing_behind(host: LiveHost, running: Host) -> None:
    """Streams that are read, broken, or left at some point at the same time all close their iterators."""

    def one(number: int) -> None:
        kind = ("plain", "sized", "breaks", "endless", "stuck", "short")[number % 6]
        with connected(host) as connection:
            connection.sendall(head(kind, version="1.0" if number % 4 == 0 else "1.1", last=True))
            if number % 5:
                connection.recv(number * 1000)

    begun = COUNTS["begun"]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(one, range(120)))
    await_the_end(running)
    assert COUNTS["begun"] > begun + 60


@pytest.mark.parametrize(
    ("to", "location"),
    [
        ("src/f00/README", "/2.0/src/f00/README"),
        ("src/a%20b%2Fc/%C3%A4", "/2.0/src/a%20b/c/%C3%A4"),
        ("src/%0D%0ASet-Cookie:%20a", "/2.0/src/%0D%0ASet-Cookie:%20a"),
    ],
)
def test_a_redirect_has_an_absolute_encoded_address(host: LiveHost, to: str, location: str) -> None:
    """What a URL cannot contain is encoded, a new line as well, so an address cannot become another header."""
    answer, body = answered(host, head(f"moved/{to}"))
    assert (answer.status, body) == (302, b"")
    assert answer.headers["Location"] == f"{host.url}{location}"
    assert answer.headers["Set-Cookie"] is None


def test_a_redirect_to_no_absolute_address_is_refused() -> None:
    """An address without a host would be one of whatever proxy the client uses."""
    with pytest.raises(ValueError, match="not absolute"):
        Redirect(301, "/2.0/user")


def test_the_document_has_streams_and_redirects() -> None:
    """A stream has its media type, a text among them a schema, and a redirect has `Location`."""
    paths = document(Map([STREAMS]), "http://x")["paths"]
    assert paths["/2.0/streams/{kind}"]["get"]["responses"]["200"]["content"] == {"application/octet-stream": {}}
    text = paths["/2.0/streams/of-app/{kind}"]["get"]["responses"]["200"]["content"]
    assert text == {"text/plain": {"schema": {"type": "string"}}}
    moved = paths["/2.0/streams/moved/{to}"]["get"]["responses"]["302"]
    assert (list(moved["headers"]), "content" in moved) == (["Location"], False)
