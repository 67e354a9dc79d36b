"""Calls to apps that misbehave: slow, endless, redirecting, breaking off."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from roadstead.errors import OutgoingCallFailed
from roadstead.integrations.outbound import Answer, Outbound


@contextlib.contextmanager
def _answering(*answers: bytes, hold: bool = False) -> Iterator[str]:
    """A server that answers its connections with these bytes, one after the other."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    done = threading.Event()

    def serve() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(answer.replace(b"{url}", url.encode()))
                if hold:
                    done.wait(10)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield url
    finally:
        done.set()
        thread.join(5)
        listener.close()


def _get(url: str, *, redirects: int = 0, cap: int = 1000, seconds: float = 5) -> Answer:
    outbound = Outbound(allow_loopback=True, total_seconds=seconds)
    return asyncio.run(outbound.send("GET", url, headers={}, cap=cap, redirects=redirects))


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: {url}/next\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def test_an_answer_is_cut_at_the_cap() -> None:
    """An endless body costs no more than the cap."""
    with _answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 100_000) as url:
        answer = _get(url)
    assert (len(answer.body), answer.truncated) == (1000, True)


def test_redirects_are_followed_only_where_allowed() -> None:
    """A descriptor may move, a lifecycle call may not; a loop ends."""
    with _answering(REDIRECT, OK) as url:
        assert _get(url, redirects=3).body == b"ok"
    with _answering(REDIRECT) as url:
        assert _get(url).status == 302
    with _answering(*[REDIRECT] * 4) as url, pytest.raises(OutgoingCallFailed, match="redirects too often"):
        _get(url, redirects=3)


@pytest.mark.parametrize(
    "target", [b"http://10.0.0.1/", b"file:///etc/passwd", b"http://169.254.169.254/", b"http://[::ffff:10.0.0.1]/"]
)
def test_a_redirect_gains_nothing(target: bytes) -> None:
    """Each target is checked like the first."""
    answer = b"HTTP/1.1 302 Found\r\nLocation: " + target + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with _answering(answer) as url, pytest.raises(OutgoingCallFailed):
        _get(url, redirects=3)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
        b"HTTP/1.1 999999 No\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_server_that_breaks_off_is_explained(answer: bytes) -> None:
    """Whatever comes back, it is an answer or `OutgoingCallFailed`."""
    with _answering(answer) as url, pytest.raises(OutgoingCallFailed):
        _get(url, redirects=3)


def test_a_server_that_never_ends_its_answer_is_given_up() -> None:
    """The time limit is for the whole call, so dripping bytes gains nothing."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nx"
    with _answering(answer, hold=True) as url, pytest.raises(OutgoingCallFailed, match=r"within 0\.3 seconds"):
        _get(url, seconds=0.3)
