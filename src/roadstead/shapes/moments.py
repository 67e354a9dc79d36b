"""Moments, as resources show them."""

from datetime import datetime

import msgspec


def moment(at: datetime) -> str:
    """Return a moment in ISO 8601, to the microsecond."""
    # Takes a seventh of `isoformat`'s time, but leaves out microseconds that are zero.
    text: str = msgspec.to_builtins(at)
    return f"{text[:-1]}+00:00" if at.microsecond and text[-1] == "Z" else at.isoformat(timespec="microseconds")
