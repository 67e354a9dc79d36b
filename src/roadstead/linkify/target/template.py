r"""Where a link leads: a linker's `url` template filled with what was matched, as a URL that is safe to show.

The template says what the URL is made of, and matched text cannot change that: a reader trusts the host and
the path that the app's author wrote. What becomes of matched text depends on where its group stands:

* host: only what a host name's label may hold, so no `@`, `/` or `:`; dots too if the template's own text
  follows them; a group that is the whole host may be any host, with port and path; a group right after a host
  name may only start a path, as in `https://example.com\1`;
* path: kept where a path may hold it, `/` included, else percent-encoded; it cannot bring in the segments
  `.`, `..`;
* query and fragment: percent-encoded, except letters, digits and `-._~/:@!$*,()`;
* the address of a `mailto:`: the same, with `+` kept.

Escapes (`%2F`) in matched text stay as they are, and a `%` that begins none becomes `%25`. Text that may not
stand where it would have to stand makes no URL. The source for what may stand where is RFC 3986, section 3.
"""

import re
from collections.abc import Iterator
from enum import Enum
from urllib.parse import quote

from roadstead.linkify.engines.programs import Match
from roadstead.linkify.linker import InvalidPattern
from roadstead.linkify.pattern.reading import Pattern

MAX_TEMPLATE_LENGTH = 2_048
MAX_URL_LENGTH = 8_192

Token = str | int  # literal text, or the number of a group

_ESCAPE = re.compile(r"\\(?:g<([^>]*)>|([1-9][0-9]?)(?![0-9])|([^a-zA-Z0-9]))")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*:")
_HTTP = re.compile(
    r"https?://(?:[^/?#@]*@)?(?:[a-z0-9._~%!$&()*+,;=\-]+|\[[0-9a-f:.]+\])(?::[0-9]*)?(?:[/?#].*)?",
    re.IGNORECASE,
)
_MAILTO = re.compile(r"mailto:[^?#].*", re.IGNORECASE)
_DOT_SEGMENT = re.compile(r"/(?:\.|%2e){1,2}(?=[/?#]|$)", re.IGNORECASE)
_LONE_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
_is_plain = re.compile(r"[a-zA-Z0-9\-_]+").fullmatch
_UNRESERVED = re.compile(r"[a-zA-Z0-9\-._~]*")
_LABEL = re.compile(r"[a-zA-Z0-9_\-]+")
_LABELS = re.compile(r"[a-zA-Z0-9_\-]+(?:\.[a-zA-Z0-9_\-]+)*")
_HOST_AND_PATH = re.compile(r"[a-zA-Z0-9_\-]+(?:\.[a-zA-Z0-9_\-]+)*(?::[0-9]+)?(?:/.*)?", re.DOTALL)
_PORT = re.compile(r"[0-9]+")
_ROOTED_PATH = re.compile(r"(?:/.*)?", re.DOTALL)
_ANYTHING = re.compile(r".*", re.DOTALL)

_IN_URL = ":/?#[]@!$&()*+,;=-._~"
_IN_PATH = ":/@!$&()*+,;=-._~"
_IN_QUERY = ":/@!$*,()-._~"
_IN_ADDRESS = "@!$*()+-._~"


class _Place(Enum):
    """Where in a URL a group stands, with the text it accepts and the characters that it keeps."""

    HOST = (_HOST_AND_PATH, _IN_PATH)
    INSIDE_HOST = (_LABELS, "")
    LAST_LABEL = (_LABEL, "")
    PORT = (_PORT, "")
    AFTER_HOST = (_ROOTED_PATH, _IN_PATH)
    PATH = (_ANYTHING, _IN_PATH)
    QUERY = (_ANYTHING, _IN_QUERY)
    ADDRESS = (_ANYTHING, _IN_ADDRESS)

    def fill(self, text: str) -> str | None:
        """Return the text as it may stand here, or `None` if it may not."""
        accepted, kept = self.value
        return _encode(text, kept) if accepted.fullmatch(text) else None


