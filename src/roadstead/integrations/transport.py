"""One request on a connection to an address that may be called."""

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import httpcore

from roadstead.errors import OutgoingCallFailed
from roadstead.integrations.outbound import shown

CONNECT_SECONDS = 5.0

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Received:
    """An answer; its body was read until it was longer than the cap."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def exchange(
    method: str, url: str, *, headers: Mapping[str, str], body: bytes, cap: int, allow_loopback: bool
) -> Received:
    """Send one request and read its answer; redirects are answers. Raises `OutgoingCallFailed`."""
    try:
        async with (
            httpcore.AsyncConnectionPool(
                ssl_context=_tls() if url.lower().startswith("https:") else None,
                network_backend=_GuardedBackend(allow_loopback=allow_loopback),
            ) as pool,
            pool.stream(
                method,
                url,
                headers=list(headers.items()),
                content=body,
                extensions={"timeout": {"connect": CONNECT_SECONDS}},
            ) as response,
        ):
            return Received(
                status=response.status,
                headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers},
                body=await _read(response, cap),
            )
    except httpcore.ConnectTimeout as exc:
        raise OutgoingCallFailed(
            f"{shown(url)} did not accept a connection within {CONNECT_SECONDS:g} seconds.",
            "Is the address right, and reachable from this machine?",
        ) from exc
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, ssl.SSLError) as exc:
        raise OutgoingCallFailed(
            f"{shown(url)} cannot be reached: {_reason(exc)}.", "Is the app running at that address?"
        ) from exc


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections, but only to addresses that may be called."""

    def __init__(self, *, allow_loopback: bool) -> None:
        self._allow_loopback = allow_loopback
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
        for address in await _resolve(host, port):
            self._check(host, address)
            try:
                return await self._network.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except httpcore.NetworkError as exc:
                failure = exc
        raise failure or httpcore.ConnectError(f"{host} has no address")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)

    def _check(self, host: str, address: _Address) -> None:
        # An IPv4 address in IPv6 clothes is judged as what it reaches.
        plain = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
        if plain.is_loopback:
            if not self._allow_loopback:
                raise OutgoingCallFailed(
                    f"{host} is this machine, which may not be called.",
                    "Apps on this machine can be called only while Roadstead listens on loopback (--host 127.0.0.1).",
                )
        elif not plain.is_global or plain.is_multicast or plain.is_reserved or plain in _NAT64:
            raise OutgoingCallFailed(
                f"{host} has the address {address}, which is not a public one.",
                "Descriptors and lifecycle URLs must be at public addresses, or on this machine while developing.",
            )


@cache
def _tls() -> ssl.SSLContext:
    return httpcore.default_ssl_context()


async def _resolve(host: str, port: int) -> list[_Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as exc:
        raise OutgoingCallFailed(f"The name {host!r} cannot be resolved.", "Is the URL spelled right?") from exc
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    return list(dict.fromkeys(addresses))


async def _read(response: httpcore.Response, cap: int) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_stream():
        content += chunk
        if len(content) > cap:
            break
    return bytes(content)


def _reason(exc: BaseException) -> str:
    """What the operating system said, if it said anything: "Connection refused" helps more than what was tried."""
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed, {getattr(cause, 'verify_message', '') or cause.reason or cause}"
        if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
            return os.strerror(cause.errno)
        exc, cause = cause if str(cause) else exc, cause.__cause__ or cause.__context__
    return str(exc).rstrip(".") or type(exc).__name__
