"""Paths of files, as resources show them."""

import re

_SPECIAL = re.compile(rb'[\x00-\x1f\x7f-\xff"\\]')
_ESCAPES = {b"\a": "\\a", b"\b": "\\b", b"\t": "\\t", b"\n": "\\n", b"\v": "\\v", b"\f": "\\f", b"\r": "\\r"}


def shown(path: bytes) -> str:
    """Return a path as a text."""
    return path.decode("utf-8", "replace")


def escaped(path: bytes) -> str:
    """Return a path as git writes it in diffs."""
    if not _SPECIAL.search(path):
        return path.decode()
    return f'"{_SPECIAL.sub(_escape, path).decode()}"'


def _escape(found: re.Match[bytes]) -> bytes:
    byte = found[0]
    return _ESCAPES[byte].encode() if byte in _ESCAPES else b"\\" + (byte if byte in b'"\\' else b"%03o" % ord(byte))
