"""Outgoing HTTP, guarded: descriptors and lifecycle URLs are chosen by strangers.

The address that is connected to is checked, not the name in the URL, so a name that resolves differently the second
time, or a redirect, gains nothing. Proxies from the environment are not used. An answer is read up to a cap and
within a total time.
"""

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpcore

from roadstead.errors import OutgoingCallFailed

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0
"""How long an app has for an answer: the webhook timeout that Bitbucket documents."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is cut at the cap, `truncated` says whether it was."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool
    duration_ms: int

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Outbound:
    """Sends requests to public addresses; to this machine only when `allow_loopback` is set."""

    def __init__(self, *, allow_loopback: bool, total_seconds: float = TOTAL_SECONDS) -> None:
        self._guard = _GuardedBackend(allow_loopback=allow_loopback)
        self._total_seconds = total_seconds
        self._tls: ssl.SSLContext | None = None

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        cap: int = 64 * 1024,
        redirects: int = 0,
    ) -> Answer:
        """Send one request and read the answer, following at most `redirects`, each checked like the first.

        Raises `OutgoingCallFailed` when the address may not be called or nothing came back in time.
        """
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._total_seconds):
                for _ in range(redirects + 1):
                    answer = await self._send_once(method, url, headers, body, cap, started)
                    target = answer.headers.get("location")
                    if answer.status not in (301, 302, 303, 307, 308) or target is None or not redirects:
                        return answer
                    url = _redirected(url, target)
        except TimeoutError as exc:
            raise OutgoingCallFailed(
                f"{_shown(url)} did not answer within {self._total_seconds:g} seconds.",
                "Is the app running, and reachable from this machine?",
            ) from exc
        raise OutgoingCallFailed(f"{_shown(url)} redirects too often.", f"At most {redirects} redirects are followed.")

    async def _send_once(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, cap: int, started: float
    ) -> Answer:
        _check_url(url)
        try:
            async with (
                httpcore.AsyncConnectionPool(ssl_context=self._context(url), network_backend=self._guard) as pool,
                pool.stream(
                    method,
                    url,
                    headers=list(headers.items()),
                    content=body,
                    extensions={"timeout": {"connect": CONNECT_SECONDS}},
                ) as response,
            ):
                content, truncated = await _read(response, cap)
        except httpcore.ConnectTimeout as exc:
            raise OutgoingCallFailed(
                f"{_shown(url)} did not accept a connection within {CONNECT_SECONDS:g} seconds.",
                "Is the address right, and reachable from this machine?",
            ) from exc
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.TimeoutException,
            ssl.SSLError,
        ) as exc:
            raise OutgoingCallFailed(
                f"{_shown(url)} cannot be reached: {_reason(exc)}.", "Is the app running at that address?"
            ) from exc
        return Answer(
            status=response.status,
            headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers},
            body=content,
            truncated=truncated,
            duration_ms=round((time.monotonic() - started) * 1000),
        )

    def _context(self, url: str) -> ssl.SSLContext | None:
        if not url.lower().startswith("https:"):
            return None
        if self._tls is None:
            self._tls = httpcore.default_ssl_context()
        return self._tls


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


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


async def _resolve(host: str, port: int) -> list[_Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as exc:
        raise OutgoingCallFailed(f"The name {host!r} cannot be resolved.", "Is the URL spelled right?") from exc
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    return list(dict.fromkeys(addresses))


async def _read(response: httpcore.Response, cap: int) -> tuple[bytes, bool]:
    content = bytearray()
    async for chunk in response.aiter_stream():
        content += chunk
        if len(content) > cap:
            return bytes(content[:cap]), True
    return bytes(content), False


def _redirected(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError as exc:
        raise OutgoingCallFailed(f"{_shown(url)} redirects to something that is no URL.") from exc


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        usable = usable and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        usable = False
    if not usable:
        raise OutgoingCallFailed(f"{_shown(url)} is not an http or https URL.", "Give a whole URL, scheme included.")
    if parts.username is not None:
        raise OutgoingCallFailed("The URL holds a user name or password.", "Remove everything before the @.")


def _shown(url: str) -> str:
    return url.partition("?")[0][:200]


def _reason(exc: BaseException) -> str:
    # The text nearest the cause says most: "Connection refused", "certificate has expired".
    while not str(exc) and exc.__cause__ is not None:
        exc = exc.__cause__
    return str(exc).rstrip(".") or type(exc).__name__
