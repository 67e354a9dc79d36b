"""The outside network, as a test wants it: names, servers at addresses, and every attempt to connect."""

import contextlib
import itertools
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PUBLIC = "93.184.215.14"
"""The address of `public.example`."""


@dataclass
class Internet:
    """Everything beyond this machine; a test never leaves it.

    `names` has the answers for a name, one per look-up; the last one stays. `servers` says at which port of 127.0.0.1
    an address is served; at other addresses no server listens. `looked_up` and `connected_to` record every name that
    was resolved and every address that a connection was tried to.
    """

    names: dict[str, list[list[str]]] = field(default_factory=dict)
    servers: dict[str, int] = field(default_factory=dict)
    looked_up: list[str] = field(default_factory=list)
    connected_to: list[str] = field(default_factory=list)

    def resolve(self, host: str) -> list[str]:
        """Return the resolver's answer. The operating system itself reads other spellings of an address."""
        name = host.lower().removesuffix(".")
        if name in self.names:
            answers = self.names[name]
            return answers.pop(0) if len(answers) > 1 else answers[0]
        return [host]


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Internet:
    """Replace the operating system's resolver and network."""
    internet = Internet(names={"public.example": [[PUBLIC]], "localhost": [["127.0.0.1"]]})
    resolve, connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(host: str, port: int, family: int = 0, kind: int = 0, *_: int) -> list[Any]:
        internet.looked_up.append(host)
        spelled = (resolve(address, port, family, kind, 0, socket.AI_NUMERICHOST) for address in internet.resolve(host))
        return list(itertools.chain.from_iterable(spelled))

    def connect_to(self: socket.socket, address: tuple[Any, ...]) -> None:
        internet.connected_to.append(address[0])
        if address[0] not in internet.servers:
            raise ConnectionRefusedError(111, "Connection refused")
        connect(self, ("127.0.0.1", internet.servers[address[0]]))

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect_to)
    return internet


@dataclass
class Server:
    """A server on loopback whose connections get the `answers`, one after the other; the last one stays.

    After its answer a connection is closed, or with `hold` kept open until the other side closes it; before that,
    `drip` is sent repeatedly. Neither lasts more than 10 seconds, so that a client without limits fails its test
    instead of blocking it. `requests` are the connections that were made, by their content.
    """

    port: int
    answers: list[bytes] = field(default_factory=lambda: [OK])
    hold: bool = False
    drip: bytes = b""
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def _opened(self, accepted: socket.socket) -> socket.socket:
        return self.tls.wrap_socket(accepted, server_side=True) if self.tls else accepted

    def serve(self, accepted: socket.socket) -> None:
        accepted.settimeout(10)
        with contextlib.suppress(OSError), self._opened(accepted) as connection:
            self.requests.append(connection.recv(65536))
            connection.sendall(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
            give_up = time.monotonic() + 10
            while self.drip and time.monotonic() < give_up:
                connection.sendall(self.drip)
            if self.hold:
                connection.recv(1)


def redirect_to(url: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.fixture
def server() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener.getsockname()[1])
        thread = threading.Thread(target=_accept, args=(listener, server))
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _accept(listener: socket.socket, server: Server) -> None:
    with contextlib.suppress(OSError):
        while True:
            server.serve(listener.accept()[0])
