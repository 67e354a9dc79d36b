"""Requests on connections to addresses that may be called.

Written on httptools' parser: with a general client, it took four fifths of the processor time of a delivery.
"""

import asyncio
import logging
import os
import re
import ssl
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult

from roadstead.errors import OutgoingCallFailed
from roadstead.outbound.addresses import Reach
from roadstead.outbound.calls import shown
from roadstead.outbound.connecting import connect, tls_context
from roadstead.outbound.wire import Broken, Connection

KEPT_SECONDS = 4.0
"""How long an idle connection is kept: less than servers keep it, most of them 5 seconds or longer."""

log = logging.getLogger("roadstead.outbound")

_HEADER = re.compile(rb"[!#-'*+.0-9A-Z^-z|~-]+: [\t -~\x80-\xff]*")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Received:
    """An answer; its body was read until it was longer than the cap. `public` says that its address is public."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    public: bool


async def exchange(
    method: str,
    url: SplitResult,
    *,
    headers: Mapping[str, str],
    body: bytes,
    cap: int,
    reach: Reach,
    connect_seconds: float,
) -> Received:
    """Send one request on a connection of its own. Raise `OutgoingCallFailed`."""
    connections = Connections(url.scheme, reach, connect_seconds=connect_seconds)
    try:
        return await connections.exchange(method, url, headers=headers, body=body, cap=cap)
    finally:
        await connections.close()


class Connections:
    """Connections to addresses that may be called, kept open for later requests for some seconds.

    Without `verify`, the certificate of a server is not checked. `running` is how many requests are being sent.
    """

    def __init__(self, scheme: str, reach: Reach, *, connect_seconds: float, verify: bool = True) -> None:
        self.running = 0
        self._scheme = scheme
        self._reach = reach
        self._connect_seconds = connect_seconds
        self._verify = verify
        self._idle: defaultdict[tuple[str, int], dict[Connection, asyncio.TimerHandle]] = defaultdict(dict)

    async def exchange(
        self, method: str, url: SplitResult, *, headers: Mapping[str, str], body: bytes, cap: int
    ) -> Received:
        """Send one request and read its answer; redirects are answers. Raise `OutgoingCallFailed`."""
        place = url.hostname or "", url.port or _PORTS[self._scheme]
        self.running += 1
        try:
            request = _request(method, url, headers, body)
            connection = self._take(place) or await self._connect(place, url)
            try:
                read = await connection.exchange(request, cap)
            except Exception as exc:
                # A connection that is reset while it is made raises an error of any layer and type.
                raise _unreachable(url, exc, may_have_arrived=True) from exc
            self._keep(place, connection)
            return Received(read.status, read.headers, read.body, connection.is_public)
        finally:
            self.running -= 1

    async def _connect(self, place: tuple[str, int], url: SplitResult) -> Connection:
        tls = tls_context(self._verify) if self._scheme == "https" else None
        try:
            return await connect(*place, self._reach, tls=tls, seconds=self._connect_seconds)
        except OutgoingCallFailed:
            raise
        except TimeoutError as exc:
            raise OutgoingCallFailed(
                f"{shown(url.geturl())} did not accept a connection within {self._connect_seconds:g} seconds.",
                "Is the address right, and reachable from this machine?",
            ) from exc
        except Exception as exc:
            raise _unreachable(url, exc, may_have_arrived=False) from exc

    def _take(self, place: tuple[str, int]) -> Connection | None:
        """Return an idle connection, the last one used."""
        idle = self._idle[place]
        while idle:
            connection, timer = idle.popitem()
            timer.cancel()
            if connection.is_reusable:
                return connection
        del self._idle[place]
        return None

    def _keep(self, place: tuple[str, int], connection: Connection) -> None:
        if connection.is_reusable:
            timer = asyncio.get_running_loop().call_later(KEPT_SECONDS, self._drop, place, connection)
            self._idle[place][connection] = timer

    def _drop(self, place: tuple[str, int], connection: Connection) -> None:
        connection.abort()
        self._idle[place].pop(connection)
        if not self._idle[place]:
            del self._idle[place]

    async def close(self) -> None:
        """Close the idle connections."""
        idle = [pair for kept in self._idle.values() for pair in kept.items()]
        self._idle.clear()
        for _, timer in idle:
            timer.cancel()
        for connection, _ in idle:
            await connection.close()


def _request(method: str, url: SplitResult, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the bytes of a request, made of the checked parts of its URL: a second reading could differ."""
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    pairs = {"Host": url.netloc, **headers, "Content-Length": str(len(body))}
    lines = [f"{name}: {value}".encode("latin-1", "replace") for name, value in pairs.items()]
    if not all(map(_HEADER.fullmatch, lines)):
        raise OutgoingCallFailed(
            f"A header for {shown(url.geturl())} contains a character that is not allowed.", "Remove it."
        )
    return b"\r\n".join((f"{method} {target} HTTP/1.1".encode(), *lines, b"", body))


def _unreachable(url: SplitResult, exc: Exception, *, may_have_arrived: bool) -> OutgoingCallFailed:
    return OutgoingCallFailed(
        f"{shown(url.geturl())} cannot be reached: {_reason(exc)}.",
        "Is the app running at that address?",
        may_have_arrived=may_have_arrived,
    )


def _reason(exc: Exception) -> str:
    """Return the operating system's message, if any: "Connection refused" helps more than the attempt.

    It quotes nothing that the server sent, which may repeat a secret of the request.
    """
    if isinstance(exc, ssl.SSLError):
        return f"TLS failed, {getattr(exc, 'verify_message', '') or exc.reason or exc}"
    if isinstance(exc, OSError) and exc.errno is not None and exc.errno > 0:
        return os.strerror(exc.errno)
    if isinstance(exc, Broken):
        return str(exc)
    # The text of other errors describes code.
    log.warning("a connection failed with %r", exc)
    return "The connection was closed"
