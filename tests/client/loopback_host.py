"""A host on loopback, for tests of the client: real HTTP, real signatures, answers chosen by the test.

The answers in `script` come first, one per request; after that the host behaves as the API does, with the linkers and
values in `values`.
"""

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from time import time
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode

from roadstead.connect.jwt import InvalidToken, read, verify
from roadstead.connect.qsh import canonical_request

APP_KEY = "test-app"
CLIENT_KEY = "connection:1"
SHARED_SECRET = "a secret that only the two sides know"


@dataclass(frozen=True)
class Answer:
    """An answer; a body that is not bytes is sent as JSON."""

    status: int
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class HangUp:
    """Close the connection without an answer."""


class Stall:
    """Send nothing until the test is over."""


@dataclass(frozen=True)
class NotHttp:
    """Send these bytes instead of an HTTP answer."""

    content: bytes


@dataclass(frozen=True)
class Received:
    """A received request; `target` is that of the request line."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class LoopbackHost:
    """The state of the host, and its received requests."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.secrets = {CLIENT_KEY: SHARED_SECRET}
        self.app_key = APP_KEY
        self.script: deque[Answer | HangUp | Stall | NotHttp] = deque()
        self.requests: list[Received] = []
        self.values: dict[str, dict[int, str]] = {"tickets": {}, "rfc": {}}
        self.page_length = 100
        self.test_is_over = threading.Event()
        self._ids = count(1)

    def answer(self, request: Received) -> Answer | HangUp | Stall | NotHttp:
        self.requests.append(request)
        path, _, query = request.target.partition("?")
        try:
            self._verify(request, path, query)
        except InvalidToken as error:
            return refusal(401, "The token is refused.", error.detail)
        if self.script:
            return self.script.popleft()
        match request.method, [unquote(segment) for segment in path.split("/")[1:]]:
            case "GET", ["2.0", "addon", "linkers"]:
                return self._page([self._linker(key) for key in self.values], path, query)
            case (("PUT" | "DELETE"), ["2.0", "addon"]):
                return Answer(204)
            case "POST", ["site", "oauth2", "access_token"]:
                return Answer(200, {"access_token": "let-me-in", "scopes": "repository", "expires_in": 3600})
            case _, ["2.0", "addon", "linkers", key, *_] if key not in self.values:
                return refusal(404, f"There is no linker {key!r}.")
            case "GET", [*_, "linkers", key]:
                return Answer(200, self._linker(key))
            case _, [*_, key, "values"]:
                return self._answer_about_values(request, key, path, query)
            case _, [*_, key, "values", value_id]:
                return self._answer_about_value(request, key, int(value_id))
        return refusal(404, "There is nothing here.")

    def _verify(self, request: Received, path: str, query: str) -> None:
        token = read(request.headers["Authorization"].removeprefix("JWT "))
        verify(
            token,
            shared_secret=self.secrets[str(token.claims["sub"])],
            now=time(),
            issuers={self.app_key},
            canonical=canonical_request(request.method, path, query),
        )

    def _answer_about_values(self, request: Received, key: str, path: str, query: str) -> Answer:
        stored = self.values[key]
        match request.method:
            case "GET":
                return self._page([{"id": id_, "value": value} for id_, value in stored.items()], path, query)
            case "POST":
                value = request.json()["value"]
                if value in stored.values():
                    return refusal(
                        409,
                        f"The linker already has the value {value!r}.",
                        "Nothing was changed.",
                        {"value": ["Taken."]},
                    )
                stored[id_ := next(self._ids)] = value
                return Answer(201, {"type": "linker_value", "id": id_, "value": value, "links": {}})
            case "PUT":
                self.values[key] = {next(self._ids): value for value in request.json()["values"]}
            case "DELETE":
                stored.clear()
        return Answer(204)

    def _answer_about_value(self, request: Received, key: str, value_id: int) -> Answer:
        value = self.values[key].get(value_id)
        if value is None:
            return refusal(404, f"There is no linker value {value_id}.")
        if request.method == "GET":
            return Answer(200, {"id": value_id, "value": value})
        del self.values[key][value_id]
        return Answer(204)

    def _linker(self, key: str) -> dict[str, Any]:
        return {"key": key, "regex": r"((?K)-\d+)", "url": r"/\1", "type": "href", "links": {}}

    def _page(self, items: list[dict[str, Any]], path: str, query: str) -> Answer:
        parameters = {name: values[0] for name, values in parse_qs(query).items()}
        number = int(parameters.get("page", 1))
        start, end = (number - 1) * self.page_length, number * self.page_length
        body: dict[str, Any] = {"values": items[start:end], "page": number}
        if end < len(items):
            # With `+` for a space, which the client itself never writes: a link must come back unchanged.
            following = urlencode({**parameters, "page": number + 1})
            body["next"] = f"{self.base_url}{path}?{following}"
        return Answer(200, body)


def refusal(
    status: int,
    message: str,
    detail: str = "",
    fields: dict[str, list[str]] | None = None,
    *,
    retry_after: int | None = None,
) -> Answer:
    """Return an answer with Bitbucket's error body."""
    body = {"type": "error", "error": {"message": message, "detail": detail, "fields": fields or {}}}
    return Answer(status, body, {} if retry_after is None else {"Retry-After": str(retry_after)})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host: LoopbackHost

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        match self.host.answer(Received(self.command, self.path, dict(self.headers), body)):
            case Answer() as answer:
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(answer.content)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.content)
                return
            case NotHttp(content):
                self.wfile.write(content)
            case Stall():
                self.host.test_is_over.wait()
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - the names http.server looks for

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    request_queue_size = 64  # the default of 5 makes simultaneous connections wait a second


@contextmanager
def running_host() -> Iterator[LoopbackHost]:
    """Run a host on a free port for as long as the context lasts."""
    handler = type("Handler", (_Handler,), {})
    with _Server(("127.0.0.1", 0), handler) as server:
        host = LoopbackHost(f"http://127.0.0.1:{server.server_port}")
        handler.host = host  # type: ignore[attr-defined]  # a class made for this host alone
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield host
        finally:
            host.test_is_over.set()
            server.shutdown()
            serving.join()
