"""Ports for servers of tests.

None is of those that the system gives to clients and to servers which ask for any, and no two processes of a run have
the same. So a port stays free until the program listens that was told of it, and no other server is met where one has
ended.
"""

import itertools
import os
import socket

_FIRST, _END = 11_000, 32_000
"""Chromium refuses some below, and Linux gives away those above."""


def _of_this_process() -> list[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = (_END - _FIRST) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ours = range(_FIRST + share * worker, _FIRST + share * (worker + 1))
    start = os.getpid() % share  # other runs on the same machine begin elsewhere
    return [*ours[start:], *ours[:start]]


_ports = itertools.cycle(_of_this_process())


def bound_socket() -> socket.socket:
    """Return a socket at the next port that is free."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    while True:
        try:
            bound.bind(("127.0.0.1", next(_ports)))
        except OSError:
            continue
        return bound


def free_port() -> int:
    """Return a port for a program that is started soon."""
    with bound_socket() as free:
        port: int = free.getsockname()[1]
    return port
