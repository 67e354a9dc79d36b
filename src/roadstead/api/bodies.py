"""Request bodies: read within limits, decoded strictly."""

import asyncio
import re
from collections.abc import Callable, Iterable, MutableMapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request

from roadstead.api.errors import RequestRefused
from roadstead.domain.access.shares import Shortage
from roadstead.domain.host import Host
from roadstead.domain.traffic import request_id
from roadstead.domain.traffic.answered import BODY
from roadstead.domain.traffic.redaction import RAW_BYTES
from roadstead.errors import InvalidInput

T = TypeVar("T")

MAX_BYTES = 16 * 1024 * 1024
MAX_FORM_BYTES = 64 * 1024
"""Of a form: reading an unknown sender's form must be cheap, and so must decoding its percent signs."""
SHORT_BYTES = 64 * 1024
"""A longer body has its length counted while its request runs, and is decoded in a thread."""
MAX_DEPTH = 100
"""Nested objects and lists. A descriptor in a body, the deepest meaningful one, has ten."""
INSTALLATION = "roadstead.installation"
"""The key in a request's scope of the installation that has proved to be the caller, by its id."""
HELD = "roadstead.held"
"""The key of a request's share of the room for bodies, until `let_go`."""
IN_PIECES = "roadstead.body_in_pieces"
"""An ASGI extension: under this name in a scope, our server has a function that opens a block. Within it, the server
leaves it to the application how long the client may take for the body.
"""
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_JSON_TYPE = re.compile(r"application/[\w.-]+\+json")


@dataclass(frozen=True, slots=True)
class ReadByHandler:
    """A body that the handler reads itself. `documented` is its type in the OpenAPI document."""

    documented: Any
    media_type: str = "application/json"


def expect_text(media_type: str | None, advice: str) -> None:
    """Raise `RequestRefused` for a body that is neither JSON nor an urlencoded form."""
    if media_type not in (None, "application/json", _FORM) and not _JSON_TYPE.fullmatch(media_type):
        raise RequestRefused(415, f"A body of type {media_type[:60]!r} is not taken here.", advice)


class Shape(Generic[T]):
    """What a body must be: of a type of msgspec, from which `make` makes the result.

    Other members of a body are not decoded. A flag or a number may be a text, as in a form: scripts for the cloud send
    `"is_private": "true"` in JSON, too. `refusal` makes the error for JSON of another shape, from the body and the
    decoder's message. `most_items` is for lists whose items contain no comma. `documented` is the type in the OpenAPI
    document, where it says more than the decoded type.
    """

    def __init__(
        self,
        kind: Any,
        make: Callable[[Any], T],
        refusal: Callable[[bytes, str], InvalidInput],
        *,
        most_items: int | None = None,
        documented: Any = None,
    ) -> None:
        self.documented = kind if documented is None else documented
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(kind, strict=False).decode
        self._make = make
        self._refusal = refusal
        self._most_items = most_items

    async def read(self, request: Request, *, most: int = MAX_BYTES) -> T:
        """Return the body, decoded. Raises as `text` and `decoded` do."""
        return await self.decoded(await self.text(request, most=most))

    async def text(self, request: Request, *, most: int = MAX_BYTES) -> bytes:
        """Return the body as JSON that is still to be decoded. A flat form is read as an object of strings.

        Raise `InvalidInput` for a form that cannot be read, or `RequestRefused` for a body that HTTP refuses.
        """
        media_type = content_type(request)
        if media_type == _FORM:
            fields = _form_object(await read_bytes(request, most=min(most, MAX_FORM_BYTES)))
            return msgspec.json.encode(fields)
        body = await read_bytes(request, most=most)
        expect_text(media_type, f"Send application/json, or a flat {_FORM}.")
        return body

    async def decoded(self, text: bytes) -> T:
        """Decode JSON, a long one in a thread. Raise `InvalidInput`."""
        return self.decode(text) if len(text) <= SHORT_BYTES else await asyncio.to_thread(self.decode, text)

    def decode(self, body: bytes) -> T:
        """Return the value of a JSON text; an empty one is `null`. Raise `InvalidInput`."""
        if self._most_items is not None and len(body) > self._most_items and body.count(b",") >= self._most_items:
            raise InvalidInput("The list is too long.", f"At most {self._most_items:,} items are taken at a time.")
        body = body if body.strip() else b"null"
        try:
            decoded = self._decode(body)
        except RecursionError as exc:
            raise _too_deep() from exc
        except msgspec.ValidationError as exc:
            raise self._refused(body, f"{exc}.") from exc
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise _no_json(exc) from exc
        return self._make(decoded)

    def _refused(self, body: bytes, complaint: str) -> InvalidInput:
        if _is_deep(body[:SHORT_BYTES]):
            return _too_deep()
        try:
            return self._refusal(body, complaint)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            return _no_json(exc)  # it fails after the place where its shape is wrong


