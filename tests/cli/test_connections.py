"""What a connection may do: requests that are too large, too slow, too many or no HTTP; and answers nobody takes."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from roadstead.api.answers import json_answer
from roadstead.cli import connections
from roadstead.cli.connections import MAX_HEAD_BYTES
from tests.live import serving

START = b"GET / HTTP/1.1\r\nHost: x\r\n"
LAST = b"Connection: close\r\n"


async def _hello(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    if scope["path"] == "/large":
        await PlainTextResponse("a" * LARGE)(scope, receive, send)
    elif scope["path"] == "/whole":
        await json_answer({"asked": scope["query_string"].decode()})(scope, receive, send)
    elif scope["path"] == "/last":
        await json_answer({}, headers={"Connection": "close"})(scope, receive, send)
    elif scope["path"] == "/all":
        await PlainTextResponse(f"all {len(await Request(scope, receive).body())}")(scope, receive, send)
    else:
        body = await receive()
        if scope["path"] == "/slow":
            await asyncio.sleep(0.2)
        await PlainTextResponse(f"hello {len(body['body'])}")(scope, receive, send)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(_hello) as address:
        yield address


def _sent(url: str, *pieces: bytes) -> bytes:
    """All that comes back when the pieces are sent, until the server closes or stops talking."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.settimeout(1)
        received = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
                if piece is not pieces[-1]:
                    time.sleep(0.05)  # so that each arrives by itself
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
    """However it is made up, and before its end has come."""
    assert _refusal(_sent(url, *pieces))[0] == 431


def test_head_up_to_the_limit_is_taken(url: str) -> None:
    """In one piece or several; and a body is not taken for a head, nor one head added to another."""
    head = START + LAST + b"X: " + b"a" * (MAX_HEAD_BYTES - 100) + b"\r\n\r\n"
    assert b"hello" in _sent(url, head)
    assert b"hello" in _sent(url, head[:30_000], head[30_000:])
    small, last = START + b"X: a\r\n\r\n", START + LAST + b"\r\n"
    assert _sent(url, (small + last[:5])[:-3], (small + last[:5])[-3:], last[5:]).count(b"hello") == 2
    with httpx.Client(base_url=url, headers={"X": "a" * 60_000}) as client:
        assert [client.get("/").text for _ in range(3)] == ["hello 0"] * 3
    assert httpx.post(url, content=b"a" * 1_000_000).status_code == 200


def test_head_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that says nothing is closed, one that stops in the middle is told so."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.1)
    with serving(_hello) as url:
        with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as silent:
            silent.settimeout(30)
            assert silent.recv(1) == b""
        assert _refusal(_sent(url, START + b"X: a")) == (408, "The request took too long to arrive.")
        with httpx.Client(base_url=url) as client:
            assert [client.get("/slow").text for _ in range(2)] == ["hello 0"] * 2


POST = b"POST /all HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"


def test_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that stops is told so, also when it began with the head; an answer that is out already is the last one."""
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.1)
    with serving(_hello) as url:
        for pieces in ((POST,), (POST + b"a" * 99,), (POST, b"a" * 99), (POST[:-4], POST[-4:] + b"a")):
            assert _refusal(_sent(url, *pieces)) == (408, "The body took too long to arrive.")
        early = _sent(url, POST.replace(b"/all", b"/") + b"a")
        assert (early.count(b"HTTP/1.1 "), b"hello 1" in early) == (1, True)
        whole = POST + b"a" * 100
        assert _sent(url, whole + whole, whole.replace(b"Host: x\r\n", LAST)).count(b"all 100") == 3


def test_body_that_keeps_coming_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has come gives time for the rest, so that a large body may take longer; and then for the next one."""
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.1)
    monkeypatch.setattr(connections, "BODY_BYTES_PER_SECOND", 10)
    with serving(_hello) as url, socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as connection:
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
"""More than the system keeps for a client that does not read."""


def _taken(url: str, *, pause: float) -> int:
    """How much of a large answer arrives when there is a pause before each piece."""
    received = 0
    with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            while True:
                time.sleep(pause)
                piece = connection.recv(10_000_000, socket.MSG_WAITALL)
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
    """Each answer comes once, dated, in order, and the connection stays open just where it should."""
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
    """Nothing that comes from elsewhere can end a header and begin another."""
    with pytest.raises(ValueError, match="would end early"):
        json_answer({}, headers={"Location": "/x\r\nSet-Cookie: y"})


def test_answer_that_nobody_takes_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that stops reading does not keep an answer in memory for ever; one that is slow gets it all."""
    with serving(_hello) as url:
        monkeypatch.setattr(connections, "ANSWER_SECONDS", 0.5)
        assert _taken(url, pause=0.12) > LARGE
        monkeypatch.setattr(connections, "ANSWER_SECONDS", 0.1)
        assert _taken(url, pause=0.3) < LARGE


def test_requests_beyond_the_limit_are_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those under way are finished; the others get a 503 at once, and an answer when there is room again."""
    monkeypatch.setattr(connections, "MAX_REQUESTS", 3)

    async def at_once(url: str) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=url) as client:
            return await asyncio.gather(*(client.get("/slow") for _ in range(8)))

    with serving(_hello) as url:
        answers = asyncio.run(at_once(url))
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [503] * 5
        busy = next(answer for answer in answers if answer.status_code == 503)
        assert (busy.headers["retry-after"], busy.json()["type"]) == ("1", "error")
        assert httpx.get(url).text == "hello 0"
