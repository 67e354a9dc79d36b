"""Find the URLs that people write out in plain text.

A bare URL starts with `http://` or `https://` (in any case), not right after a letter, a digit or `+`, and
runs to the next space, control character, quote, backquote, backslash or one of `<>{}|^`. Punctuation at its
end belongs to the sentence, and so does a closing bracket that the URL does not open.
"""

import re
from collections.abc import Iterator

from roadstead.linkify.linker import Link
from roadstead.linkify.target import encode_url

_MARK = re.compile("://")  # found in half the time that `str.find` takes
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_REST = re.compile(r"[^\s\x00-\x1f\x7f-\x9f<>\"`\\{}|^]+")
_SENTENCE_ENDS = "?!.,:;*_~'…。，、！？；：»›”’"
_BRACKETS = {")": "(", "]": "[", "}": "{", "）": "（", "】": "【", "」": "「", "』": "『", "》": "《"}


def may_have_urls(text: str) -> bool:
    """Whether there is anything like a bare URL in `text`."""
    return _MARK.search(text) is not None


def bare_urls(text: str) -> Iterator[Link]:
    """Yield the bare URLs of `text` from left to right."""
    position = 0
    while mark := _MARK.search(text, position):
        colon, position = mark.span()
        start = _scheme_start(text, colon)
        rest = _REST.match(text, position)
        if start is None or rest is None:
            continue
        end = _trimmed_end(text, start, rest.end())
        url = encode_url(text[start:end])
        if url:
            yield Link(start, end, text[start:end], url, None)
            position = end


def _scheme_start(text: str, colon: int) -> int | None:
    for start in (colon - 5, colon - 4):
        if start >= 0 and _SCHEME.match(text, start, colon + 3):
            before = text[start - 1 : start]
            return None if before.isalnum() or before == "+" else start
    return None


def _trimmed_end(text: str, start: int, end: int) -> int:
    """Return `end` without the punctuation that is the sentence's; one pass, however much there is."""
    unopened = {
        closing: text.count(closing, start, end) - text.count(opening, start, end)
        for closing, opening in _BRACKETS.items()
    }
    while end > start:
        last = text[end - 1]
        if last in unopened and unopened[last] > 0:
            unopened[last] -= 1
        elif last not in _SENTENCE_ENDS:
            break
        end -= 1
    return end
