"""A listening socket, and the server that uses it."""

import errno
import resource
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import uvicorn

from roadstead.domain.access.admission import MAX_CONNECTIONS, MAX_REQUESTS, Admission, open_files
from roadstead.errors import RoadsteadError
from roadstead.server import logs
from roadstead.server.connections import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp

KEEP_ALIVE_SECONDS = 30
_FILES = 2 * MAX_CONNECTIONS
WORKER_SECONDS = 30
"""A worker that does not say within this time that it is alive is killed, with all its requests, and replaced.

Its threads say so, whatever its event loop does; but on a machine with more work than processors that took more than 5
seconds, and what a worker is killed for must be longer than any request may wait for the database.
"""
GRACE_SECONDS = 10
"""How long requests may take to finish after a signal to stop."""


class CannotListen(RoadsteadError):
    """The host cannot listen on the address or the port."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Connections wait in it until a server accepts them.

    Raises `CannotListen`.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except (OSError, UnicodeError) as exc:
        raise CannotListen(f"Roadstead cannot listen on {host}, port {port}: {_reason(exc)}.", _advice(exc)) from exc


def raise_file_limit() -> str:
    """Raise the limit of open files of this process and its workers as far as needed; return a warning if it stays too
    low.

    Shells and service managers usually grant 1,024 at first, and more on request.
    """
    with suppress(OSError, ValueError):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 0 <= soft < _FILES:
            resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES if hard < 0 else min(_FILES, hard), hard))
    files = open_files()
    admission = Admission(files)
    if admission.callers.most == MAX_REQUESTS:
        return ""
    return (
        f"A process may have only {files} files open here, so each takes at most {admission.connections.most} "
        f"connections and {admission.callers.most} requests at a time. Grant more with `ulimit -n`, or LimitNOFILE of "
        "systemd."
    )


def port_of(listening: socket.socket) -> int:
    port: int = listening.getsockname()[1]
    return port


def configured(
    app: "ASGIApp | Callable[[], ASGIApp] | str", *, workers: int = 1, grace: int = GRACE_SECONDS
) -> uvicorn.Config:
    """Return the configuration of every Roadstead server. `app` is an application, or names the factory that workers
    import.
    """
    settings: dict[str, Any] = {"factory": True} if isinstance(app, str) else {}
    return uvicorn.Config(
        app,
        interface="asgi3",
        workers=workers,
        log_config=logs.configuration(),
        access_log=False,
        server_header=False,
        # `Connection` reads the one statement of a proxy that counts, and only for limits.
        proxy_headers=False,
        lifespan="on",
        ws="none",
        http=Connection,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=grace,
        timeout_worker_healthcheck=WORKER_SECONDS,
        **settings,
    )


class EmbeddedServer(uvicorn.Server):
    """A server that leaves the signals to its caller."""

    @contextmanager
    def capture_signals(self) -> "Iterator[None]":
        yield


def _reason(exc: Exception) -> str:
    if isinstance(exc, OSError) and exc.strerror:
        return exc.strerror.partition(" (")[0].rstrip(".")
    return "it is not a host name"


def _advice(exc: Exception) -> str:
    code = exc.errno if isinstance(exc, OSError) and not isinstance(exc, socket.gaierror) else None
    if code == errno.EADDRINUSE:
        return "Another program, perhaps another Roadstead, uses it: choose a port with --port; 0 takes a free one."
    if code in (errno.EACCES, errno.EPERM):
        return "Ports below 1024 need a privileged user: choose a higher one with --port."
    return "Give an address of this machine with --host."
