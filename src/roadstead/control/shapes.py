"""Values of the model as data, and shapes that several groups share."""

from datetime import datetime
from typing import Any

import msgspec


class MessageResource(msgspec.Struct, frozen=True):
    """Headers and body without secrets: all of a delivery's request, and the beginning of any other body."""

    headers: tuple[tuple[str, str], ...]
    body: str


def as_data(value: msgspec.Struct) -> dict[str, Any]:
    """Return the members of a value; moments as text in ISO 8601 with microseconds."""
    return {name: _plain(member) for name, member in msgspec.structs.asdict(value).items()}


def _plain(member: object) -> object:
    return member.isoformat(timespec="microseconds") if isinstance(member, datetime) else member