class UrlTemplate:
    """A linker's `url` together with its `base_url`.

    Raises `InvalidPattern` if the template is too long, has an escape that Python's replacement templates
    have not (or an octal one), or asks for a group the pattern lacks.
    """

    def __init__(self, url: str, base_url: str, pattern: Pattern) -> None:
        if len(url) > MAX_TEMPLATE_LENGTH:
            raise InvalidPattern(f"The url has {len(url)} characters; at most {MAX_TEMPLATE_LENGTH} are allowed.")
        tokens = list(template_tokens(url, pattern))
        absolute = bool(tokens) and isinstance(tokens[0], str) and bool(_SCHEME.match(tokens[0]))
        self._prefix = "" if absolute else _encode(base_url.strip(), _IN_URL).rstrip("/") + "/"
        self._parts = [token if isinstance(token, int) else _encode(token, _IN_URL) for token in tokens]
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
        """Return what stands before and after the only group, as it nearly always is, or `None`."""
        match self._plain:
            case [str(before), int(group)]:
                return before, group, ""
            case [str(before), int(group), str(after)]:
                return before, group, after
            case _:
                return None

    def _parts_for_plain_text(self) -> list[Token]:
        """Return what to put together where every group matched plain text, or nothing if it might not be well.

        Plain text needs no encoding and makes no dot segment, so only where it stands could be wrong.
        """
        groups_at = [place for part, place in zip(self._parts, self._places, strict=True) if isinstance(part, int)]
        if not is_linkable(self._outline(self._parts)) or not all(place in _BEYOND_HOST for place in groups_at):
            return []
        first, *rest = self._parts or [""]
        return [self._joined(first), *rest] if isinstance(first, str) else [self._prefix, *self._parts]

    def _place(self, at: int) -> _Place:
        before = self._outline(self._parts[:at])
        after = "".join(part if isinstance(part, str) else "x" for part in self._parts[at + 1 :])
        return _place(before, after)

    def _outline(self, parts: list[Token]) -> str:
        """Return the URL with a letter in place of each group."""
        return self._joined("".join(part if isinstance(part, str) else "x" for part in parts))

    def _joined(self, rest: str) -> str:
        return self._prefix + rest.lstrip("/") if self._prefix else rest


_BEYOND_HOST = {_Place.PATH, _Place.QUERY, _Place.ADDRESS}


def encode_url(url: str) -> str | None:
    """Return a URL found in a text with what a URL may not hold encoded, or `None` if it is none."""
    encoded = _encode(url, _IN_URL)
    return encoded if is_linkable(encoded) else None


def is_linkable(url: str) -> bool:
    """Whether an encoded URL may become a link: `http` and `https` with a host, and `mailto`."""
    return len(url) <= MAX_URL_LENGTH and bool(_HTTP.fullmatch(url) or _MAILTO.fullmatch(url))


def _text_of(match: Match, number: int, chars: str) -> str:
    span = match.group(number)
    return chars[span[0] : span[1]] if span else ""  # a group that took no part leaves nothing behind


def template_tokens(url: str, pattern: Pattern) -> Iterator[Token]:
    """Yield the texts and the numbers of groups that a linker's `url` is made of. Raises `InvalidPattern`."""
    template = url.strip()
    position = 0
    while (backslash := template.find("\\", position)) >= 0:
        if position < backslash:
            yield template[position:backslash]
        escape = _ESCAPE.match(template, backslash)
        if not escape:
            raise InvalidPattern(
                f"The url has an escape that means nothing in it: {template[backslash : backslash + 4]!r}; "
                r"groups are written \1 to \99, \g<1> or \g<name>."
            )
        name, number, literal = escape.groups()
        yield literal or _group_number(name or number or "", pattern)
        position = escape.end()
    if position < len(template):
        yield template[position:]


def _group_number(name: str, pattern: Pattern) -> int:
    if name in pattern.names:
        return pattern.names[name]
    if name.isascii() and name.isdecimal() and len(name) <= 3 and int(name) <= pattern.groups:
        return int(name)
    raise InvalidPattern(f"The url asks for the group {name!r}, which the regex does not have.")


def _place(before: str, after: str) -> _Place:
    """Return where in a URL something stands that has this text before and after it."""
    if before.lower().startswith("mailto:"):
        return _Place.QUERY if "?" in before else _Place.ADDRESS
    beyond_scheme = before.partition("//")[2]
    if "#" in beyond_scheme or "?" in beyond_scheme:
        return _Place.QUERY
    if "/" in beyond_scheme:
        return _Place.PATH
    return _place_in_host(beyond_scheme, after)


def _place_in_host(before: str, after: str) -> _Place:
    if after and after[0] not in ":/?#":
        return _Place.INSIDE_HOST
    if not before or before.endswith("@"):
        return _Place.HOST
    if before.endswith(":"):
        return _Place.PORT
    return _Place.LAST_LABEL if before.endswith((".", "-")) else _Place.AFTER_HOST


def _encode(text: str, kept: str) -> str:
    """Percent-encode `text` except letters, digits, `kept` and escapes; a lone surrogate becomes U+FFFD."""
    if _UNRESERVED.fullmatch(text):
        return text
    well_formed = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return quote(_LONE_PERCENT.sub("%25", well_formed), safe=kept + "%")
