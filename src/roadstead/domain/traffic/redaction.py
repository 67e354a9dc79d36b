"""Redaction: the text of a request without secrets, cut to a length.

Credentials are recognised by their place (the header, the name before them), by their form (a JSON web token), and by
themselves if the secret is known. Of a token, header and claims stay, which are not secret; its signature is removed.
"""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import islice

from roadstead.connect.presented import Presented
from roadstead.model import HIDDEN
from roadstead.recorded import Message

RAW_BYTES = 6 * 1024
"""Of a body that are searched. Longer than the kept part, so that no secret can be cut in two and its first half stay.
"""
KEPT = 4 * 1024
"""Characters of a body, of a URL, and of a header's value."""
_MOST_HEADERS = 60

_SECRET_HEADER = re.compile(
    r"(?!www-authenticate$).*(auth|cookie|token|secret|password|credential|session|signature|api-?key)", re.IGNORECASE
)
# The first character of `{` in base64 is e, and few may follow. The lookbehind makes one pass over the text suffice.
_IN_TOKEN = ".e"
_TOKEN = re.compile(r"(?:(?<![\w-])|(?<=%[0-9A-Fa-f]{2}))(e[w-z0-9_-][\w-]*\.e[w-z0-9_-][\w-]*\.)[\w%+/=-]+")
_USER_INFO = re.compile(r"//[^/?#\s\"'<>@]+@")
_NAMED = re.compile(
    r"""((?:secret|token|password|passwd|api[_-]?key)\\*["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|[^\s&,;}\]]+)""",
    re.IGNORECASE | re.DOTALL,
)

_CODE = re.compile(r"""((?<![a-z0-9_])code(?:_verifier)?\\*["']?\s*[:=]\s*\\*["']?)[\w~.-]{32,}""", re.IGNORECASE)
"""A code of OAuth, and its verifier. Shorter values of that name are seldom secret: `code=404`."""


def cleaned(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without secrets, and without characters that a database cannot store."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    if "@" in text:
        text = _USER_INFO.sub(f"//{HIDDEN}@", text)
    # The patterns cost much more than these checks, which let nearly every text skip them.
    if _IN_TOKEN in text:
        text = _TOKEN.sub(rf"\1{HIDDEN}", text)
    lowered = text.lower()
    if "secret" in lowered or "token" in lowered or "passw" in lowered or "api" in lowered:
        text = _NAMED.sub(_without_value, text)
    if "code" in lowered:
        text = _CODE.sub(rf"\1{HIDDEN}", text)
    return text.replace("\x00", "\ufffd")


def _without_value(found: re.Match[str]) -> str:
    return f'{found[1]}"{HIDDEN}"' if found[2].startswith('"') else f"{found[1]}{HIDDEN}"


def named_secrets(text: str) -> list[str]:
    """Return the secrets that a text names, so that they are recognised where they have no name."""
    return [secret for _, value in _NAMED.findall(text) if len(secret := value.strip('"')) >= 16]


def kept(
    headers: Iterable[tuple[bytes, bytes]],
    body: bytes,
    size: int,
    *,
    secrets: Collection[str],
    credential: Presented | None = None,
) -> Message:
    """Return the kept part of a request or an answer, of whose body the first `RAW_BYTES` are given.

    `credential` is the kept part of the Authorization header.
    """
    shown = []
    for raw_name, raw_value in islice(headers, _MOST_HEADERS):
        name = raw_name.decode("latin-1")[:100]
        if name.lower() == "authorization":
            value = shown_authorization(credential) if credential else HIDDEN
        else:
            value = HIDDEN if _is_secret(name) else cleaned(raw_value.decode("latin-1"), secrets)
        shown.append((name, value[:KEPT]))
    return Message(tuple(shown), cleaned(body.decode("utf-8", "replace"), secrets)[:KEPT], size)


@lru_cache(maxsize=1_000)
def _is_secret(header: str) -> bool:
    return _SECRET_HEADER.match(header) is not None


def shown_authorization(credential: Presented) -> str:
    """Return the header as it may be shown."""
    token = f"{credential.signing_input}.{HIDDEN}" if credential.signing_input else HIDDEN
    return f"{credential.scheme} {token}".strip()
