"""The side of sshd's programs in the talk with a running host (`ssh/answers.py`): they know nothing themselves."""

import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

from roadstead.data_folder import data_folder
from roadstead.errors import RoadsteadError
from roadstead.frames import LENGTH_BYTES, SSH, framed, socket_folder, sockets_in

_PIECE_BYTES = 64 * 1024
_STDIN, _STDOUT, _STDERR = range(3)
_STREAMS = {b"1": _STDOUT, b"2": _STDERR}
_END = b"0"


class NoHost(RoadsteadError):
    """No host answers sshd's programs."""

    def __init__(self) -> None:
        super().__init__(
            "Roadstead is not running, or not set up for SSH.", "Try again in a moment, or ask its operator."
        )


class HostGone(RoadsteadError):
    """The host has ended, or broken the connection."""

    def __init__(self) -> None:
        super().__init__("Roadstead has closed the connection.", "Try again in a moment.")


class NoAnswer(RoadsteadError):
    """The host could not find out what it was asked."""

    def __init__(self) -> None:
        super().__init__("Roadstead cannot look the key up now.", "Its log says why.")


def connect(data: str | None, *request: str) -> socket.socket:
    """Return a connection to a running host, which has got the request. Raise `NoHost`."""
    for file in sockets_in(socket_folder(data_folder(data, os.environ)), SSH):
        connection = socket.socket(socket.AF_UNIX)
        with suppress(OSError):  # that one has ended
            connection.connect(file)
            connection.sendall(framed("\0".join(request).encode("utf-8", "surrogateescape")))
            return connection
        connection.close()
    raise NoHost


def answer(connection: socket.socket) -> bytes:
    """Return what the host has for the standard output. Raise `HostGone`, or `NoAnswer` if the host has failed."""
    output = b""
    for kind, content in _frames(connection):
        if kind == _END and int(content):
            raise NoAnswer
        if kind == _END:
            return output
        output += content
    raise HostGone


def relay(connection: socket.socket) -> int:
    """Connect the standard streams with the host until it ends the session; return the exit code. Raise `HostGone`."""
    threading.Thread(target=_send_input, args=(connection,), daemon=True).start()
    for kind, content in _frames(connection):
        if kind == _END:
            return int(content)
        _write(_STREAMS[kind], content)
    raise HostGone


def _send_input(connection: socket.socket) -> None:
    with suppress(OSError):  # the host has ended the session, and says why
        while piece := os.read(_STDIN, _PIECE_BYTES):
            connection.sendall(framed(piece))
        connection.sendall(framed(b""))


def _frames(connection: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the content of each frame. Raise `BrokenPipeError` when the client has left meanwhile."""
    watched = select.poll()
    watched.register(connection, select.POLLIN)
    watched.register(_STDOUT, 0)  # its errors alone: sshd has closed it
    while head := _read(connection, watched, LENGTH_BYTES):
        content = _read(connection, watched, int.from_bytes(head, "big"))
        yield content[:1], content[1:]


def _read(connection: socket.socket, watched: select.poll, size: int) -> bytes:
    """Return so many bytes, or fewer at the end."""
    content = bytearray()
    while len(content) < size:
        if any(descriptor == _STDOUT for descriptor, _ in watched.poll()):
            raise BrokenPipeError
        try:
            piece = connection.recv(size - len(content))
        except ConnectionError:
            return b""
        if not piece:
            return b""
        content += piece
    return bytes(content)


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
