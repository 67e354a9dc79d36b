"""Links, as `links` contains them in every resource."""

from urllib.parse import quote

import msgspec


class Link(msgspec.Struct, gc=False):
    href: str


class SelfLink(msgspec.Struct, rename={"to_self": "self"}, gc=False):
    to_self: Link


def in_path(name: str | bytes) -> str:
    """Return the name of a ref, or the path of a file, as addresses contain it: slashes stay, as on the cloud."""
    return quote(name, safe="/$;&=@!,")
