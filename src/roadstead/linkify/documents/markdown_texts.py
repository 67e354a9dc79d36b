"""The texts in a block of Markdown, between its marks."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markdown_it.token import Token

from roadstead.linkify.documents.elements import UNTOUCHED

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9\-]*)")


class Piece(NamedTuple):
    r"""A part of a text, between `start` and `end` of the content: unchanged there, or written as `&amp;` or `\*`."""

    chars: str
    start: int
    end: int

    @property
    def is_plain(self) -> bool:
        """Return whether it is unchanged in the content."""
        return self.end - self.start == len(self.chars)


class MarkdownText:
    """A text between marks of Markdown, as a reader sees it."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.chars = "".join(piece.chars for piece in pieces)
        self._pieces = pieces
        self._starts = [0]
        for piece in pieces[:-1]:
            self._starts.append(self._starts[-1] + len(piece.chars))

    def between(self, start: int, end: int) -> list[Piece]:
        """Return the pieces of which a stretch of the text is made."""
        found: list[Piece] = []
        first, last = bisect_right(self._starts, start) - 1, bisect_right(self._starts, end - 1)
        for piece, at in zip(self._pieces[first:last], self._starts[first:last], strict=True):
            if piece.is_plain:
                left, right = max(start - at, 0), min(end - at, len(piece.chars))
                found.append(Piece(piece.chars[left:right], piece.start + left, piece.start + right))
            else:
                found.append(piece)
        return found


class Part(NamedTuple):
    """An inline rule's reading of the content from `start` to `end`."""

    rule: str
    start: int
    end: int
    tokens: list[Token]


def texts_of(content: str, parts: list[Part]) -> Iterator[MarkdownText]:
    """Yield the texts of a block: those between its parts, and characters that some parts mean."""
    pieces: list[Piece] = []
    position = untouched = 0
    for part in parts:
        for start, end, chars in _marks(content, part):
            if position < start:
                pieces.append(Piece(content[position:start], position, start))
            position = end
            if chars is not None:
                pieces.append(Piece(chars, start, end))
                continue
            if pieces and not untouched:
                yield MarkdownText(pieces)
            pieces = []
        if part.rule == "html_inline" and (tag := _TAG.match(content, part.start)) and tag[2].lower() in UNTOUCHED:
            untouched = max(0, untouched + (-1 if tag[1] else 1))
    if position < len(content):
        pieces.append(Piece(content[position:], position, len(content)))
    if pieces and not untouched:
        yield MarkdownText(pieces)


def _marks(content: str, part: Part) -> Iterator[tuple[int, int, str | None]]:
    """Yield what in the part is not plain text, with the characters that it means, if any."""
    last = part.tokens[-1] if part.tokens else None
    if part.rule == "emphasis":
        delimiters = part.tokens[part.start - part.end :]
        for at, token in enumerate(delimiters, part.start):
            if token.type != "text" or not token.content:
                yield at, at + 1, None
    elif last is not None and last.type == "text_special":
        if last.content != content[part.start : part.end]:
            yield part.start, part.end, last.content
    elif part.rule != "backticks" or (last is not None and last.type == "code_inline"):
        yield part.start, part.end, None
