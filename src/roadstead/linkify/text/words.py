"""The places in a text where a stored value may begin: not in the middle of a word.

A value may not begin right after a letter or a decimal digit. Combining marks belong to the letter before them, so the
composed and the decomposed form of a letter behave alike. A letter of a script without case (Han, kana, Thai, Hangul,
Arabic …) is allowed before a value that begins in another script: no reader reads 修复BB as one word.
"""

import re
import unicodedata
from functools import cache

from roadstead.linkify.keeping import Made

# The scripts without case among those that Unicode recommends for names (UAX #31, table 5).
_WITHOUT_CASE = (
    *("Han", "Katakana", "Hiragana", "Bopomofo", "Hangul", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan", "Arabic"),
    *("Hebrew", "Ethiopic", "Thaana", "Bengali", "Devanagari", "Gujarati", "Gurmukhi", "Kannada", "Malayalam", "Oriya"),
    *("Sinhala", "Tamil", "Telugu"),
)
_SEPARATOR = ord("-")
_JOINED = ord("A")  # a letter or digit, after which no value may begin
_SCRIPTS = ord("a")
_OTHER_SCRIPT = _SCRIPTS + len(_WITHOUT_CASE)
_MOST_MARKS = 30
"""Combining marks that a letter may have, by the Stream-Safe Text Format of Unicode (UAX #15)."""
_REMEMBERED = 4_096

_MARK = re.compile(r"[\-_]")  # everything of ASCII in [\w\-] that is neither a letter nor a digit
_EDGE = re.compile(r"(?:-|([^A\-])(?!\1))(?!\Z)")  # in kinds of characters


def may_begin(chars: str, at: int) -> bool:
    """Return whether a value may begin at `at`, by what is before it."""
    if at == 0:
        return True
    before = chars[at - 1]
    if before.isascii():
        return not before.isalnum()
    return not _continues(before if before.isalnum() else _marked(chars, at), chars[at])


def beginnings(chars: str, first: int, beyond: int) -> list[int]:
    r"""Return the places in a run of `[\w\-]` where a value may begin."""
    run = chars[first:beyond]
    if run.isascii():
        places = [first + mark.end() for mark in _MARK.finditer(run, 0, len(run) - 1)]
    else:
        places = [first + edge.end() for edge in _EDGE.finditer(run.translate(_kinds()))]
    if may_begin(chars, first):
        places.insert(0, first)
    return places


def _marked(chars: str, at: int) -> str:
    """Return the character that the combining marks before `at` belong to, or a space if there is none."""
    for place in range(at - 1, max(at - 2 - _MOST_MARKS, -1), -1):
        if unicodedata.category(chars[place]) not in ("Mn", "Mc"):
            return chars[place]
    return " "


def _continues(before: str, first: str) -> bool:
    """Return whether a value that begins with `first` continues the word whose last character is `before`."""
    kind = _kinds()[ord(before)]
    return kind == _JOINED or (kind != _SEPARATOR and kind == _kinds()[ord(first)])


@cache
def _kinds() -> Made[int, int]:
    """Return a table for `str.translate`: a character's kind is a separator, joined, or the script of its letter."""
    import regex  # type: ignore[import-untyped]  # it ships no types; most texts need none of this

    with_case = regex.compile(r"[\p{scx=Latin}\p{scx=Greek}\p{scx=Cyrillic}]")
    # The first script of a letter counts: the mark of a long vowel is in both kana, and nearly always among Katakana.
    scripts = [regex.compile(rf"\p{{scx={name}}}") for name in _WITHOUT_CASE]

    def kind(code: int) -> int:
        char = chr(code)
        if not (char.isalpha() or char.isdecimal()):
            return _SEPARATOR
        if unicodedata.category(char) not in ("Lo", "Lm") or with_case.match(char):
            return _JOINED
        return next((number for number, script in enumerate(scripts, _SCRIPTS) if script.match(char)), _OTHER_SCRIPT)

    return Made(kind, _REMEMBERED)
