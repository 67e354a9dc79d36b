"""Connections to servers, but only to addresses that may be called.

A name is resolved once, and the connection is made to an address that was checked, never to the name.
"""

import asyncio
import ipaddress
import socket
import ssl
from functools import cache

import certifi

from roadstead.errors import NameNotResolved
from roadstead.outbound.addresses import Reach, kind_of
from roadstead.outbound.wire import Connection
from roadstead.targets import Address


async def connect(host: str, port: int, reach: Reach, *, tls: ssl.SSLContext | None, seconds: float) -> Connection:
    """Connect to an address of the host, each for so many seconds at most.

    Raise `OutgoingCallFailed` for one that may not be called, and what the last attempt raised, e.g. `TimeoutError`.
    """
    failure: OSError | None = None
    addresses = await _resolve(host, port)
    # All before the first connection: a server with a public and a private address is suspicious.
    for address in addresses:
        reach.check(host, port, address)
    for address in addresses:
        try:
            async with asyncio.timeout(seconds):
                return await _connect_to(address, port, host, tls)
        except OSError as exc:
            failure = exc
    raise failure or OSError(f"{host} has no address")


async def _connect_to(address: Address, port: int, host: str, tls: ssl.SSLContext | None) -> Connection:
    loop, is_public = asyncio.get_running_loop(), kind_of(address) is None
    name = None if tls is None else host
    _, connection = await loop.create_connection(
        lambda: Connection(is_public=is_public), str(address), port, ssl=tls, server_hostname=name
    )
    return connection


async def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise NameNotResolved(f"The name {host!r} cannot be resolved.", "Is the URL spelled right?") from exc
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    return list(dict.fromkeys(addresses))


@cache
def tls_context(verify: bool) -> ssl.SSLContext:
    """Return how TLS is spoken; without `verify`, the certificate of a server is not checked."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())  # a slim image has none of its own
    context.set_alpn_protocols(["http/1.1"])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
