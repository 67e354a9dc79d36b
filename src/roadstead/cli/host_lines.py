"""The command's side of `control/line_server`: have a running host link lines, or else link them here."""

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from roadstead.data_folder import data_folder
from roadstead.frames import LENGTH_BYTES, LINES, framed, socket_folder, sockets_in

if TYPE_CHECKING:
    from roadstead.domain.linking.lines import LinkedLines

_READY_SECONDS = 2.0
"""How long a host may take to have the linkers ready."""
_ANSWER_SECONDS = 60.0
_LINES_AT_A_TIME = 50
"""About a screen, which is shown while the next one is linked."""


class Host:
    """A connection to a running host that links lines. `ask` raises `OSError` once it no longer does."""

    def __init__(self, file: str) -> None:
        self._connection = socket.socket(socket.AF_UNIX)
        self._answers = self._connection.makefile("rb")
        self._file = file

    def begin(self, form: str, workspace: str) -> None:
        """Connect, and wait until the linkers are ready. Raises `OSError`."""
        self._connection.settimeout(_READY_SECONDS)
        self._connection.connect(self._file)
        self.ask(f"{form} {workspace}".encode())
        self._connection.settimeout(_ANSWER_SECONDS)

    def close(self) -> None:
        self._answers.close()
        self._connection.close()

    def ask(self, content: bytes) -> bytes:
        """Send a frame and return the answer."""
        self._connection.sendall(framed(content))
        length = int.from_bytes(self._read(LENGTH_BYTES), "big")
        return self._read(length)

    def _read(self, length: int) -> bytes:
        content = self._answers.read(length)
        if len(content) < length:
            raise ConnectionResetError
        return content


class Lines:
    """Lines that a running host links while there is one; otherwise the result of `here` links them."""

    def __init__(self, host: Host | None, here: "Callable[[], LinkedLines]") -> None:
        self._host = host
        self._make_here = here
        self._here = None if host else here()

    def rendered(self, lines: list[bytes]) -> Iterator[bytes]:
        """Yield the lines as they are printed, some at a time."""
        for at in range(0, len(lines), _LINES_AT_A_TIME):
            yield self._rendered(lines[at : at + _LINES_AT_A_TIME])

    def _rendered(self, lines: list[bytes]) -> bytes:
        answer = self._ask(b"".join(lines))
        if answer is not None:
            return answer
        self._here = self._here or self._make_here()
        return b"".join(self._here.rendered(lines))

    def _ask(self, content: bytes) -> bytes | None:
        """Return the host's answer, or `None` if the host is gone."""
        if self._host is None:
            return None
        try:
            return self._host.ask(content)
        except OSError:
            self._host.close()
            self._host = None
            return None

    def end(self) -> Mapping[str, int]:
        """Close the connection to the host, and return on how many lines each limit was met."""
        told = self._ask(b"")
        if self._host:
            self._host.close()
        if told in (None, b"{}"):
            return self._here.limits if self._here else {}
        import json

        limits: Mapping[str, int] = json.loads(told)
        return limits


def lines_of(settings: Mapping[str, str | None], workspace: str, form: str) -> Lines:
    """Return a linker of a workspace's lines: a running host, or this process. Raises `WorkspaceNotFound`."""

    def here() -> "LinkedLines":
        from roadstead.cli.linkers import linkers_of
        from roadstead.domain.linking.lines import LinkedLines

        return LinkedLines(linkers_of(settings, workspace), form)

    return Lines(_running_host(settings, workspace, form), here)


def _running_host(settings: Mapping[str, str | None], workspace: str, form: str) -> Host | None:
    """Return a running host on the data folder that is ready to link lines.

    Return none if the command's settings may differ from those in the folder.
    """
    if any(settings[name] or os.environ.get(f"ROADSTEAD_{name.upper()}") for name in settings if name != "data"):
        return None
    folder = socket_folder(data_folder(settings["data"], os.environ))
    for file in sockets_in(folder, LINES):
        host = Host(file)
        try:
            host.begin(form, workspace)
        except OSError:  # it is gone, or busy
            host.close()
            continue
        return host
    return None
