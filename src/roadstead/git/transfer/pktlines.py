"""Pkt-lines, the framing of git's protocol: four hexadecimal digits with its length, then a payload."""

from collections.abc import Iterator
from typing import NamedTuple

FLUSH = b"0000"
_HEAD_BYTES = 4
LONGEST = 65520
"""The longest line, with its length."""
_HEX = frozenset(b"0123456789abcdefABCDEF")


class MalformedLine(ValueError):
    """The bytes are no pkt-line."""


class Line(NamedTuple):
    """A pkt-line; `payload` is `None` for a flush, which separates lines. `raw` are all its bytes."""

    payload: bytes | None
    raw: bytes


def pkt_line(payload: bytes) -> bytes:
    """Return the pkt-line of a payload. Raise `MalformedLine` if it is too long."""
    length = len(payload) + _HEAD_BYTES
    if length > LONGEST:
        raise MalformedLine("The payload is too long.")
    return b"%04x" % length + payload


class Lines:
    """Reads pkt-lines from pieces of any size, without copying what is not complete more than once."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def add(self, piece: bytes) -> None:
        """Add bytes, whose lines `take` returns."""
        self._rest += piece

    def take(self) -> Iterator[Line]:
        """Yield the complete lines, and keep the rest for the next piece. Raise `MalformedLine`."""
        at = 0
        try:
            while (end := self._end_of_line(at)) is not None:
                raw = bytes(self._rest[at:end])
                at = end
                yield Line(None if raw == FLUSH else raw[_HEAD_BYTES:], raw)
        finally:
            del self._rest[:at]

    def _end_of_line(self, at: int) -> int | None:
        """Return where the line at a position ends, or `None` if it is incomplete."""
        head = self._rest[at : at + _HEAD_BYTES]
        if not _HEX.issuperset(head):
            raise MalformedLine("A pkt-line does not begin with its length.")
        if len(head) < _HEAD_BYTES:
            return None
        length = int(head, 16)
        if 0 < length < _HEAD_BYTES or length > LONGEST:
            raise MalformedLine("A pkt-line has a length that it cannot have.")
        end = at + max(length, _HEAD_BYTES)
        return end if len(self._rest) >= end else None
