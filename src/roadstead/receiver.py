"""A receiver of webhooks for tests: it checks signatures, tells what arrives, and answers as told."""

import hashlib
import hmac
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from roadstead.connect import InvalidToken, canonical_request, read, verify

LONGEST_BODY = 16 * 1024 * 1024
SILENT_SECONDS = 60.0
"""How long a sender may be silent until its connection is closed."""
_LENGTH = re.compile("[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Answering:
    """How deliveries are answered: after `delay` seconds, or not at all if the connection is to `close`."""

    status: int = 200
    delay: float = 0
    close: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


USUAL = Answering()


@dataclass(frozen=True, slots=True)
class Secrets:
    """What signatures are checked with: the secret of a hook, and the shared secret of an app."""

    hook: str | None = None
    app: str | None = None


NO_SECRETS = Secrets()


class Arrived(msgspec.Struct, frozen=True):
    """A request that arrived. `signature` says that it is valid, or why not; `None` if it could not be checked."""

    time: str
    method: str
    target: str
    event: str | None
    attempt: str | None
    headers: dict[str, str]
    body: str
    is_valid: bool | None
    signature: str


class Receiver(ThreadingHTTPServer):
    """Listens on loopback, at any free port if `port` is 0."""

    daemon_threads = True

    def __init__(self, port: int, secrets: Secrets, answering: Answering, arrived: Callable[[Arrived], None]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.secrets = secrets
        self.answering = answering
        self.arrived = arrived

    @property
    def url(self) -> str:
        """Return the address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the traceback of an error, but not where the sender hung up, as one does that waited too long."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = SILENT_SECONDS
    disable_nagle_algorithm = True
    server: Receiver

    def do_POST(self) -> None:
        """Tell of a request, and answer it as told."""
        length = self.headers.get("Content-Length", "")
        is_length = _LENGTH.fullmatch(length) is not None
        if not is_length or int(length) > LONGEST_BODY:
            self.close_connection = True
            self._answer(413 if is_length else 411)
            return
        body = self.rfile.read(int(length))
        self.server.arrived(_arrived(self, body, self.server.secrets))
        answering = self.server.answering
        time.sleep(answering.delay)
        self.close_connection = self.close_connection or answering.close
        if not answering.close:
            self._answer(answering.status, answering)

    def _answer(self, status: int, answering: Answering = USUAL) -> None:
        self.send_response(status)
        for name, value in answering.headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(answering.body)))
        self.end_headers()
        self.wfile.write(answering.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Log nothing: each request is told already."""


def _arrived(request: BaseHTTPRequestHandler, body: bytes, secrets: Secrets) -> Arrived:
    headers = dict(request.headers.items())
    found = {name.lower(): value for name, value in headers.items()}
    is_valid, signature = check_signature(request.command, request.path, found, body, secrets)
    return Arrived(
        datetime.now(UTC).isoformat(timespec="milliseconds"),
        request.command,
        request.path,
        found.get("x-event-key"),
        found.get("x-attempt-number"),
        headers,
        body.decode("utf-8", "replace"),
        is_valid,
        signature,
    )


def check_signature(
    method: str, target: str, headers: dict[str, str], body: bytes, secrets: Secrets
) -> tuple[bool | None, str]:
    """Return whether a request is signed with the secrets, and what was found. Names of headers are in lower case."""
    signature, authorization = headers.get("x-hub-signature"), headers.get("authorization")
    if authorization is not None and authorization.startswith("JWT "):
        return _check_token(method, target, authorization.removeprefix("JWT "), secrets.app)
    if signature is None:
        return (None, "not signed") if secrets == NO_SECRETS else (False, "not signed")
    if secrets.hook is None:
        return None, "signature not checked: give --secret"
    expected = f"sha256={hmac.new(secrets.hook.encode(), body, hashlib.sha256).hexdigest()}"
    is_valid = hmac.compare_digest(signature.encode(), expected.encode())
    return is_valid, "signature valid" if is_valid else "signature wrong: another secret, or a changed body"


def _check_token(method: str, target: str, token: str, shared_secret: str | None) -> tuple[bool | None, str]:
    if shared_secret is None:
        return None, "token not checked: give --shared-secret"
    path, _, query = target.partition("?")
    try:
        canonical = canonical_request(method, path, query)
        verify(read(token), shared_secret=shared_secret, now=time.time(), canonical=canonical)
    except InvalidToken as exc:
        return False, f"token refused: {exc}"
    return True, "token valid"
