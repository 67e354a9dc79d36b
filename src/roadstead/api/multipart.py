"""Multipart bodies whose parts may be files, whatever is in them: short ones as a whole, long ones as they arrive."""

import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser
from starlette.requests import Request

from roadstead.api.bodies import MAX_BYTES, content_type, expect_text, read_bytes, read_pairs
from roadstead.errors import InvalidInput

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_TEXT_BYTES = 1 << 20
"""Of an urlencoded form, whose percent signs take long to decode: a quarter of a second for as many."""
_MOST_PARTS = 1000
_MOST_HEADER_BYTES = 16 * 1024
_BOUNDARY = re.compile(rb';\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_PARAMETER = re.compile(rb';\s*([\w*-]+)\s*[=:]\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.DOTALL)
_ESCAPED = re.compile(rb'\\(["\\])')
_PLAIN = (b"", b"7bit", b"8bit", b"binary")


class Head(NamedTuple):
    """The beginning of a part. One that states a file name is a file, and may have attributes, as on the cloud."""

    name: bytes
    filename: bytes | None
    attributes: bytes


class Part(NamedTuple):
    """A part of a form, as a whole."""

    name: bytes
    content: bytes
    is_file: bool = False
    attributes: bytes = b""


async def read_parts(request: Request) -> list[Part]:
    """Return the fields and files of a form, urlencoded or multipart; JSON is taken, too. Raise as `Shape.read`."""
    kind = content_type(request)
    if kind is not None and kind.startswith("multipart/"):
        boundary = boundary_of(request)
        if boundary is None:
            raise _unreadable("Its type names no boundary.")
        return parse(await read_bytes(request, most=MAX_BYTES), boundary)
    expect_text(kind, "Send multipart/form-data, or an urlencoded form.")
    pairs = await read_pairs(request, most=MAX_TEXT_BYTES)
    if len(pairs) > _MOST_PARTS:
        raise _unreadable(f"It has more than {_MOST_PARTS} parts.")
    return [Part(_bytes(name), _bytes(value)) for name, value in pairs]


def boundary_of(request: Request) -> bytes | None:
    """Return what separates the parts of a form, if its type names that."""
    found = _BOUNDARY.search(dict(request.scope["headers"]).get(b"content-type", b""))
    return None if found is None else found[1] or found[2]


def parse(body: bytes, boundary: bytes) -> list[Part]:
    """Return the parts of a multipart body. Raise `InvalidInput`."""
    parts: list[tuple[Head, list[bytes]]] = []
    reader = _Reader(boundary)
    for found in reader.read(body):
        if isinstance(found, Head):
            parts.append((found, []))
        else:
            parts[-1][1].append(found)
    reader.check_end()
    return [Part(head.name, b"".join(of), head.filename is not None, head.attributes) for head, of in parts]


async def parts_of(body: AsyncIterable[bytes], boundary: bytes) -> AsyncIterator[Head | bytes]:
    """Yield the beginning of each part of a body that may be long, and then its content in pieces.

    Raise `InvalidInput`.
    """
    reader = _Reader(boundary)
    async for piece in body:
        for found in reader.read(piece):
            yield found
    reader.check_end()


class _Reader:
    """Finds the parts of a body that comes in pieces."""

    def __init__(self, boundary: bytes) -> None:
        self._found: list[Head | bytes] = []
        self._headers: list[tuple[bytearray, bytearray]] = []
        self._number = 0
        self._is_over = False
        try:
            self._parser = MultipartParser(boundary, self._callbacks(), max_header_size=_MOST_HEADER_BYTES)
        except FormParserError as exc:
            raise _unreadable(f"{exc}.") from exc

    def _callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_begin": lambda: self._headers.append((bytearray(), bytearray())),
            "on_header_field": lambda data, start, end: self._headers[-1][0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._headers[-1][1].extend(data[start:end]),
            "on_headers_finished": lambda: self._found.append(_head_of(self._headers)),
            "on_part_data": lambda data, start, end: self._found.append(data[start:end]),
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._headers, self._number = [], self._number + 1
        if self._number > _MOST_PARTS:
            raise _unreadable(f"It has more than {_MOST_PARTS} parts.")

    def _end(self) -> None:
        self._is_over = True

    def read(self, piece: bytes) -> list[Head | bytes]:
        """Return what there is in a piece of the body. What follows the last part is left out."""
        self._found = []
        try:
            self._parser.write(piece)
        except FormParserError as exc:
            raise _unreadable(f"{exc}.") from exc
        return self._found

    def check_end(self) -> None:
        """Raise `InvalidInput` if the form has not ended."""
        if not self._is_over:
            raise _unreadable("It ends within a part, or a part has no end of its headers.")


def _head_of(lines: Iterable[tuple[bytearray, bytearray]]) -> Head:
    headers = {bytes(name).lower(): bytes(value).strip() for name, value in lines}
    if headers.get(b"content-transfer-encoding", b"").lower() not in _PLAIN:
        raise _unreadable("A part is encoded for transfer. Send its bytes as they are.")
    found = _PARAMETER.findall(b";" + headers.get(b"content-disposition", b""))
    parameters = {name.lower(): _unquoted(value) for name, value in found}
    name = parameters.get(b"name") or _unquoted(headers.get(b"content-id", b""))
    if not name:
        raise _unreadable("A part has no name.")
    filename = parameters.get(b"filename")
    if b"filename*" in parameters:
        filename = unquote_to_bytes(parameters[b"filename*"].rpartition(b"'")[2])
    return Head(name, filename, parameters.get(b"x-attributes", b""))


def _unquoted(value: bytes) -> bytes:
    """Return a value without its quotes. Browsers escape no backslash, and others only these two characters."""
    value = value.strip()
    return _ESCAPED.sub(rb"\1", value[1:-1]) if value[:1] == value[-1:] == b'"' and len(value) > 1 else value


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _unreadable(reason: str) -> InvalidInput:
    return InvalidInput("The form cannot be read.", reason)
