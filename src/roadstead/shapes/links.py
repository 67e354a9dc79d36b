"""Links, as `links` contains them in every resource."""

import re
from urllib.parse import quote_from_bytes

import msgspec

_KEPT = "/$;&=@!,"
_AS_IT_IS = re.compile(rb"[\w.~/$;&=@!,-]*+")


class Link(msgspec.Struct, gc=False):
    href: str


class SelfLink(msgspec.Struct, rename={"to_self": "self"}, gc=False):
    to_self: Link


def in_path(name: str | bytes) -> str:
    """Return the name of a ref, or the path of a file, as addresses contain it: slashes stay, as on the cloud."""
    path = name.encode() if isinstance(name, str) else name
    return path.decode() if _AS_IT_IS.fullmatch(path) else quote_from_bytes(path, _KEPT)
