"""Forms with files of any length: parts in pieces, as they arrive. `multipart.py` reads short forms as a whole."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from roadstead.errors import InvalidInput

_MOST_PARTS = 1000
_LONGEST_BOUNDARY = 70
"""By RFC 2046."""


class Part(NamedTuple):
    """The beginning of a part. `filename` is there if it is a file."""

    name: str
    filename: str | None


def boundary_of(request: Request) -> str | None:
    """Return what separates the parts of a form; nothing if the body is no such form."""
    media_type, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"").decode("latin-1")
    is_form = media_type == b"multipart/form-data" and 1 <= len(boundary) <= _LONGEST_BOUNDARY
    return boundary if is_form else None


async def parts_of(body: AsyncIterable[bytes], boundary: str) -> AsyncIterator[Part | bytes]:
    """Yield the beginning of each part, and then its content in pieces. Raise `InvalidInput`."""
    reader = _Reader(boundary)
    async for piece in body:
        for found in reader.read(piece):
            yield found
    reader.check_end()


class _Reader:
    """What the parser has found."""

    def __init__(self, boundary: str) -> None:
        self._found: list[Part | bytes] = []
        self._headers: dict[str, str] = {}
        self._field = self._value = b""
        self._parts = 0
        self._is_complete = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._add_to_field,
                "on_header_value": self._add_to_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._add_data,
                "on_end": self._end,
            },
        )

    def read(self, piece: bytes) -> list[Part | bytes]:
        """Return what there is in a piece of the body."""
        self._found = []
        try:
            self._parser.write(piece)
        except FormParserError as exc:
            raise InvalidInput("The multipart form cannot be read.", f"{exc}.") from exc
        return self._found

    def check_end(self) -> None:
        """Raise `InvalidInput` if the form has not ended."""
        if not self._is_complete:
            raise InvalidInput("The multipart form cannot be read.", "It ended early.")

    def _begin(self) -> None:
        self._headers = {}
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise InvalidInput("The multipart form cannot be read.", f"It has more than {_MOST_PARTS} parts.")

    def _add_to_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._field.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._field = self._value = b""

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", ""))
        filename = options.get(b"filename")
        self._found.append(Part(_text(options.get(b"name", b"")), None if filename is None else _text(filename)))

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        self._found.append(data[start:end])

    def _end(self) -> None:
        self._is_complete = True


def _text(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError as exc:
        raise InvalidInput("The multipart form cannot be read.", f"The name {name[:100]!r} is no UTF-8.") from exc
