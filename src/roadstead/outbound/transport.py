"""Requests on connections to addresses that may be called."""

import asyncio
import ipaddress
import logging
import os
import socket
import ssl
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from urllib.parse import SplitResult

import httpcore

from roadstead.errors import NameNotResolved, OutgoingCallFailed
from roadstead.outbound.addresses import Reach, kind_of
from roadstead.outbound.calls import shown
from roadstead.targets import Address

MOST_CONNECTIONS = 200
"""Of one pool: more than requests are sent at once, so that none waits for a slow server's."""
KEPT_SECONDS = 4.0
"""How long an idle connection is kept: less than servers keep it, most of them 5 seconds or longer."""

if find_spec("sniffio") is None:
    # httpcore tries to import it several times for each request, and looks through all folders each time: a fifth of
    # the processor time of a delivery. An entry without a module lets the import fail at once.
    sys.modules["sniffio"] = None  # type: ignore[assignment]

log = logging.getLogger("roadstead.outbound")

_EXPLAINED = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    OSError,
)
"""Errors whose text describes a connection; the text of others describes code."""


@dataclass(frozen=True, slots=True)
class Received:
    """An answer; its body was read until it was longer than the cap. `public` is the address it came from."""

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
        self._connect_seconds = connect_seconds
        self._network = _GuardedBackend(reach)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_tls(verify) if scheme == "https" else None,
            network_backend=self._network,
            max_connections=MOST_CONNECTIONS,
            keepalive_expiry=KEPT_SECONDS,
        )

    async def exchange(
        self, method: str, url: SplitResult, *, headers: Mapping[str, str], body: bytes, cap: int
    ) -> Received:
        """Send one request and read its answer; redirects are answers. Raise `OutgoingCallFailed`."""
        # Built from the checked parts, so that no second reading of the URL can differ from the first.
        target = httpcore.URL(
            scheme=url.scheme,
            host=url.hostname or "",
            port=url.port,
            target=(url.path or "/") + (f"?{url.query}" if url.query else ""),
        )
        self.running += 1
        try:
            async with self._pool.stream(
                method,
                target,
                headers=[("Host", url.netloc), *headers.items()],
                content=body,
                extensions={"timeout": {"connect": self._connect_seconds}},
            ) as response:
                return Received(
                    status=response.status,
                    headers={
                        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
                    },
                    body=await _read(response, cap),
                    public=self._network.reached_public,
                )
        except httpcore.ConnectTimeout as exc:
            raise OutgoingCallFailed(
                f"{shown(url.geturl())} did not accept a connection within {self._connect_seconds:g} seconds.",
                "Is the address right, and reachable from this machine?",
            ) from exc
        except OutgoingCallFailed:
            raise
        except Exception as exc:
            # A connection that is reset while it is made raises an error of any layer and type.
            raise OutgoingCallFailed(
                f"{shown(url.geturl())} cannot be reached: {_reason(exc)}.",
                "Is the app running at that address?",
                may_have_arrived=not isinstance(exc, httpcore.ConnectError),
            ) from exc
        finally:
            self.running -= 1

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections, but only to addresses that may be called.

    A name is resolved once, and the connection is made to an address that was checked, never to the name.
    """

    def __init__(self, reach: Reach) -> None:
        self.reached_public = False
        self._reach = reach
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception | None = None
        addresses = await _resolve(host, port)
        # All before the first connection: a server with a public and a private address is suspicious.
        for address in addresses:
            self._reach.check(host, port, address)
        for address in addresses:
            try:
                stream = await self._network.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.NetworkError, httpcore.ConnectTimeout) as exc:
                failure = exc
            else:
                self.reached_public = kind_of(address) is None
                return stream
        raise failure or httpcore.ConnectError(f"{host} has no address")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


@cache
def _tls(verify: bool) -> ssl.SSLContext:
    context = httpcore.default_ssl_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise NameNotResolved(f"The name {host!r} cannot be resolved.", "Is the URL spelled right?") from exc
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    return list(dict.fromkeys(addresses))


async def _read(response: httpcore.Response, cap: int) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_stream():
        content += chunk
        if len(content) > cap:
            break
    return bytes(content)


def _reason(exc: Exception) -> str:
    """Return the operating system's message, if any: "Connection refused" helps more than the attempt.

    What the server sent is left out: h11 quotes up to 100 KB of it, which may repeat a secret of the request.
    """
    last: BaseException = exc
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed, {getattr(cause, 'verify_message', '') or cause.reason or cause}"
        if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
            return os.strerror(cause.errno)
        last, cause = cause if str(cause) else last, cause.__cause__ or cause.__context__
    if not isinstance(exc, _EXPLAINED):
        log.warning("a connection failed with %r", exc)
        return "The connection was closed"
    return str(last).partition(": bytearray(")[0].rstrip(".") or type(last).__name__
