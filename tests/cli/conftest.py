"""The command line on a separate data folder, and real apps to install."""

import http.server
import json
import os
import pty
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from roadstead.cli.commands import app

Outcome = subprocess.CompletedProcess[bytes]
PROGRAM = (sys.executable, "-m", "roadstead")


@dataclass(frozen=True)
class Roadstead:
    """The command line on one data folder."""

    data: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ROADSTEAD_")}
        return kept | {"ROADSTEAD_DATA": str(self.data)}

    def run(self, *arguments: str | bytes, stdin: bytes = b"") -> Outcome:
        """Run the program in another process, which takes a third of a second: for what only a process can show."""
        return subprocess.run(
            [*PROGRAM, *arguments], input=stdin, capture_output=True, env=self.environment, timeout=60, check=False
        )

    def call(self, *arguments: str, stdin: bytes = b"") -> Outcome:
        """Run the same command in this process."""
        told_elsewhere = dict.fromkeys(name for name in os.environ if name.startswith("ROADSTEAD_"))
        result = CliRunner().invoke(
            app,
            arguments,
            input=stdin,
            env={**told_elsewhere, "ROADSTEAD_DATA": str(self.data)},
            catch_exceptions=False,
        )
        return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout_bytes, result.stderr_bytes)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # communicate() would lose what a buffer had read ahead.
            bufsize=0,
            env=self.environment,
        )

    def read(self, *arguments: str) -> Any:
        """Return a successful command's JSON."""
        done = self.call(*arguments, "--json")
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)


def on_terminal(roadstead: Roadstead, arguments: list[str], stdin: bytes, environment: dict[str, str]) -> str:
    """Return the program's output on a separate terminal, with its own line ends."""
    master, terminal = pty.openpty()
    modes = termios.tcgetattr(terminal)
    modes[1] &= ~termios.OPOST
    termios.tcsetattr(terminal, termios.TCSANOW, modes)
    env = {name: value for name, value in roadstead.environment.items() if name not in ("NO_COLOR", "PAGER", "LESS")}
    with subprocess.Popen(
        [*PROGRAM, *arguments], stdin=subprocess.PIPE, stdout=terminal, env={**env, "TERM": "xterm", **environment}
    ) as process:
        os.close(terminal)
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.close()
        shown = b""
        with suppress(OSError):  # a terminal without a writer ends so
            while chunk := os.read(master, 4096):
                shown += chunk
    os.close(master)
    return shown.decode()


@pytest.fixture
def roadstead(tmp_path: Path) -> Roadstead:
    return Roadstead(tmp_path / "data")


@contextmanager
def running(roadstead: Roadstead, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a host on a free port; yield it, and its base URL as it printed it."""
    with roadstead.start("serve", "--port", "0", *options) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().decode().split()[-1]
        finally:
            if process.poll() is None:
                process.kill()


@pytest.fixture(scope="session")
def sample_app() -> Iterator[str]:
    """Yield the descriptor URL of the sample app, which stores the values BB and OPS when it is installed."""
    command = [sys.executable, "-m", "roadstead.sample_app", "--port", "0", "--values", "BB,OPS"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


ServeApp = Callable[..., str]


@pytest.fixture(scope="session")
def serve_app() -> Iterator[ServeApp]:
    """Yield a function that serves a descriptor with a name of your choice, and gives one answer to every lifecycle
    call.
    """
    servers: list[http.server.HTTPServer] = []

    def serve(*, status: int, body: bytes, name: str = "Stub") -> str:
        class Stub(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                descriptor = {
                    "key": "stub",
                    "name": name,
                    "baseUrl": base_url,
                    "authentication": {"type": "jwt"},
                    "lifecycle": {"installed": "/installed", "uninstalled": "/uninstalled"},
                    "scopes": ["repository"],
                    "modules": {"linkers": [{"key": "tickets", "regex": "((?K)-\\d+)", "url": "/tickets/\\1"}]},
                }
                self._answer(200, json.dumps(descriptor).encode())

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(status, body)

            def _answer(self, code: int, content: bytes) -> None:
                self.send_response(code)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub)
        base_url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever).start()
        servers.append(server)
        return f"{base_url}/descriptor.json"

    yield serve
    # Each takes up to half a second to notice.
    with ThreadPoolExecutor(max(1, len(servers))) as threads:
        list(threads.map(http.server.HTTPServer.shutdown, servers))
    for server in servers:
        server.server_close()
