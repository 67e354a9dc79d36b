"""The load: some connections, each of which sends its next request as soon as the last was answered.

Requests are bytes made in advance, tokens included (a token is valid for its method, path and query until it expires),
so that between two requests the load only finds the end of an answer. It runs in another process, on another processor,
and must not be the bottleneck: `Run.server_share` says how busy the server was.
"""

import re
import select
import socket
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from bench.servers import Server

CONNECTIONS = 32
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class UnexpectedAnswer(Exception):
    """The server answered with another status than expected, or not at all; the message says which."""


@dataclass(frozen=True, slots=True)
class Run:
    """The result of one load: its seconds, and the server's processor time.

    `waits` are the seconds from each request to its answer.
    """

    waits: list[float] = field(repr=False)
    seconds: float
    server_cpu_seconds: float

    @property
    def answers(self) -> int:
        return len(self.waits)

    @property
    def rate(self) -> float:
        """Return answers per second."""
        return self.answers / self.seconds

    @property
    def server_share(self) -> float:
        """Return how busy the server was; 1 is one whole processor."""
        return self.server_cpu_seconds / self.seconds

    @property
    def cost(self) -> float:
        """Return processor time per answer in microseconds: steadier than the rate while other programs use the
        machine.
        """
        return self.server_cpu_seconds / self.answers * 1e6


def run(server: Server, requests: Iterable[bytes], *, statuses: Collection[int], seconds: float) -> Run:
    """Send `requests`, which must not run out, for some seconds.

    Raise `UnexpectedAnswer` for an answer with another status than these, or without any answer.
    """
    connections = [_Connection(server.port, statuses) for _ in range(CONNECTIONS)]
    cpu, began = server.cpu_seconds(), time.perf_counter()
    waits = _exchange(connections, iter(requests), began + seconds)
    lasted, used = time.perf_counter() - began, server.cpu_seconds() - cpu
    for connection in connections:
        connection.close()
    if not waits:
        raise UnexpectedAnswer(f"the server answered nothing in {lasted:.1f} seconds")
    return Run(waits, lasted, used)


def _exchange(connections: "list[_Connection]", requests: Iterator[bytes], end: float) -> list[float]:
    waits: list[float] = []
    by_number: dict[int, _Connection] = {}
    with select.epoll() as waiting:
        for connection in connections:
            connection.open(by_number, waiting)
            connection.send(next(requests))
        while time.perf_counter() < end:
            for number, _ in waiting.poll():
                connection = by_number[number]
                if connection.answered():
                    waits.append(time.perf_counter() - connection.sent_at)
                    if connection.ended:
                        connection.open(by_number, waiting)
                    connection.send(next(requests))
    return waits


class _Connection:
    """A connection with one running request; opened again if a server closes it after each answer."""

    def __init__(self, port: int, statuses: Collection[int]) -> None:
        self._port = port
        self._status_line = re.compile(rb"HTTP/1\.[01] (?:%s) " % b"|".join(b"%d" % status for status in statuses))
        self._received = b""
        self.ended = True

    def open(self, by_number: "dict[int, _Connection]", waiting: select.epoll) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ended = False
        by_number[self._socket.fileno()] = self
        waiting.register(self._socket, select.EPOLLIN)

    def send(self, request: bytes) -> None:
        self.sent_at = time.perf_counter()
        self._socket.sendall(request)

    def answered(self) -> bool:
        """Read what has arrived, and return whether the answer is complete."""
        part = self._socket.recv(1 << 18)
        received = self._received = self._received + part
        head = received.find(b"\r\n\r\n")
        if part and head < 0:
            return False
        length = _LENGTH.search(received, 0, head + 2)
        if length is None or not self._status_line.match(received):
            raise UnexpectedAnswer(f"the server answered {received[:300]!r}")
        if part and len(received) < head + 4 + int(length[1]):
            return False
        self._received = b""
        self.ended = b"onnection: close" in received
        return True

    def close(self) -> None:
        self._socket.close()
