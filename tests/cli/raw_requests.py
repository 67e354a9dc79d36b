"""Requests as bytes, and an application that answers them."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from roadstead.api.answers import json_answer

START = b"GET / HTTP/1.1\r\nHost: x\r\n"
LAST = b"Connection: close\r\n"

LARGE = 50_000_000
"""More than the system buffers for a client that does not read."""


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
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
            await asyncio.sleep(0.7)
        await PlainTextResponse(f"hello {len(body['body'])}")(scope, receive, send)


async def _pieces() -> AsyncIterator[bytes]:
    """Yield a large answer in two pieces: the second waits until the client has taken of the first."""
    for _ in range(2):
        yield b"a" * (LARGE // 2)


def sent(url: str, *pieces: bytes) -> bytes:
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


def refusal(received: bytes) -> tuple[int, str]:
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"connection: close" in head
    document = json.loads(body)
    assert document["type"] == "error"
    return int(head.split()[1]), document["error"]["message"]
