"""Which addresses may become a link, and how text is encoded in them."""

import re
from urllib.parse import quote

MAX_URL_LENGTH = 8_192

IN_URL = ":/?#[]@!$&()*+,;=-._~"
"""The characters of a URL besides letters and digits."""

_HTTP = re.compile(
    r"https?://(?:[^/?#@]*@)?(?:[a-z0-9._~%!$&()*+,;=\-]+|\[[0-9a-f:.]+\])(?::[0-9]*)?(?:[/?#].*)?",
    re.IGNORECASE,
)
_MAILTO = re.compile(r"mailto:[^?#].*", re.IGNORECASE)
_LONE_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
_UNRESERVED = re.compile(r"[a-zA-Z0-9\-._~]*")


def encode_url(url: str) -> str | None:
    """Return a URL found in a text, with characters encoded that no URL may contain, or `None` if it is not a URL."""
    encoded = encode(url, IN_URL)
    return encoded if is_linkable(encoded) else None


def is_linkable(url: str) -> bool:
    """Return whether an encoded URL may become a link: `http` and `https` with a host, and `mailto`."""
    return len(url) <= MAX_URL_LENGTH and bool(_HTTP.fullmatch(url) or _MAILTO.fullmatch(url))


def encode(text: str, kept: str) -> str:
    """Percent-encode `text` except letters, digits, `kept` and escapes. A lone surrogate becomes U+FFFD."""
    if _UNRESERVED.fullmatch(text):
        return text
    well_formed = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return quote(_LONE_PERCENT.sub("%25", well_formed), safe=kept + "%")