def wrong_body(body: bytes, complaint: str) -> InvalidInput:
    """Return the refusal of a body of another shape, which names the member that msgspec complains about."""
    _, dotted, rest = complaint.partition("`$.")
    member, text = (rest.partition("`")[0], "of another type") if dotted else ("", "expected a dictionary")
    return InvalidInput("Bad request", complaint, fields={member: text})


_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]')
"""Or a string, which may have no end: were it searched for at each quote, 64 KB would take minutes."""


def _is_deep(text: bytes) -> bool:
    """Return whether JSON, or its beginning, is nested deeper than the limit."""
    level = 0
    for found in _BRACKET.finditer(text):
        bracket = found[0]
        if bracket in b"[{":
            level += 1
        elif bracket in b"]}":
            level -= 1
        if level > MAX_DEPTH:
            return True
    return False


def _no_json(error: Exception) -> InvalidInput:
    return InvalidInput("The body is not valid JSON.", f"{error}.")


def _too_deep() -> InvalidInput:
    return InvalidInput("The JSON is nested too deeply.", f"At most {MAX_DEPTH} levels are taken.")


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form, urlencoded or multipart; JSON is accepted too. Raise as `Shape.read` does."""
    if content_type(request) != _MULTIPART:
        return await _FIELDS.read(request, most=MAX_FORM_BYTES)
    expect_body(request, MAX_FORM_BYTES)
    try:
        async with request.form(max_files=0, max_fields=100) as form:
            return _texts(form.multi_items())
    except ClientDisconnect as exc:
        raise InvalidInput("The body ended early.") from exc
    except (MultiPartException, ValueError) as exc:
        raise InvalidInput("The multipart form cannot be read.", str(exc)) from exc


async def read_pairs(request: Request, *, most: int = MAX_FORM_BYTES) -> list[tuple[str, str]]:
    """Return the fields of an urlencoded form, in which a field may be repeated; JSON with texts or lists of them is
    accepted, too. Bytes that are no UTF-8 become surrogates. Raise as `Shape.read` does.
    """
    if content_type(request) != _FORM:
        members = await _LISTS.read(request, most=most)
        return [(name, text) for name, given in members.items() for text in _listed(given)]
    body = await read_bytes(request, most=most)
    return _pairs(body) if len(body) <= SHORT_BYTES else await asyncio.to_thread(_pairs, body)


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="surrogateescape")
    except ValueError as exc:
        raise InvalidInput("The form cannot be read.", f"{exc}.") from exc


def _listed(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given


def is_form(request: Request) -> bool:
    """Return whether a request states that its body is a form."""
    return content_type(request) in (_FORM, _MULTIPART)


def _form_wanted(body: bytes, complaint: str) -> InvalidInput:
    return InvalidInput("The body must be a form of texts.", f"{complaint} Send it as {_FORM}.")


_Members = dict[str, str | list[str]]
_LISTS: Shape[_Members] = Shape(_Members | None, lambda members: members or {}, _form_wanted)
_FIELDS: Shape[dict[str, str]] = Shape(dict[str, str] | None, lambda fields: fields or {}, _form_wanted)


def body_in_pieces(scope: MutableMapping[str, Any]) -> AbstractContextManager[None]:
    """Let the block decide how long the client may take for the body of a request."""
    taking: Callable[[], AbstractContextManager[None]] = scope["extensions"][IN_PIECES]
    return taking()


async def read_bytes(request: Request, *, most: int = MAX_BYTES) -> bytes:
    """Return the body. Raise as `expect_body` does."""
    expect_body(request, most)
    body = await _received(request)
    request.scope[BODY] = body[:RAW_BYTES]
    return body


async def _received(request: Request) -> bytes:
    """Return the received body: mostly one piece, for which Starlette's stream does too much."""
    parts: list[bytes] = []
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise InvalidInput("The body ended early.")
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def expect_body(request: Request, most: int) -> None:
    """Reserve room for the body. Raise `RequestRefused` as `check_body` does, and while there is no room."""
    length = check_body(request, most)
    if length > SHORT_BYTES:
        _hold(request.scope, length)


