"""Where in Markdown its texts stand: what is neither code, link, image, HTML, link definition nor a mark of emphasis.

markdown-it-py reads it, as CommonMark. It says what a text is, but not where it came from. So each of its inline rules
is wrapped in one that notes where in the content of a block the rule began and ended; and the content's lines are found
again in the source, where each is the end of a line.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, hr
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import (
    StateInline,
    autolink,
    backtick,
    emphasis,
    entity,
    escape,
    html_inline,
    image,
    link,
    newline,
)
from markdown_it.token import Token

from roadstead.linkify.budget import Budget, OutOfTime
from roadstead.linkify.documents.markup import UNTOUCHED

_RULES: dict[str, Callable[[StateInline, bool], bool]] = {
    "newline": newline,
    "escape": escape,
    "backticks": backtick,
    "emphasis": emphasis.tokenize,
    "link": link,
    "image": image,
    "autolink": autolink,
    "html_inline": html_inline,
    "entity": entity,
}
"""The inline rules for all that is not plain text."""
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9\-]*)")
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(?:.*\r?\n)*?(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)")


class Piece(NamedTuple):
    r"""A part of a text, which stands between `start` and `end` of the content as it is, or is written there as `&amp;`
    or `\*`.
    """

    chars: str
    start: int
    end: int

    @property
    def is_plain(self) -> bool:
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


class Block(NamedTuple):
    """The content of a paragraph or a heading, its texts, and where each of its lines begins in the source.

    `lines` are where a line begins in the content, and how much later in the source.
    """

    content: str
    texts: list[MarkdownText]
    tokens: list[Token]
    lines: list[tuple[int, int]]

    def place(self, at: int) -> int:
        """Return where in the source a character of the content stands."""
        return at + self.lines[bisect_right(self.lines, (at, 1 << 60)) - 1][1]


class Markdown:
    """Markdown that was read. `complete` is whether there was time enough to read all of it."""

    def __init__(self, source: str, budget: Budget) -> None:
        self._environment: dict[str, Any] = {"reader": _Reader(budget)}
        state = StateCore(_readable(source), _parser(), self._environment)
        self.complete = False
        with suppress(OutOfTime):
            _parser().core.process(state)
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
        (token,) = _parser().parseInline(content, self._environment)
        return token.children or []


class _Part(NamedTuple):
    """What a rule made of the content from `start` to `end`."""

    rule: str
    start: int
    end: int
    tokens: list[Token]


class _Reader:
    """Notes what the rules make of a block's content. `paused` while a link's or an image's own text is read."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.paused = False
        self.parts: list[_Part] = []
        self.texts: list[list[MarkdownText]] = []

    def block_ends(self, state: StateInline) -> None:
        """Keep the texts of the block. Called when it is known which marks are those of emphasis."""
        self.texts.append(list(_texts(state.src, self.parts)))
        self.parts = []


def _texts(content: str, parts: list[_Part]) -> Iterator[MarkdownText]:
    """Yield the texts of a block: what lies between its parts, and characters that some of these stand for."""
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


def _marks(content: str, part: _Part) -> Iterator[tuple[int, int, str | None]]:
    """Yield what of the part is no plain text, with the characters that it stands for if it stands for any."""
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


def _noting(name: str, rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
    """Return the rule such that the reader in the environment is told what it does."""

    def noted(state: StateInline, silent: bool) -> bool:
        reader: _Reader = state.env["reader"]
        reader.budget.check()
        if silent or reader.paused:
            return rule(state, silent)
        start, before = state.pos, len(state.tokens)
        reader.paused = name in ("link", "image")
        found = rule(state, silent)
        reader.paused = False
        if found:
            reader.parts.append(_Part(name, start, state.pos, state.tokens[before:]))
        return found

    return noted


def _block_ends(state: StateInline) -> None:
    reader: _Reader = state.env["reader"]
    if not reader.paused:
        reader.block_ends(state)


def _timed_hr(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Look at the time, too: the rule is asked at nearly every line."""
    reader: _Reader = state.env["reader"]
    reader.budget.check()
    return hr(state, start, end, silent)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark")
    for name, rule in _RULES.items():
        parser.inline.ruler.at(name, _noting(name, rule))
    parser.inline.ruler2.before("fragments_join", "block_ends", _block_ends)
    parser.block.ruler.at("hr", _timed_hr, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    return parser


def _readable(source: str) -> str:
    """Return the source as long as it was, with blanks for the front matter and U+FFFD for what is no character."""
    front_matter = _FRONT_MATTER.match(source)
    if front_matter:
        source = re.sub(r"[^\r\n]", " ", front_matter[0]) + source[front_matter.end() :]
    return re.sub(r"[\ud800-\udfff]", "\ufffd", source)


def _places(content: str, source_lines: list[tuple[int, str]], hashes: str) -> list[tuple[int, int]]:
    """Return where each line begins in the content, and how much later in the source; see `Block`.

    A line is the end of a line of the source, spaces aside. Only a heading that begins with `hashes` may have more of
    these behind it.
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
