"""Whole answers, with the headers of every answer of the API; `streams.py` has those that are made in pieces."""

from collections.abc import Callable, Mapping
from urllib.parse import quote

import msgspec
from starlette.types import Receive, Scope, Send

_encode = msgspec.json.Encoder().encode

JSON = (b"content-type", b"application/json; charset=utf-8")
LENGTH = b"content-length"
_EMPTY = (b"content-type", b"text/html; charset=utf-8")
_IN_A_URL = ":/?#[]@!$&'()*+,;=%-._~"
"""The characters that have a meaning in a URL; `%` begins one that is encoded already."""
_CORS = b"access-control-"
_ANY_ORIGIN = (_CORS + b"allow-origin", b"*")
CORS_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": (
        "Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, Origin, "
        "Range, X-CsrfToken, X-Requested-With"
    ),
    "Access-Control-Expose-Headers": (
        "Accept-Ranges, Content-Encoding, Content-Length, Content-Type, ETag, Last-Modified, Location"
    ),
    "Access-Control-Max-Age": "86400",
}


AT_ONCE = "roadstead.at_once"
"""An ASGI extension: under this name in a scope, a server has a function that takes a whole answer, and returns whether
it did.
"""

AtOnce = Callable[[Scope, "Answer"], bool]

_OURS_ALONE = "/-"
"""The beginning of the addresses that Bitbucket does not have. Their answers are for the operator, not for pages of
other sites.
"""


class Answer:
    """A complete answer, ready to be sent. Leaner than Starlette's `Response`, which also streams and sets cookies."""

    __slots__ = ("body", "closes", "headers", "size", "status")

    def __init__(self, status: int, content_type: tuple[bytes, bytes], body: bytes) -> None:
        self.status = status
        self.body = body
        self.size = len(body)
        """Bytes of the body; of a stream, those that were sent so far."""
        self.headers = [content_type, _ANY_ORIGIN]
        self.closes = False
        """Whether the connection is closed after it."""

    def add_headers(self, headers: Mapping[str, str]) -> None:
        """Add headers. Raise `ValueError` for a value of more than one line."""
        for name, value in headers.items():
            if "\r" in value or "\n" in value:
                raise ValueError(f"The header {name} would end early: {value!r}")
            self.headers.append((name.lower().encode(), value.encode()))
            self.closes |= name.lower() == "connection"

    def headers_for(self, path: str) -> list[tuple[bytes, bytes]]:
        """Return the headers at an address."""
        return self._kept() if path.startswith(_OURS_ALONE) else self.headers

    def _kept(self) -> list[tuple[bytes, bytes]]:
        return [header for header in self.headers if not header[0].startswith(_CORS)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._without_cors() if scope["path"].startswith(_OURS_ALONE) else self
        at_once: AtOnce | None = scope["extensions"].get(AT_ONCE) if "extensions" in scope else None
        if at_once is not None and at_once(scope, answer):
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    def _without_cors(self) -> "Answer":
        """Return a copy, because many requests may share this answer."""
        copy = Answer(self.status, self.headers[0], self.body)
        copy.headers, copy.closes = self._kept(), self.closes
        return copy


def json_answer(body: object, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Answer:
    content = _encode(body)
    answer = Answer(status, JSON, content)
    answer.headers.append((LENGTH, b"%d" % len(content)))
    if headers:
        answer.add_headers(headers)
    return answer


def encoded_answer(content: bytes) -> Answer:
    """Return a 200 with JSON that is encoded already."""
    answer = Answer(200, JSON, content)
    answer.headers.append((LENGTH, b"%d" % len(content)))
    return answer


def text_answer(content: bytes, content_type: str) -> Answer:
    """Return a 200 with a text."""
    answer = Answer(200, (b"content-type", content_type.encode()), content)
    answer.headers.append((LENGTH, b"%d" % len(content)))
    return answer


def no_content(headers: Mapping[str, str] | None = None) -> Answer:
    """Return a 204. It names a content type, because node-bitbucket throws on an answer without one, and not JSON,
    because node-bitbucket then reads the empty body as JSON and throws too.
    """
    answer = Answer(204, _EMPTY, b"")
    if headers:
        answer.add_headers(headers)
    return answer


def created_at(location: str) -> Answer:
    """Return a 201 without a body, which says where the new thing is, also to pages of other sites."""
    answer = Answer(201, _EMPTY, b"")
    answer.add_headers({"Location": location, "Access-Control-Expose-Headers": "Location", "Content-Length": "0"})
    return answer


class Redirect(Answer):
    """Sends the client to another address, which is absolute; what a URL cannot contain is encoded in it."""

    def __init__(self, status: int, location: str) -> None:
        if not location.startswith(("http://", "https://")):
            raise ValueError(f"The address is not absolute: {location!r}")
        super().__init__(status, _EMPTY, b"")
        self.headers += [
            (LENGTH, b"0"),
            (b"location", quote(location, _IN_A_URL, errors="surrogateescape").encode()),
        ]
