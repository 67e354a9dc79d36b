"""Values of the model as data."""

from datetime import datetime
from typing import Any

import msgspec


def as_data(value: msgspec.Struct) -> dict[str, Any]:
    """Return the members of a value; moments as text in ISO 8601 with microseconds."""
    return {name: _plain(member) for name, member in msgspec.structs.asdict(value).items()}


def _plain(member: object) -> object:
    return member.isoformat(timespec="microseconds") if isinstance(member, datetime) else member
