"""One connection: requests that are too large, too slow or not HTTP, and answers that no client reads."""

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
from roadstead.server.connections import MAX_HEAD_BYTES, Connection, Patience
from tests.cli.raw_requests import LARGE, LAST, START, hello, refusal, sent
from tests.live import serving


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(hello) as address:
        yield address


@pytest.mark.parametrize(
    "garbage", [b"GARBAGE\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00", START + b"a b: c\r\n\r\n"]
)
def test_what_is_no_http_is_refused_with_our_error_body(url: str, garbage: bytes) -> None:
    """A TLS hello or a broken line is a 400 that says so."""
    assert refusal(sent(url, garbage)) == (400, "The request is not valid HTTP.")


def test_a_request_with_a_broken_body_does_not_begin() -> None:
    """Where the head and the fault of the body arrive together, the refusal is the only answer, and nothing is done."""
    begun = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            begun.append(scope["method"])
            await hello(scope, receive, send)

    broken = START.replace(b"GET", b"DELETE") + b"Transfer-Encoding: chunked\r\n\r\nno number\r\n"
    with serving(app) as url:
        received = sent(url, broken)
        assert httpx.get(f"{url}/2.0/x").status_code == 200
    assert refusal(received)[0] == 400
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
    assert refusal(sent(url, *pieces))[0] == 431


def test_head_up_to_the_limit_is_taken(url: str) -> None:
    """In one piece or several; a body does not count as a head, nor one head for another."""
    head = START + LAST + b"X: " + b"a" * (MAX_HEAD_BYTES - 100) + b"\r\n\r\n"
    assert b"hello" in sent(url, head)
    assert b"hello" in sent(url, head[:30_000], head[30_000:])
    small, last = START + b"X: a\r\n\r\n", START + LAST + b"\r\n"
    assert sent(url, (small + last[:5])[:-3], (small + last[:5])[-3:], last[5:]).count(b"hello") == 2
    with httpx.Client(base_url=url, headers={"X": "a" * 60_000}) as client:
        assert [client.get("/").text for _ in range(3)] == ["hello 0"] * 3
    assert httpx.post(url, content=b"a" * 1_000_000).status_code == 200


def _with(patience: Patience) -> type[Connection]:
    """Return connections that wait so long for their client."""
    return type("Impatient", (Connection,), {"patience": patience})


def test_head_that_does_not_come_is_not_waited_for() -> None:
    """A silent connection is closed, and one that stops in the middle gets an answer that says so."""
    with serving(hello, http=_with(Patience(head_seconds=0.5))) as url:
        with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as silent:
            silent.settimeout(30)
            assert silent.recv(1) == b""
        assert refusal(sent(url, START + b"X: a")) == (408, "The request took too long to arrive.")
        with httpx.Client(base_url=url) as client:
            assert [client.get(path).text for path in ("/slow", "/")] == ["hello 0"] * 2


POST = b"POST /all HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"


def test_body_that_does_not_come_is_not_waited_for() -> None:
    """A body that stops is answered so, also when it began with the head; an answer that was sent already is the last
    one.
    """
    with serving(hello, http=_with(Patience(body_seconds=0.3))) as url:
        for pieces in ((POST,), (POST + b"a" * 99,), (POST, b"a" * 99), (POST[:-4], POST[-4:] + b"a")):
            assert refusal(sent(url, *pieces)) == (408, "The body took too long to arrive.")
        early = sent(url, POST.replace(b"/all", b"/") + b"a")
        assert (early.count(b"HTTP/1.1 "), b"hello 1" in early) == (1, True)
        whole = POST + b"a" * 100
        assert sent(url, whole + whole, whole.replace(b"Host: x\r\n", b"Host: x\r\n" + LAST)).count(b"all 100") == 3


def test_body_that_keeps_coming_is_waited_for() -> None:
    """Received bytes give time for the rest, so that a large body may take longer; then comes the next one."""
    patient = _with(Patience(body_seconds=0.1, body_bytes_per_second=10))
    with (
        serving(hello, http=patient) as url,
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


@pytest.mark.sample(3)
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
    received = sent(url, "".join(f"{request}\r\nHost: x\r\n\r\n" for request in requests).encode())
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


@pytest.mark.slow
def test_answer_that_nobody_takes_is_dropped() -> None:
    """A client that stops reading does not keep an answer in memory for ever; a slow one gets it all."""
    with serving(hello, http=_with(Patience(answer_seconds=0.5))) as url:
        assert _taken(url, pause=0.12) > LARGE
    with serving(hello, http=_with(Patience(answer_seconds=0.1))) as url:
        assert _taken(url, pause=0.3) < LARGE


NO_HOST = b"GET / HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (NO_HOST, 400),
        (START + b"Host: y\r\n\r\n", 400),
        (START + b"HOST: x\r\n\r\n", 400),
        (NO_HOST.replace(b"1.1", b"1.0"), 200),
        (START.replace(b"1.1", b"1.0") + b"Host: y\r\n\r\n", 400),
        (START.replace(b": x", b":") + LAST + b"\r\n", 200),
    ],
)
def test_a_request_is_for_one_host(url: str, head: bytes, status: int) -> None:
    """One `Host` is needed, and two are refused, because a proxy may use the other one; HTTP/1.0 has none."""
    received = sent(url, head)
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
        assert sent(url, chunked + START + LAST + b"\r\n").count(b"looked") == 2
        assert sent(url, chunked[:-40], chunked[-40:] + START + LAST + b"\r\n").count(b"looked") == 2
    assert seen == [[b"host", b"transfer-encoding"], [b"host", b"connection"]] * 2
