"""Users over the wire."""

from typing import Literal, TypedDict

from roadstead.shapes.links import Link


class OperatorLinks(TypedDict):
    self: Link


class Operator(TypedDict):
    """The operator of the host."""

    type: Literal["user"]
    uuid: str
    account_id: str
    display_name: str
    nickname: str
    links: OperatorLinks