def check_body(request: Request, most: int) -> int:
    """Return the length of the body.

    Raise `RequestRefused` for a body that is too large, compressed, or of unstated length.
    """
    # Read in one pass, and as bytes: Starlette's mapping goes through all headers for each name.
    headers = dict(request.scope["headers"])
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise RequestRefused(415, "A compressed body is not taken.", "Send it without Content-Encoding.")
    if b"transfer-encoding" in headers:
        raise RequestRefused(411, "The body's length is needed.", "Send Content-Length; chunked bodies are not taken.")
    length = headers.get(b"content-length", b"0")
    if not length.isdigit():
        raise RequestRefused(400, "Content-Length is not a number.")
    if int(length) > most:
        raise RequestRefused(
            413,
            "The body is too large.",
            f"At most {most} bytes are taken here.",
            headers={"Connection": "close"},
        )
    return int(length)


def _hold(scope: MutableMapping[str, Any], length: int) -> None:
    """Count a long body for the installation that sends it, or for the connected address, until `let_go`.

    Short ones are not counted, because the number of connections limits them.
    """
    host: Host = scope["state"]["host"]
    installation: int | None = scope.get(INSTALLATION)
    sender: str | int = scope["client"][0] if installation is None else installation
    shortage = host.admission.bodies.take(sender, length)
    if shortage is None:
        scope[HELD] = sender, length
        return
    status = 429 if shortage is Shortage.SHARE else 503
    caller = str(sender) if installation is None else f"installation {sender}"
    host.refusals.add(status, "bodies", caller, scope[request_id.IN_SCOPE])
    raise RequestRefused(
        status,
        "There is no room for a body of this size at the moment.",
        "Send it again when others are done.",
        headers={"Retry-After": "1"},
    )


def let_go(scope: MutableMapping[str, Any]) -> None:
    """Give back the room that the body of a request has."""
    host: Host = scope["state"]["host"]
    host.admission.bodies.give_back(*scope.pop(HELD))


def content_type(request: Request) -> str | None:
    """Return the media type that the request states, without parameters; `None` if it states none."""
    stated = dict(request.scope["headers"]).get(b"content-type")
    return None if stated is None else stated.decode("latin-1").partition(";")[0].strip().lower()


def _form_object(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=100,
        )
    except ValueError as exc:
        raise InvalidInput("The form cannot be read.", f"{exc}.") from exc
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidInput("A field of the form is given more than once.")
    return fields


def _texts(fields: Iterable[tuple[str, object]]) -> dict[str, str]:
    """Return the fields by name. A field that is not a text is refused, not left out: a `scope` left out would ask for
    all scopes.
    """
    texts: dict[str, str] = {}
    for name, field in fields:
        if not isinstance(field, str):
            raise InvalidInput(f"The field {name[:60]!r} is not a text.", "Send texts, or leave it out.")
        if name in texts:
            raise InvalidInput(f"The field {name[:60]!r} is given more than once.")
        texts[name] = field
    return texts
