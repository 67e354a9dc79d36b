"""Calls to servers that misbehave: slow, endless, huge, redirecting, breaking off."""

import asyncio
import gzip
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import uvloop

from roadstead.domain.apps.fetching import MAX_BYTES, fetch_descriptor
from roadstead.errors import OutgoingCallFailed
from roadstead.outbound.calls import Answer, Outbound
from roadstead.outbound.lifecycle import call_app
from tests.certificates import self_signed
from tests.outbound.conftest import OK, Server, redirect_to

HEAD = b"HTTP/1.1 200 OK\r\n"
ENDLESS = HEAD + b"Connection: close\r\n\r\n"


def get(url: str, *, redirects: int = 0, cap: int = 1000, seconds: float = 5, connect_seconds: float = 5) -> Answer:
    outbound = Outbound(allow_loopback=True, total_seconds=seconds, connect_seconds=connect_seconds)
    return asyncio.run(outbound.send("GET", url, home=url, headers={}, cap=cap, redirects=redirects))


def test_what_is_sent(server: Server) -> None:
    """Path and query are sent unchanged, the fragment is not; no request asks for a compressed answer."""
    assert get(f"{server.url}a%2Fb;c?d=é%20".replace("é", "%C3%A9") + "#e").body == b"ok"
    request, _, headers = server.requests[0].partition(b"\r\n")
    assert request == b"GET /a%2Fb;c?d=%C3%A9%20 HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}\r\n".encode() in headers
    assert b"accept-encoding" not in headers.lower()


