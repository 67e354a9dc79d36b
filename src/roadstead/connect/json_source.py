"""
A JSON reader that remembers the position of each value, so that a finding can point at it.

It is stricter than most where leniency would do harm later: it refuses values that databases and other JSON readers
cannot represent (half surrogate pairs, numbers out of range) and documents that are absurdly large. It is more helpful
than most about the mistake in nearly every first linker: it reports each backslash of a regular expression that was not
doubled.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import NoReturn

from roadstead.connect.findings import MAX_FINDINGS, TOO_MANY, Finding, Path, Severity, shown

MAX_BYTES = 1024 * 1024
"""Real descriptors have a few thousand bytes."""

MAX_DEPTH = 64
"""Nested objects and arrays. The deepest documented place is nine levels down."""

MAX_VALUES = 20_000
"""Values in all, so that reading any document takes tens of milliseconds at most."""

Position = tuple[int, int]
"""Line and column, both from 1; a column is a character, not a byte."""

_SPACE = re.compile(r"[ \t\n\r]*+")
_STRING_UP_TO_FAULT = re.compile(r'(?:[^"\\\x00-\x1f]++|\\(?:u[0-9A-Fa-f]{4}|["\\/bfnrt]))*+')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?+([eE][+-]?[0-9]++)?+")
_WORD = re.compile(r"\w++")
_WORDS: Mapping[str, object] = {"true": True, "false": False, "null": None}
_LARGEST_INTEGER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class JsonSource:
    """A document that was read: its value, the positions in it, and the findings of reading it."""

    value: object
    findings: tuple[Finding, ...]
    _offsets: Mapping[Path, int]
    _line_starts: list[int]

    @property
    def readable(self) -> bool:
        """Return whether `value` is the document's content."""
        return all(finding.severity != "error" for finding in self.findings)

    def position_of(self, path: Path) -> Position:
        """Return the position of the value at `path`, or, if there is none, of the nearest one around that place."""
        while path and path not in self._offsets:
            path = path[:-1]
        return _position(self._offsets.get(path, 0), self._line_starts)


def read_json(data: bytes | str) -> JsonSource:
    """Read a document. Never raises: its faults are in the `findings`."""
    try:
        text = _text_of(data)
    except _Unreadable as problem:
        return JsonSource(None, (Finding("error", (), problem.message, problem.fix, 1, 1),), {}, [0])
    return _Reader(text).read()


class _Unreadable(Exception):
    def __init__(self, message: str, fix: str, offset: int = 0) -> None:
        self.message = message
        self.fix = fix
        self.offset = offset


def _text_of(data: bytes | str) -> str:
    try:
        source = data.encode() if isinstance(data, str) else data
        text = source.decode()
    except UnicodeError:
        raise _Unreadable("The document is not UTF-8 text.", "Save it in the encoding UTF-8.") from None
    if len(source) > MAX_BYTES:
        raise _Unreadable(f"The document is larger than {MAX_BYTES} bytes.", "Remove what is not in a descriptor.")
    return text.removeprefix("\ufeff")  # the byte order mark that some editors put first


def _position(offset: int, line_starts: list[int]) -> Position:
    line = bisect_right(line_starts, offset)
    return line, offset - line_starts[line - 1] + 1


