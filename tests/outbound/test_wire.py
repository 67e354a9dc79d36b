"""Answers as servers write them, and whether their connection carries the next request."""

import asyncio

import pytest

from roadstead.outbound import transport
from roadstead.outbound.calls import Outbound

OK = b"HTTP/1.1 200 OK\r\n"


async def _call_twice(answers: list[bytes]) -> tuple[list[tuple[int, bytes]], int]:
    """Post twice to a server that gives these answers; return what was read, and how many connections there were."""
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while answers and await reader.readuntil(b"\r\n\r\n{}"):
            writer.write(answer := answers.pop(0))
            if b"\r\nEnd: here" in answer:
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    outbound = Outbound(allow_loopback=True)
    async with server:
        calls = [await outbound.post(url, home=url, headers={}, body=b"{}", cap=100) for _ in range(2)]
        await outbound.close()
    return [(call.status, call.body) for call in calls], connections


@pytest.mark.parametrize(
    ("first", "read", "connections"),
    [
        (OK + b"Content-Length: 2\r\n\r\nok", (200, b"ok"), 1),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b""), 1),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\nTrailer: x\r\n\r\n", (200, b"ok"), 1),
        (b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok", (200, b"ok"), 1),
        (OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok", (200, b"ok"), 2),
        (OK + b"End: here\r\n\r\nok", (200, b"ok"), 2),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", (200, b"ok"), 2),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", (200, b"ok"), 2),
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: unknown\r\n\r\n", (204, b""), 2),
        (OK + b"Content-Length: 200\r\n\r\n" + b"x" * 200, (200, b"x" * 100), 2),
        (OK + b"Content-Length: 2\r\n\r\nokHTTP/1.1 418 Smuggled\r\nContent-Length: 0\r\n\r\n", (200, b"ok"), 2),
    ],
)
def test_an_answer_ends_where_it_says(first: bytes, read: tuple[int, bytes], connections: int) -> None:
    """Each form of answer is read to its end; a connection whose state is not certain carries no other request."""
    second = OK + b"Content-Length: 6\r\n\r\nsecond"
    assert asyncio.run(_call_twice([first, second])) == ([read, (200, b"second")], connections)


async def _call_around_a_stray_answer() -> list[bytes]:
    """Post, get another answer that no request asked for, and post again; return the bodies."""
    answered, closed = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(
            OK + (b"Content-Length: 6\r\n\r\nsecond" if closed.is_set() else b"Content-Length: 5\r\n\r\nfirst")
        )
        await answered.wait()
        if not closed.is_set():
            writer.write(OK + b"Content-Length: 5\r\n\r\nstray")
            await reader.read()
            closed.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    outbound = Outbound(allow_loopback=True)
    async with server, asyncio.timeout(30):
        bodies = [(await outbound.post(url, home=url, headers={}, body=b"{}", cap=100)).body]
        answered.set()
        await closed.wait()
        bodies.append((await outbound.post(url, home=url, headers={}, body=b"{}", cap=100)).body)
        await outbound.close()
    return bodies


def test_an_answer_to_no_request_closes_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is never taken for the answer to the next request, which may be another person's."""
    monkeypatch.setattr(transport, "KEPT_SECONDS", 60)
    assert asyncio.run(_call_around_a_stray_answer()) == [b"first", b"second"]
