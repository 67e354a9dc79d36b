"""Request bodies: read within limits, decoded strictly."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

import msgspec
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request

from roadstead.api.errors import RequestRefused
from roadstead.domain.records import BODY
from roadstead.domain.redaction import RAW_BYTES
from roadstead.errors import InvalidInput

MAX_BYTES = 16 * 1024 * 1024
MAX_FORM_BYTES = 64 * 1024
"""Of a form that anybody may send: what is read before we know who sends it must cost us little."""
MAX_DEPTH = 100
"""Objects and lists inside one another. A descriptor in a body, the deepest that means something, has ten."""
_FORM = "application/x-www-form-urlencoded"
_JSON_TYPE = re.compile(r"application/[\w.-]+\+json")


async def read_json(request: Request, *, most: int = MAX_BYTES) -> object:
    """The JSON value of the body; an empty body is `None`. A flat form is taken as an object of strings.

    Raises `InvalidInput`, or `RequestRefused` for a body that HTTP refuses.
    """
    body = await read_bytes(request, most=most)
    kind = _content_type(request)
    if kind == _FORM:
        return _form_object(body)
    if kind not in (None, "application/json") and not _JSON_TYPE.fullmatch(kind):
        raise RequestRefused(
            415,
            f"A body of type {kind[:60]!r} is not taken here.",
            f"Send application/json, or a flat {_FORM}.",
        )
    if not body.strip():
        return None
    return decode_json(body)


def decode_json(body: bytes) -> object:
    """Raises `InvalidInput`."""
    try:
        value = msgspec.json.decode(body)
    except RecursionError as exc:
        raise _too_deep() from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise InvalidInput("The body is not valid JSON.", f"{exc}.") from exc
    # Most bodies are not even looked through: a list of a hundred thousand texts has one bracket.
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _is_too_deep(value):
        raise _too_deep()
    return value


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for item in level if isinstance(item, dict | list) for child in _children(item)]
        if not level:
            return False
    return any(isinstance(item, dict | list) for item in level)


def _children(item: dict[str, object] | list[object]) -> Iterable[object]:
    return item.values() if isinstance(item, dict) else item


def _too_deep() -> InvalidInput:
    return InvalidInput("The JSON is nested too deeply.", f"At most {MAX_DEPTH} levels are taken.")


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, urlencoded or multipart; JSON is taken too. Raises as `read_json` does."""
    if _content_type(request) != "multipart/form-data":
        value = await read_json(request, most=MAX_FORM_BYTES) or {}
        if not isinstance(value, dict):
            raise InvalidInput("The body must be a form.", f"Send it as {_FORM}.")
        return _texts(value.items())
    check_headers(request, MAX_FORM_BYTES)
    try:
        async with request.form(max_files=0, max_fields=100) as form:
            return _texts(form.multi_items())
    except ClientDisconnect as exc:
        raise InvalidInput("The body ended early.") from exc
    except (MultiPartException, ValueError) as exc:
        raise InvalidInput("The multipart form cannot be read.", str(exc)) from exc


async def read_bytes(request: Request, *, most: int = MAX_BYTES) -> bytes:
    """The body. Raises `RequestRefused` when it is too large, compressed, or has no stated length."""
    check_headers(request, most)
    body = await _received(request)
    request.scope[BODY] = body[:RAW_BYTES]
    return body


async def _received(request: Request) -> bytes:
    """What came as the body: in one piece mostly, for which Starlette's stream does too much."""
    parts: list[bytes] = []
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise InvalidInput("The body ended early.")
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def check_headers(request: Request, most: int) -> None:
    """Raises `RequestRefused` for a body that is too large, compressed, or has no stated length."""
    # Read in one pass, and as bytes: Starlette's mapping goes through all headers for each that is asked for.
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


def _content_type(request: Request) -> str | None:
    """The media type that the request states, without parameters; `None` when it states none."""
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
    """The fields by name. What is no text is refused, not left out: a `scope` left out would ask for all scopes."""
    texts: dict[str, str] = {}
    for name, field in fields:
        if not isinstance(field, str):
            raise InvalidInput(f"The field {name[:60]!r} is not a text.", "Send texts, or leave it out.")
        if name in texts:
            raise InvalidInput(f"The field {name[:60]!r} is given more than once.")
        texts[name] = field
    return texts
