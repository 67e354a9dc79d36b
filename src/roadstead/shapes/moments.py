"""Moments, as resources show them."""

from datetime import datetime


def moment(at: datetime) -> str:
    """Return a moment in ISO 8601, to the microsecond."""
    return at.isoformat(timespec="microseconds")
