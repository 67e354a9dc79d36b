"""Links, as `links` contains them in every resource."""

import msgspec


class Link(msgspec.Struct, gc=False):
    href: str


class SelfLink(msgspec.Struct, rename={"to_self": "self"}, gc=False):
    to_self: Link
