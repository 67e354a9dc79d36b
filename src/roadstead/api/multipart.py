"""Multipart bodies whose parts may be files: read in one pass over the bytes, whatever is in them."""

import re
from typing import NamedTuple

from starlette.requests import Request

from roadstead.api.bodies import MAX_BYTES, content_type, read_bytes, read_pairs
from roadstead.errors import InvalidInput

MAX_TEXT_BYTES = 1 << 20
"""Of an urlencoded form, whose percent signs take long to decode: a quarter of a second for as many."""
_MOST_PARTS = 1000
_MOST_HEAD_BYTES = 16 * 1024
_BOUNDARY = re.compile(rb';\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_PARAMETER = re.compile(rb';\s*([\w*-]+)\s*[=:]\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.DOTALL)
_ESCAPED = re.compile(rb'\\(["\\])')
_PLAIN = (b"", b"7bit", b"8bit", b"binary")


class Part(NamedTuple):
    """A part of a form. One that states a file name is a file, and may have attributes, as on the cloud."""

    name: bytes
    content: bytes
    is_file: bool = False
    attributes: bytes = b""


async def read_parts(request: Request) -> list[Part]:
    """Return the fields and files of a form, urlencoded or multipart; JSON is taken, too. Raise as `Shape.read`."""
    kind = content_type(request)
    if kind is not None and kind.startswith("multipart/"):
        boundary = _BOUNDARY.search(dict(request.scope["headers"])[b"content-type"])
        if boundary is None:
            raise _unreadable("Its type names no boundary.")
        return parse(await read_bytes(request, most=MAX_BYTES), boundary[1] or boundary[2])
    pairs = await read_pairs(request, most=MAX_TEXT_BYTES)
    if len(pairs) > _MOST_PARTS:
        raise _unreadable(f"It has more than {_MOST_PARTS} parts.")
    return [Part(_bytes(name), _bytes(value)) for name, value in pairs]


def parse(body: bytes, boundary: bytes) -> list[Part]:
    """Return the parts of a multipart body. Raise `InvalidInput`."""
    delimiter = b"\r\n--" + boundary
    at = 0 if body.startswith(delimiter[2:]) else body.find(delimiter) + 2
    if at == 1:
        raise _unreadable("It does not begin with its boundary.")
    parts: list[Part] = []
    at += len(delimiter) - 2
    while not body.startswith(b"--", at):
        if not body.startswith(b"\r\n", at):
            raise _unreadable("A line begins with its boundary and goes on.")
        head_end = body.find(b"\r\n\r\n", at, at + _MOST_HEAD_BYTES)
        end = body.find(delimiter, head_end + 2)
        if head_end < 0 or end < 0:
            raise _unreadable("It ends within a part, or a part has no end of its headers.")
        parts.append(_part(body[at:head_end], body[head_end + 4 : end]))
        if len(parts) > _MOST_PARTS:
            raise _unreadable(f"It has more than {_MOST_PARTS} parts.")
        at = end + len(delimiter)
    return parts


def _part(head: bytes, content: bytes) -> Part:
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    if headers.get(b"content-transfer-encoding", b"").lower() not in _PLAIN:
        raise _unreadable("A part is encoded for transfer. Send its bytes as they are.")
    found = _PARAMETER.findall(b";" + headers.get(b"content-disposition", b""))
    parameters = {name.lower(): _unquoted(value) for name, value in found}
    name = parameters.get(b"name") or _unquoted(headers.get(b"content-id", b""))
    if not name:
        raise _unreadable("A part has no name.")
    return Part(name, content, b"filename" in parameters, parameters.get(b"x-attributes", b""))


def _unquoted(value: bytes) -> bytes:
    """Return a value without its quotes. Browsers escape no backslash, and others only these two characters."""
    value = value.strip()
    return _ESCAPED.sub(rb"\1", value[1:-1]) if value[:1] == value[-1:] == b'"' and len(value) > 1 else value


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _unreadable(reason: str) -> InvalidInput:
    return InvalidInput("The form cannot be read.", reason)
