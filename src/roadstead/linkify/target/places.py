r"""The places in a URL where a group may be, and the text that each accepts.

* host: only what a label of a host name may hold, so no `@`, `/` or `:`. Dots too if the template's own text follows.
  A group that is the whole host may be any host, with port and path. A group right after a host name may only start a
  path, as in `https://example.com\1`;
* path: kept where a path may hold it, `/` included, else percent-encoded;
* query and fragment: percent-encoded, except letters, digits and `-._~/:@!$*,()`;
* the address of a `mailto:`: the same, with `+` kept.

RFC 3986, section 3, says what each place may hold.
"""

import re
from enum import Enum

from roadstead.linkify.target.urls import encode

_LABEL = re.compile(r"[a-zA-Z0-9_\-]+")
_LABELS = re.compile(r"[a-zA-Z0-9_\-]+(?:\.[a-zA-Z0-9_\-]+)*")
_HOST_AND_PATH = re.compile(r"[a-zA-Z0-9_\-]+(?:\.[a-zA-Z0-9_\-]+)*(?::[0-9]+)?(?:/.*)?", re.DOTALL)
_PORT = re.compile(r"[0-9]+")
_ROOTED_PATH = re.compile(r"(?:/.*)?", re.DOTALL)
_ANYTHING = re.compile(r".*", re.DOTALL)

_IN_PATH = ":/@!$&()*+,;=-._~"
_IN_QUERY = ":/@!$*,()-._~"
_IN_ADDRESS = "@!$*()+-._~"


class UrlPlace(Enum):
    """A place in a URL for a group, with the text that it accepts and the characters that it keeps."""

    HOST = (_HOST_AND_PATH, _IN_PATH)
    INSIDE_HOST = (_LABELS, "")
    LAST_LABEL = (_LABEL, "")
    PORT = (_PORT, "")
    AFTER_HOST = (_ROOTED_PATH, _IN_PATH)
    PATH = (_ANYTHING, _IN_PATH)
    QUERY = (_ANYTHING, _IN_QUERY)
    ADDRESS = (_ANYTHING, _IN_ADDRESS)

    def fill(self, text: str) -> str | None:
        """Return the text as it is allowed here, or `None` if it is not."""
        accepted, kept = self.value
        return encode(text, kept) if accepted.fullmatch(text) else None


BEYOND_HOST = {UrlPlace.PATH, UrlPlace.QUERY, UrlPlace.ADDRESS}


def url_place(before: str, after: str) -> UrlPlace:
    """Return the place in a URL between these two texts."""
    if before.lower().startswith("mailto:"):
        return UrlPlace.QUERY if "?" in before else UrlPlace.ADDRESS
    beyond_scheme = before.partition("//")[2]
    if "#" in beyond_scheme or "?" in beyond_scheme:
        return UrlPlace.QUERY
    if "/" in beyond_scheme:
        return UrlPlace.PATH
    return _place_in_host(beyond_scheme, after)


def _place_in_host(before: str, after: str) -> UrlPlace:
    if after and after[0] not in ":/?#":
        return UrlPlace.INSIDE_HOST
    if not before or before.endswith("@"):
        return UrlPlace.HOST
    if before.endswith(":"):
        return UrlPlace.PORT
    return UrlPlace.LAST_LABEL if before.endswith((".", "-")) else UrlPlace.AFTER_HOST
