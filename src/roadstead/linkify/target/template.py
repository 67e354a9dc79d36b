r"""A linker's `url` filled with matched text, as a URL that is safe to show.

A reader trusts the host and the path that the app's author wrote, so matched text cannot change them. Each place in a
URL accepts only certain text (`target/places.py`), and no place accepts text that adds a segment `.` or `..`. Escapes
(`%2F`) in matched text stay unchanged, and a `%` that begins none becomes `%25`. Text that its place refuses makes no
URL.
"""

import re

from roadstead.linkify.engines.match import Match
from roadstead.linkify.linker import InvalidPattern
from roadstead.linkify.pattern.reading import Pattern
from roadstead.linkify.target.places import BEYOND_HOST, UrlPlace, url_place
from roadstead.linkify.target.tokens import Token, template_tokens
from roadstead.linkify.target.urls import IN_URL, MAX_URL_LENGTH, encode, is_linkable

MAX_TEMPLATE_LENGTH = 2_048

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*:")
_DOT_SEGMENT = re.compile(r"/(?:\.|%2e){1,2}(?=[/?#]|$)", re.IGNORECASE)
_is_plain = re.compile(r"[a-zA-Z0-9\-_]+").fullmatch


class UrlTemplate:
    """A linker's `url` together with its `base_url`.

    Raises `InvalidPattern` if the template is too long, has an octal escape or one that Python's replacement templates
    do not have, or names a group that the pattern does not have.
    """

    def __init__(self, url: str, base_url: str, pattern: Pattern) -> None:
        if len(url) > MAX_TEMPLATE_LENGTH:
            raise InvalidPattern(f"The url has {len(url)} characters; at most {MAX_TEMPLATE_LENGTH} are allowed.")
        tokens = list(template_tokens(url, pattern))
        absolute = bool(tokens) and isinstance(tokens[0], str) and bool(_SCHEME.match(tokens[0]))
        self._prefix = "" if absolute else encode(base_url.strip(), IN_URL).rstrip("/") + "/"
        self._parts = [token if isinstance(token, int) else encode(token, IN_URL) for token in tokens]
        self._places = [self._place(at) for at in range(len(self._parts))]
        self._has_dot_segments = bool(_DOT_SEGMENT.search(self._outline(self._parts)))
        self.groups = frozenset(token for token in tokens if isinstance(token, int))
        self._plain = self._parts_for_plain_text()
        self._around = self._around_one_group()

    def fill(self, match: Match, chars: str) -> str | None:
        """Return the URL with each group's text in its place, or `None` if that makes no URL to link to."""
        if self._plain:
            url = self._filled_with_plain_text(match, chars)
            if url:
                return url if len(url) <= MAX_URL_LENGTH else None
        return self._filled_with_any_text(match, chars)

    def _filled_with_any_text(self, match: Match, chars: str) -> str | None:
        """Return the URL with each group's text as its place takes it, or `None` if a place refuses it."""
        filled: list[str] = []
        for part, place in zip(self._parts, self._places, strict=True):
            text = part if isinstance(part, str) else place.fill(_text_of(match, part, chars))
            if text is None:
                return None
            filled.append(text)
        url = self._joined("".join(filled))
        if not self._has_dot_segments and _DOT_SEGMENT.search(url):
            return None
        return url if is_linkable(url) else None

    def _filled_with_plain_text(self, match: Match, chars: str) -> str | None:
        """Return the URL if every group matched plain text, else `None`."""
        if self._around:
            before, group, after = self._around
            start, end = match.spans[match.places[group]]
            text = chars[start:end]
            return before + text + after if _is_plain(text) else None
        texts: list[str] = []
        for part in self._plain:
            text = part if isinstance(part, str) else _text_of(match, part, chars)
            if isinstance(part, int) and not _is_plain(text):
                return None
            texts.append(text)
        return "".join(texts)

    def _around_one_group(self) -> tuple[str, int, str] | None:
        """Return the text before and after the group if there is only one, as nearly always, else `None`."""
        match self._plain:
            case [str(before), int(group)]:
                return before, group, ""
            case [str(before), int(group), str(after)]:
                return before, group, after
            case _:
                return None

    def _parts_for_plain_text(self) -> list[Token]:
        """Return the parts of a URL whose groups all matched plain text, or nothing if it might not be a URL.

        Plain text needs no encoding and makes no dot segment, so only its place could be wrong.
        """
        groups_at = [place for part, place in zip(self._parts, self._places, strict=True) if isinstance(part, int)]
        if not is_linkable(self._outline(self._parts)) or not all(place in BEYOND_HOST for place in groups_at):
            return []
        first, *rest = self._parts or [""]
        return [self._joined(first), *rest] if isinstance(first, str) else [self._prefix, *self._parts]

    def _place(self, at: int) -> UrlPlace:
        before = self._outline(self._parts[:at])
        after = "".join(part if isinstance(part, str) else "x" for part in self._parts[at + 1 :])
        return url_place(before, after)

    def _outline(self, parts: list[Token]) -> str:
        """Return the URL with a letter in place of each group."""
        return self._joined("".join(part if isinstance(part, str) else "x" for part in parts))

    def _joined(self, rest: str) -> str:
        return self._prefix + rest.lstrip("/") if self._prefix else rest


def _text_of(match: Match, number: int, chars: str) -> str:
    span = match.group(number)
    return chars[span[0] : span[1]] if span else ""  # a group that took no part is empty
