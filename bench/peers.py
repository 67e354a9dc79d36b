"""Tools that a user would pick instead: Prism mocking Atlassian's document, and the server of moto.

Neither knows Connect apps. Prism generates an answer for each request; moto keeps objects in memory, and a small one is
the closest it has to a linker value. They are installed outside our environment and started as their documentation
says; a missing one is left out with a note.
"""

import http.client
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count, repeat
from pathlib import Path
from shutil import which
from statistics import median

from bench import load, servers
from bench.api import WRITES, new_values
from bench.app import App, Client, install, values_path
from bench.figures import Figure
from bench.scratch import CACHE, scratch_folder
from bench.servers import Server

ROUNDS = 3
SECONDS = 1.0
INSTALL_SECONDS = 300
TARGETS = {"reads": 25, "writes": 15}
"""The targets: how many times as fast as a peer."""

_NODE = CACHE / "bench-node"
_PRISM = _NODE / "node_modules/@stoplight/prism-cli/dist/index.js"
_VENV = CACHE / "bench-venv"
_HEADERS = "Host: 127.0.0.1\r\nAuthorization: Bearer token\r\nContent-Type: application/json\r\n"


class Unavailable(Exception):
    """A peer is not available here, or too slow; the message says why."""


@dataclass(frozen=True, slots=True)
class Task:
    """A request that a server gets repeatedly, and the status of its answer."""

    requests: Iterable[bytes]
    status: int


@dataclass(frozen=True, slots=True)
class Side:
    """A running server with the tasks of the comparison: `reads` and `writes`."""

    server: Server
    tasks: dict[str, Task]


def figures(openapi: Path | None) -> Iterator[Figure | str]:
    with scratch_folder() as data:
        app = install(data)
        with servers.roadstead(data) as server:
            ours = _our_side(app, server)
            for name, started in {"Prism": _prism(openapi), "moto": _moto()}.items():
                try:
                    with started as theirs:
                        yield from _compare(name, ours, theirs)
                except Unavailable as exc:
                    yield f"{name} was left out: {exc}"


def _compare(name: str, ours: Side, theirs: Side) -> Iterator[Figure]:
    for what, target in TARGETS.items():
        pairs = [(_run(ours, what), _their_run(theirs, what)) for _ in range(ROUNDS)]
        ratio = median(our_run.rate / their_run.rate for our_run, their_run in pairs)
        our_runs, their_runs = zip(*pairs, strict=True)
        note = f"{_rate(our_runs)}, {name} {_rate(their_runs)}"
        yield Figure(f"{what} beside {name}", ratio, "×", "least", target, note)


def _run(side: Side, what: str) -> load.Run:
    task = side.tasks[what]
    return load.run(side.server, task.requests, statuses=(task.status,), seconds=SECONDS)


def _their_run(side: Side, what: str) -> load.Run:
    try:
        return _run(side, what)
    except load.UnexpectedAnswer as exc:
        raise Unavailable(f"during the {what}, {exc}") from exc


def _rate(runs: Sequence[load.Run]) -> str:
    rate, share = (median(getattr(run, name) for run in runs) for name in ("rate", "server_share"))
    return f"{rate:,.0f}/s, {share:.0%} busy"


def _our_side(app: App, server: Server) -> Side:
    path = values_path(WRITES)
    with closing(Client(app, server.port)) as client:
        added = client.call("POST", path, {"value": "BB"})
    reads = Task(repeat(app.request("GET", f"{path}/{added['id']}")), 200)
    # One iterator for all rounds: no value may be added twice.
    writes = Task(new_values(app, 0), 201)
    return Side(server, {"reads": reads, "writes": writes})


@contextmanager
def _prism(openapi: Path | None) -> Iterator[Side]:
    if openapi is None:
        raise Unavailable("give Atlassian's document with --openapi FILE")
    if which("npm") is None or (node := which("node")) is None:
        raise Unavailable("it needs Node.js and npm")
    if not _PRISM.exists():
        _install(["npm", "install", "--no-audit", "--no-fund", "--prefix", _NODE, "@stoplight/prism-cli"])
    port = servers.free_port()
    command = [node, str(_PRISM), "mock", "--host", "127.0.0.1", "--port", str(port), str(openapi)]
    path = "/addon/linkers/tickets/values"  # the document does not describe its body, so Prism accepts none
    with servers.running(command, port) as server:
        reads = Task(repeat(_request("GET", f"{path}/1")), 200)
        writes = Task(repeat(_request("POST", path)), 201)
        yield Side(server, {"reads": reads, "writes": writes})


@contextmanager
def _moto() -> Iterator[Side]:
    program = _VENV / "bin/moto_server"
    if not program.exists():
        _install([sys.executable, "-m", "venv", _VENV])
        _install([_VENV / "bin/python", "-m", "pip", "install", "--quiet", "moto[server,s3]"])
    port = servers.free_port()
    with servers.running([str(program), "--host", "127.0.0.1", "--port", str(port)], port) as server:
        with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
            for path, body in (("/bucket", None), ("/bucket/value", b"BB")):
                connection.request("PUT", path, body)
                connection.getresponse().read()
        reads = Task(repeat(_request("GET", "/bucket/value")), 200)
        writes = Task((_request("PUT", f"/bucket/{number}", b"BB") for number in count()), 200)
        yield Side(server, {"reads": reads, "writes": writes})


def _request(method: str, target: str, body: bytes = b"") -> bytes:
    return f"{method} {target} HTTP/1.1\r\n{_HEADERS}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _install(command: list[str | Path]) -> None:
    try:
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.SubprocessError) as exc:
        raise Unavailable(f"it cannot be installed ({exc})") from exc