@pytest.mark.parametrize(
    ("answer", "drip"),
    [
        (ENDLESS + b"x" * 100_000, b""),
        (ENDLESS, b"x" * 1000),
        (ENDLESS, b"x"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (HEAD + b"Content-Length: 99999999999999\r\n\r\n", b"x" * 1000),
    ],
)
def test_an_answer_is_cut_at_the_cap(server: Server, answer: bytes, drip: bytes) -> None:
    """An endless body costs no more than the cap."""
    server.answers, server.drip = [answer], drip
    cut = get(server.url)
    assert (len(cut.body), cut.truncated) == (1000, True)


def test_a_descriptor_beyond_the_cap_is_refused(server: Server) -> None:
    """The cap is exact, and a cut descriptor is never read as a whole one."""
    outbound = Outbound(allow_loopback=True)
    server.answers = [ENDLESS + b" " * MAX_BYTES, ENDLESS + b" " * (MAX_BYTES + 1)]
    assert len(asyncio.run(fetch_descriptor(outbound, server.url))) == MAX_BYTES
    with pytest.raises(OutgoingCallFailed, match="larger than 1 MiB"):
        asyncio.run(fetch_descriptor(outbound, server.url))


def test_a_compressed_answer_stays_compressed(server: Server) -> None:
    """A few bytes that unpack to gigabytes stay a few bytes."""
    bomb = gzip.compress(bytes(10_000_000))
    server.answers = [ENDLESS.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n") + bomb]
    assert get(server.url, cap=64 * 1024).body == bomb


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("answer", "drip"),
    [
        (HEAD + b"X: " + b"x" * 1_000_000 + b"\r\n\r\n", b""),
        (HEAD, b"X: x\r\n"),
        (b"", b"x"),
        (HEAD + b"X:", b"x" * 99),
    ],
)
def test_a_huge_header_is_refused(server: Server, answer: bytes, drip: bytes) -> None:
    """Headers are not kept without limit while their end is awaited."""
    server.answers, server.drip = [answer], drip
    with pytest.raises(OutgoingCallFailed, match="cannot be reached"):
        get(server.url, seconds=30)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("answer", "drip"),
    [
        (b"", b""),
        (HEAD, b""),
        (HEAD + b"Content-Length: 50\r\n\r\nx", b""),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n32\r\nx", b""),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_a_server_that_never_ends_its_answer_is_given_up(server: Server, answer: bytes, drip: bytes) -> None:
    """The time limit is for the whole call, so sending a little from time to time gains nothing."""
    server.answers, server.drip, server.hold = [answer], drip, True
    with pytest.raises(OutgoingCallFailed, match=r"within 0\.3 seconds"):
        get(server.url, seconds=0.3)


def test_a_server_that_takes_no_connection_is_given_up() -> None:
    """Connecting has a separate limit, and the message says so."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as first, socket.socket() as second:
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        with pytest.raises(OutgoingCallFailed, match=r"accept a connection within 0\.2 seconds"):
            get(f"http://127.0.0.1:{full.getsockname()[1]}/", connect_seconds=0.2)


def _resetting(kind: type[asyncio.AbstractEventLoop], listener: socket.socket) -> asyncio.AbstractEventLoop:
    """Return an event loop of that kind in which the listener is closed while its connection is being handed over."""

    class Resetting(kind):  # type: ignore[valid-type,misc]  # a loop of either kind
        async def create_connection(self, *arguments: Any, **options: Any) -> Any:
            transport, protocol = await super().create_connection(*arguments, **options)
            listener.close()  # resets every connection that was not accepted
            while not transport.is_closing():
                await asyncio.sleep(0.001)
            return transport, protocol

    loop: asyncio.AbstractEventLoop = Resetting()
    return loop


@pytest.mark.parametrize("kind", [asyncio.SelectorEventLoop, uvloop.Loop])
def test_a_listener_that_is_closed_while_we_connect_is_explained(kind: type[asyncio.AbstractEventLoop]) -> None:
    """The connection was still in the queue of the app; the libraries' text about its reset is never shown."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        outbound = Outbound(allow_loopback=True)
        with (
            asyncio.Runner(loop_factory=lambda: _resetting(kind, listener)) as runner,
            pytest.raises(OutgoingCallFailed, match=f"{url} cannot be reached: [A-Z][a-z ]+\\.$"),
        ):
            runner.run(outbound.send("GET", url, home=url, headers={}))


def test_a_lifecycle_call_follows_no_redirect(server: Server) -> None:
    """A call with a secret goes only to the address in the descriptor; the redirect is the answer."""
    server.answers = [redirect_to("/elsewhere"), OK]
    answer = asyncio.run(
        call_app(Outbound(allow_loopback=True), server.url, {"sharedSecret": "s"}, None, home=server.url)
    )
    assert (answer.status, len(server.requests)) == (302, 1)


def test_proxies_of_the_environment_are_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve names, and its target could not be checked."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, server.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(OutgoingCallFailed, match="but private"):
        get("http://10.0.0.1/")
    assert get(server.url).body == b"ok"
    assert [request.split()[1] for request in server.requests] == [b"/"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        HEAD + b"Content-Length: 50\r\n\r\nshort",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nshort",
        b"HTTP/1.1 999999 No\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        redirect_to("http://["),
        redirect_to("http://10.0.0.1\0/"),
    ],
)
def test_a_server_that_breaks_off_is_explained(server: Server, answer: bytes) -> None:
    """Any answer is an `Answer` or `OutgoingCallFailed`."""
    server.answers = [answer]
    with pytest.raises(OutgoingCallFailed):
        get(server.url, redirects=3)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer", [b"hidden" * 1000 + b"\r\n\r\n", HEAD + b"X-Name: \0" + b"hidden" * 1000 + b"\r\n\r\n"]
)
def test_an_error_does_not_quote_the_server(server: Server, answer: bytes) -> None:
    """A server may repeat a secret of the request in an answer that is not HTTP, and make it long."""
    server.answers = [answer]
    with pytest.raises(OutgoingCallFailed, match="cannot be reached: Its answer is not HTTP") as refused:
        get(server.url)
    assert "hidden" not in refused.value.message


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/?token=hidden",
        "http://127.0.0.1:1/?token=hidden",
        "http://user:hidden@public.example/",
        "http://user:hidden@public.example:0/",
        "http://user:hidden@[",
        "ftp://user:hidden@public.example/",
        "http://public.example/?token=hid den",
    ],
)
def test_a_refusal_shows_no_secret(url: str) -> None:
    """User information and the query may hold one; messages are logged, kept and sent."""
    with pytest.raises(OutgoingCallFailed) as refused:
        get(url)
    assert "hid" not in refused.value.message + refused.value.detail


def test_a_certificate_that_nobody_vouches_for_is_refused(server: Server, tmp_path: Path) -> None:
    """A secret goes only to a server that can prove its name, unless a hook skips the check."""
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(self_signed())
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.tls.load_cert_chain(certificate)
    with pytest.raises(OutgoingCallFailed, match="TLS failed, self-signed certificate"):
        get(server.url.replace("http:", "https:"))
    assert server.requests == []
    outbound, url = Outbound(allow_loopback=True), server.url.replace("http:", "https:")

    async def unverified() -> int:
        answer = await outbound.post(url, home=url, headers={}, body=b"{}", cap=10, verify=False)
        await outbound.close()
        return answer.status

    assert asyncio.run(unverified()) == 200
