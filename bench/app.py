"""A Connect app that installs itself on a host and signs requests: the caller in all benchmarks of the API."""

import http.client
import http.server
import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roadstead.connect import canonical_request, issue

LINKERS = ("reads", "writes", "hundred-thousand", "million", "bulk")
_PATH = "/2.0/addon/linkers"


@dataclass(frozen=True, slots=True)
class App:
    """An installed app, by what it needs to sign with."""

    key: str
    client_key: str
    shared_secret: str = field(repr=False)

    def request(self, method: str, target: str, body: bytes = b"") -> bytes:
        """A whole request with a token that is good for an hour."""
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


class Client:
    """One keep-alive connection on which an app calls a host, one call after the other."""

    def __init__(self, app: App, port: int) -> None:
        self.app = app
        self._connection = http.client.HTTPConnection("127.0.0.1", port)

    def call(self, method: str, target: str, body: object = None) -> Any:
        """Sign and send; the JSON of the answer. An answer that is no success ends the program."""
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


def values_path(linker: str) -> str:
    return f"{_PATH}/{linker}/values"


def install(data: Path) -> App:
    """Install the app on the state in `data`, with the command a user types."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), DescriptorServer) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}/descriptor.json"
        command = [
            sys.executable,
            "-m",
            "roadstead",
            "install",
            url,
            "--yes",
            "--json",
            "--show-secret",
            "--data",
            str(data),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        server.shutdown()
    if done.returncode:
        raise SystemExit(f"The app cannot be installed: {done.stderr}")
    answer = json.loads(done.stdout)
    return App(answer["key"], answer["client_key"], answer["shared_secret"])


class DescriptorServer(http.server.BaseHTTPRequestHandler):
    """Serves the descriptor of an app that wants no lifecycle calls."""

    def do_GET(self) -> None:
        linkers = [{"key": key, "regex": r"((?K)-\d+)", "url": r"/\1", "type": "href"} for key in LINKERS]
        descriptor = {
            "key": "benchmark",
            "name": "Benchmark",
            "baseUrl": f"http://{self.headers['Host']}",
            "authentication": {"type": "jwt"},
            "scopes": ["repository"],
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
