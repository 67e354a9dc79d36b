"""Find the URLs that people write out in plain text.

A URL with `http://` or `https://` becomes a link. One of any other scheme (`git+https://`, `ssh://`, `mailto:`) is
left alone, and so is one whose scheme continues a word. A URL ends before the next space, control character, quote,
backquote, backslash, full-width punctuation, or one of `<>{}|^`. Punctuation at its end belongs to the sentence, and
so does a closing bracket that the URL does not open.
"""

import re
import string
import unicodedata
from collections.abc import Iterator

import msgspec

from roadstead.linkify.target.urls import encode_url
from roadstead.linkify.text.words import may_begin

_MARK = re.compile("://")
_MARK_OR_MAILTO = re.compile(r"://|(?<![0-9A-Za-z+.\-])mailto:")
_NO_FIRST = "+-." + string.digits
_SCHEME_CHARS = string.ascii_letters + _NO_FIRST
_LONGEST_SCHEME = 64
_WEB = re.compile("https?", re.IGNORECASE)
_FULL_WIDTH = (
    "\u3000-\u3003\u3008-\u301f"  # CJK symbols and punctuation, except letters
    "\ufe10-\ufe19\ufe30-\ufe6b"  # the same for vertical lines, and small
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff64"  # that of ASCII in full width, and half-width ideographic
    "\u201c-\u201f\u2018"  # quotes that Chinese shares with other languages
)
_REST = re.compile(rf"(?:[^\s\x00-\x1f\x7f-\x9f<>\"`\\{{}}|^’{_FULL_WIDTH}]|’(?=[A-Za-z]))+")
_SENTENCE_ENDS = "?!.,:;*_~'"
_BRACKETS = {")": "(", "]": "["}


class Address(msgspec.Struct, frozen=True, gc=False):
    """A stretch of a text that no linker touches: a URL, or a hyperlink that the text has already.

    `url` is its target, if it becomes a link.
    """

    start: int
    end: int
    url: str | None = None


may_have_addresses = _MARK.search  # for a literal, `re` takes half the time of `in`
"""Return a match if there is a text like a URL with `//`, else `None`."""
may_have_mailto = re.compile("mailto:").search
"""Return a match if there may be a `mailto:` URL in a text, else `None`."""


def addresses(text: str) -> Iterator[Address]:
    """Yield the URLs of `text` from left to right."""
    search = (_MARK_OR_MAILTO if may_have_mailto(text) else _MARK).search
    position = 0
    while mark := search(text, position):
        colon, rest = mark.span()
        web = _web_start(text, colon, position)
        start = web if web is not None else _scheme_start(text, colon, position) if mark[0] == "://" else colon
        position = rest
        # A scheme without a start is not a URL, so its end is not searched for: many in a row would take quadratic
        # time.
        if start is not None and (end := _trimmed_end(text, rest)) > rest:
            position = end
            yield Address(start, end, encode_url(text[start:end]) if web is not None else None)


def _web_start(text: str, colon: int, least: int) -> int | None:
    """Return where the `https` or `http` that ends at `colon` begins, if at `least` or later and not within a word."""
    for start in (colon - 5, colon - 4):
        if start >= least and _WEB.fullmatch(text, start, colon):
            continues = start > 0 and (text[start - 1] == "+" or not may_begin(text, start))
            return None if continues else start
    return None


def _scheme_start(text: str, colon: int, least: int) -> int | None:
    """Return where the scheme that ends at `colon` begins, at `least` or later, or `None` if there is none."""
    least = max(least, colon - _LONGEST_SCHEME)
    before = text[least:colon].rstrip(_SCHEME_CHARS)
    scheme = text[least + len(before) : colon].lstrip(_NO_FIRST)
    return colon - len(scheme) if scheme else None


def _trimmed_end(text: str, start: int) -> int:
    """Return where the URL ends whose part after the scheme begins at `start`, in one pass."""
    rest = _REST.match(text, start)
    end = rest.end() if rest else start
    unopened = {
        closing: text.count(closing, start, end) - text.count(opening, start, end)
        for closing, opening in _BRACKETS.items()
    }
    while end > start:
        last = text[end - 1]
        if last in unopened and unopened[last] > 0:
            unopened[last] -= 1
        elif not _ends_sentence(last):
            break
        end -= 1
    return end


def _ends_sentence(char: str) -> bool:
    return char in _SENTENCE_ENDS if char.isascii() else unicodedata.category(char).startswith("P")
