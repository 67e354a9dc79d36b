"""Texts from a repository as a reader should see them: nothing in them is invisible, or changes how others look."""

import re

_TURNING = "\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Characters that turn the direction of a text."""
_IN_TEXT = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_TURNING}]")
_IN_LINE = re.compile(f"[\x00-\x1f\x7f-\x9f{_TURNING}]")
_PICTURES = 0x2400


def visible(text: str) -> str:
    """Return a text in which control characters, but line feeds and tabs, have a picture or a number."""
    return _IN_TEXT.sub(_picture, text)


def visible_line(text: str) -> str:
    """Return a text of one line: a line feed in it has a picture, too."""
    return _IN_LINE.sub(_picture, text)


def visible_path(path: bytes) -> str:
    """Return the name of a file as a text; bytes that are no UTF-8 are replaced."""
    return visible_line(path.decode("utf-8", "replace"))


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(_PICTURES + code) if code < ord(" ") else f"[U+{code:04X}]"
