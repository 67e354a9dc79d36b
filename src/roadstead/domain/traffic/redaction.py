"""What may be kept of a request: its text without secrets, cut to a length.

Credentials are recognised by where they stand (the header, the name before them), by their form (a JSON web token), and
by themselves where the secret is known. Of a token header and claims stay, which are no secret; its signature goes.
"""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import islice

from roadstead.connect.presented import Presented
from roadstead.model import HIDDEN, Message

RAW_BYTES = 6 * 1024
"""Of a body are looked at. Longer than what is kept, so that no secret can be cut in two and its first half stay."""
KEPT = 4 * 1024
"""Characters of a body, of a URL, and of a header's value."""
_MOST_HEADERS = 60

_SECRET_HEADER = re.compile(
    r"(?!www-authenticate$).*(auth|cookie|token|secret|password|credential|session|signature|api-?key)", re.IGNORECASE
)
# The first character of `{` in base64 is e, and few may follow. Behind the lookbehind, one pass over the text does.
_IN_TOKEN = ".e"
_TOKEN = re.compile(r"(?:(?<![\w-])|(?<=%[0-9A-Fa-f]{2}))(e[w-z0-9_-][\w-]*\.e[w-z0-9_-][\w-]*\.)[\w%+/=-]+")
_USER_INFO = re.compile(r"//[^/?#\s\"'<>@]+@")
_NAMED = re.compile(
    r"""((?:secret|token|password|passwd|api[_-]?key)\\*["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|[^\s&,;}\]]+)""",
    re.IGNORECASE | re.DOTALL,
)


def cleaned(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without secrets, and without what a database cannot keep."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    if "@" in text:
        text = _USER_INFO.sub(f"//{HIDDEN}@", text)
    # The patterns cost much more than these looks, which nearly every text stands.
    if _IN_TOKEN in text:
        text = _TOKEN.sub(rf"\1{HIDDEN}", text)
    lowered = text.lower()
    if "secret" in lowered or "token" in lowered or "passw" in lowered or "api" in lowered:
        text = _NAMED.sub(_without_value, text)
    return text.replace("\x00", "\ufffd")


def _without_value(found: re.Match[str]) -> str:
    return f'{found[1]}"{HIDDEN}"' if found[2].startswith('"') else f"{found[1]}{HIDDEN}"


def named_secrets(text: str) -> list[str]:
    """The secrets that a text names, so that they are recognised where they stand without a name."""
    return [secret for _, value in _NAMED.findall(text) if len(secret := value.strip('"')) >= 16]


def kept(
    headers: Iterable[tuple[bytes, bytes]],
    body: bytes,
    size: int,
    *,
    secrets: Collection[str],
    credential: Presented | None = None,
) -> Message:
    """What is kept of a request or an answer, of whose body the first `RAW_BYTES` are given.

    `credential` is what is left of the header Authorization.
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
    """The header as it may be shown."""
    token = f"{credential.signing_input}.{HIDDEN}" if credential.signing_input else HIDDEN
    return f"{credential.scheme} {token}".strip()