class _Reader:
    """A reader of one text. Each `_read_…` takes the offset to begin at, and also returns the one after its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offsets: dict[Path, int] = {}
        self._findings: list[Finding] = []
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def read(self) -> JsonSource:
        try:
            value = self._read_document()
        except _Unreadable as problem:
            value = None
            self._findings.append(self._finding("error", problem.offset, problem.message, problem.fix))
        return JsonSource(value, tuple(self._findings), self._offsets, self._line_starts)

    def _read_document(self) -> object:
        value, end = self._read_value((), self._skip_space(0))
        if end < len(self._text):
            raise _Unreadable("The document continues after its end.", "Remove the text after the last bracket.", end)
        return value

    def _read_value(self, path: Path, at: int) -> tuple[object, int]:
        self._check_size(path, at)
        self._offsets[path] = at
        value: object
        match self._char(at):
            case "{":
                value, end = self._read_object(path, at)
            case "[":
                value, end = self._read_array(path, at)
            case '"':
                value, end = self._read_string(at)
            case _:
                value, end = self._read_number_or_word(at)
        return value, self._skip_space(end)

    def _check_size(self, path: Path, at: int) -> None:
        if len(path) > MAX_DEPTH:
            raise _Unreadable(f"Values are nested deeper than {MAX_DEPTH} levels.", "Flatten the document.", at)
        if len(self._offsets) >= MAX_VALUES:
            raise _Unreadable(f"There are more than {MAX_VALUES} values.", "Remove what is not in a descriptor.", at)

    def _read_object(self, path: Path, at: int) -> tuple[dict[str, object], int]:
        members: dict[str, object] = {}
        at = self._skip_space(at + 1)
        while self._char(at) != "}":
            if self._char(at) != '"':
                self._refuse(at, "the name of a member in double quotes")
            name, colon = self._read_string(at)
            if name in members:
                self._report("warning", at, f"The member {shown(name)} is repeated.", "Keep one; the last one counts.")
            colon = self._skip_space(colon)
            if self._char(colon) != ":":
                self._refuse(colon, "a colon")
            members[name], at = self._read_value((*path, name), self._skip_space(colon + 1))
            at = self._skip_comma(at, "}")
        return members, at + 1

    def _read_array(self, path: Path, at: int) -> tuple[list[object], int]:
        items: list[object] = []
        at = self._skip_space(at + 1)
        while self._char(at) != "]":
            item, at = self._read_value((*path, len(items)), at)
            items.append(item)
            at = self._skip_comma(at, "]")
        return items, at + 1

    def _skip_comma(self, at: int, closing: str) -> int:
        """Return the offset of the next item or of the closing bracket."""
        if self._char(at) == closing:
            return at
        if self._char(at) != ",":
            self._refuse(at, f'a comma or "{closing}"')
        following = self._skip_space(at + 1)
        if self._char(following) == closing:
            raise _Unreadable(f'There is a comma before "{closing}".', "Remove the comma.", at)
        return following

    def _read_string(self, at: int) -> tuple[str, int]:
        quoted = '"'
        end = at + 1
        while True:
            start, end = end, self._skip(_STRING_UP_TO_FAULT, end)
            quoted += self._text[start:end]
            if self._char(end) != "\\":
                break
            self._report_backslash(end)
            quoted += "\\\\"
            end += 1
        if self._char(end) != '"':
            self._refuse_unfinished_string(at, end)
        value = json.loads(quoted + '"')
        if not _is_text(value):
            raise _Unreadable("The string contains half of a surrogate pair.", 'Write both: "\\ud83d\\ude00".', at)
        return value, end + 1

    def _report_backslash(self, at: int) -> None:
        following = self._char(at + 1)
        escaped = following if following.isprintable() else ""
        self._report("error", at, f'JSON has no escape "\\{escaped}".', f'Double the backslash: "\\\\{escaped}".')

    def _refuse_unfinished_string(self, start: int, end: int) -> NoReturn:
        if end == len(self._text) or self._char(end) in "\r\n":
            raise _Unreadable("The string is not closed on its line.", 'Add the closing ".', start)
        code = f"\\u{ord(self._char(end)):04x}"
        raise _Unreadable("The string contains a control character.", f'Write it as "{code}", or remove it.', end)

    def _read_number_or_word(self, at: int) -> tuple[object, int]:
        if number := _NUMBER.match(self._text, at):
            return self._number(number), number.end()
        word = _WORD.match(self._text, at)
        if word is None:
            self._refuse(at, "a value")
        if word[0] not in _WORDS:
            raise _Unreadable(
                f"{shown(word[0])} is not a JSON value.",
                "Write true, false, null or a number, or put it in quotes.",
                at,
            )
        return _WORDS[word[0]], word.end()

    def _number(self, match: re.Match[str]) -> int | float:
        # Twenty characters fit every 64-bit integer, and int() takes quadratic time.
        whole = match[1] is None and match[2] is None and len(match[0]) <= 20
        value = int(match[0]) if whole else float(match[0])
        if not isfinite(value) or (whole and abs(value) > _LARGEST_INTEGER):
            raise _Unreadable("The number is too large.", "Write a number of at most 64 bits.", match.start())
        return value

    def _skip_space(self, at: int) -> int:
        return self._skip(_SPACE, at)

    def _skip(self, pattern: re.Pattern[str], at: int) -> int:
        match = pattern.match(self._text, at)
        return match.end() if match else at

    def _char(self, at: int) -> str:
        return self._text[at : at + 1]

    def _refuse(self, at: int, expected: str) -> NoReturn:
        found = self._char(at)
        fix = {
            "": "It looks cut off: complete it.",
            "'": "Use double quotes: JSON knows no others.",
            "/": "Remove the comment: JSON has none.",
        }.get(found, "Look for a comma, quote or bracket that is missing just before.")
        what = f"there is {found!r}" if found else "the document ends"
        raise _Unreadable(f"Where {expected} should be, {what}.", fix, at)

    def _report(self, severity: Severity, at: int, message: str, fix: str) -> None:
        if len(self._findings) >= MAX_FINDINGS:
            raise _Unreadable(*TOO_MANY, at)
        self._findings.append(self._finding(severity, at, message, fix))

    def _finding(self, severity: Severity, at: int, message: str, fix: str) -> Finding:
        return Finding(severity, (), message, fix, *_position(at, self._line_starts))


def _is_text(value: str) -> bool:
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)
