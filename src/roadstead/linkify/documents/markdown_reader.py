"""Find the texts of Markdown in its source.

A text is what is neither code, link, image, HTML, link definition nor a mark of emphasis. The parser gives the content
of each block. The content's lines are found again in the source, where each is the end of a line.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from roadstead.linkify.budget import Budget, OutOfTime
from roadstead.linkify.documents.markdown_parser import Reader, parser
from roadstead.linkify.documents.markdown_texts import MarkdownText

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(?:.*\r?\n)*?(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)")


class Block(NamedTuple):
    """The content of a paragraph or a heading, and its texts.

    `lines` say where each line begins in the content, and how much later it begins in the source.
    """

    content: str
    texts: list[MarkdownText]
    tokens: list[Token]
    lines: list[tuple[int, int]]

    def place(self, at: int) -> int:
        """Return where in the source a character of the content is."""
        return at + self.lines[bisect_right(self.lines, (at, 1 << 60)) - 1][1]


class Markdown:
    """Markdown that was read. `complete` says whether there was time to read everything."""

    def __init__(self, source: str, budget: Budget) -> None:
        self._environment: dict[str, Any] = {"reader": Reader(budget)}
        state = StateCore(_readable(source), parser(), self._environment)
        self.complete = False
        with suppress(OutOfTime):
            parser().core.process(state)
            self.complete = True
        self._tokens = state.tokens
        self._source = source

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks that have texts, in their order."""
        source_lines = [(found.start(), found[1]) for found in _LINE.finditer(self._source)]
        texts = iter(self._environment["reader"].texts)
        markup = ""
        for token in self._tokens:
            if token.type == "heading_open":
                markup = token.markup
            elif token.type == "inline" and token.map and (its_texts := next(texts, None)) is not None:
                of_block = source_lines[slice(*token.map)]
                lines = _places(token.content, of_block, markup if markup.startswith("#") else "")
                yield Block(token.content, its_texts, token.children or [], lines)
            elif token.type == "heading_close":
                markup = ""

    def read_again(self, content: str) -> list[Token]:
        """Return the tokens of a block with another content."""
        self._environment["reader"].paused = True
        (token,) = parser().parseInline(content, self._environment)
        return token.children or []


def _readable(source: str) -> str:
    """Return the source in the same length, with blanks for front matter and U+FFFD for lone surrogates."""
    front_matter = _FRONT_MATTER.match(source)
    if front_matter:
        source = re.sub(r"[^\r\n]", " ", front_matter[0]) + source[front_matter.end() :]
    return re.sub(r"[\ud800-\udfff]", "\ufffd", source)


def _places(content: str, source_lines: list[tuple[int, str]], hashes: str) -> list[tuple[int, int]]:
    """Return where each line begins in the content, and how much later in the source; see `Block`.

    Spaces aside, a line is the end of a line of the source. Only a heading that begins with `hashes` may have more
    hashes after it.
    """
    places: list[tuple[int, int]] = []
    begins = 0
    for line, (start, written) in zip(content.split("\n"), source_lines, strict=False):
        shown, space = line.strip(), len(line) - len(line.lstrip())
        if hashes:
            marked = written.index(hashes) + len(hashes)
            at = marked + len(written[marked:]) - len(written[marked:].lstrip())
        else:
            at = len(written.rstrip()) - len(shown)
        places.append((begins, start + at - space - begins))
        begins += len(line) + 1
    return places
