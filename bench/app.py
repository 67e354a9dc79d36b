"""A Connect app that installs itself on a host and signs requests: the caller in all benchmarks of the API."""

import asyncio
import http.client
import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from roadstead.connect import canonical_request, issue
from roadstead.domain.apps import installations
from roadstead.domain.host import Host, open_host
from roadstead.model import Installation
from roadstead.settings import Settings

LINKERS = ("reads", "writes", "hundred-thousand", "million", "bulk")
_PATTERNS = dict.fromkeys(LINKERS, r"((?K)-\d+)")
_PATH = "/2.0/addon/linkers"

Fill = Callable[[Host, Installation], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class App:
    """An installed app, with the credentials that it signs with."""

    key: str
    client_key: str
    shared_secret: str = field(repr=False)

    def request(self, method: str, target: str, body: bytes = b"") -> bytes:
        """Return a whole request with a token that is valid for an hour."""
        head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: JWT {self.token(method, target)}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return f"{head}\r\n".encode() + body

    def token(self, method: str, target: str) -> str:
        path, _, query = target.partition("?")
        return issue(
            issuer=self.key,
            subject=self.client_key,
            now=time.time(),
            shared_secret=self.shared_secret,
            canonical=canonical_request(method, path, query),
        )


def linkify_request(workspace: str, text: str) -> bytes:
    """Return a request to link a text; it needs no token if the host listens on loopback."""
    body = json.dumps({"text": text, "workspace": workspace}).encode()
    head = f"Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"POST /-/linkify HTTP/1.1\r\n{head}\r\n".encode() + body


class Client:
    """One keep-alive connection on which an app calls a host, one call after the other."""

    def __init__(self, app: App, port: int) -> None:
        self.app = app
        self._connection = http.client.HTTPConnection("127.0.0.1", port)

    def call(self, method: str, target: str, body: object = None) -> Any:
        """Sign and send a request; return the JSON of the answer. An answer that is not a success ends the program."""
        self._connection.request(
            method,
            target,
            None if body is None else json.dumps(body, separators=(",", ":")),
            {"Authorization": f"JWT {self.app.token(method, target)}", "Content-Type": "application/json"},
        )
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {target} was answered with {answer.status}: {content[:300]!r}")
        return json.loads(content) if content else None

    def close(self) -> None:
        self._connection.close()


def install_in(data: Path, workspaces: Sequence[str], fill: Fill) -> list[App]:
    """Install the app in many workspaces, and have `fill` add content there; in this process, to save time."""
    with _descriptor_url(_PATTERNS) as url:
        return asyncio.run(_install_in(data, url, workspaces, fill))


async def _install_in(data: Path, url: str, workspaces: Sequence[str], fill: Fill) -> list[App]:
    apps = []
    async with open_host(Settings.read({"data": str(data)}, os.environ)) as host:
        descriptor = await installations.fetch(host, url)
        for workspace in workspaces:
            made = await installations.install_descriptor(host, descriptor, url, workspace)
            await fill(host, made)
            apps.append(App(made.app_key, made.client_key, made.shared_secret))
    return apps


@contextmanager
def _descriptor_url(patterns: Mapping[str, str]) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Descriptor, patterns)) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/descriptor.json"
        finally:
            server.shutdown()


def values_path(linker: str) -> str:
    return f"{_PATH}/{linker}/values"


def install(data: Path, patterns: Mapping[str, str] = _PATTERNS) -> App:
    """Install the app on the state in `data`, with the command a user types. `patterns` are its linkers, by key."""
    with _descriptor_url(patterns) as url:
        options = ["--yes", "--json", "--show-secret", "--data", str(data)]
        command = [sys.executable, "-m", "roadstead", "install", url, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The app cannot be installed: {done.stderr}")
    answer = json.loads(done.stdout)
    return App(answer["key"], answer["client_key"], answer["shared_secret"])


class _Descriptor(http.server.BaseHTTPRequestHandler):
    """Serves the descriptor of an app without lifecycle calls."""

    def __init__(self, patterns: Mapping[str, str], *args: Any) -> None:
        self._patterns = patterns
        super().__init__(*args)

    def do_GET(self) -> None:
        linkers = [
            {"key": key, "regex": regex, "url": r"/\g<0>", "type": "href"} for key, regex in self._patterns.items()
        ]
        descriptor = {
            "key": "benchmark",
            "name": "Benchmark",
            "baseUrl": f"http://{self.headers['Host']}",
            "authentication": {"type": "jwt"},
            "scopes": ["account", "project", "project:admin", "repository"],
            "modules": {"linkers": linkers},
        }
        body = json.dumps(descriptor).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""
