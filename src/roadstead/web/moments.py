"""Moments in words: how long ago, or how far ahead."""

from datetime import UTC, datetime

_UNITS = ((86_400, "day"), (3_600, "h"), (60, "min"), (1, "s"))
_DAYS = 30
"""Moments further away are shown as dates."""


def relative(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was, or how far ahead it is, in its largest unit. `pages.js` does the same."""
    seconds = (now - moment).total_seconds()
    distance = abs(seconds)
    if distance >= _DAYS * 86_400:
        return f"{moment:%Y-%m-%d}"
    if distance < 5:
        return "now"
    length, unit = _unit(distance)
    span = _counted(int(distance // length), unit)
    return f"{span} ago" if seconds > 0 else f"in {span}"


def before_or_after(moment: datetime, other: datetime) -> str:
    """Return how far a moment is from another one, to the nearest whole unit."""
    seconds = round((other - moment).total_seconds())
    if not seconds:
        return "at the time of"
    length, unit = _unit(abs(seconds))
    return f"{_counted(round(abs(seconds) / length), unit)} {'before' if seconds > 0 else 'after'}"


def _unit(seconds: float) -> tuple[int, str]:
    return next((length, unit) for length, unit in _UNITS if seconds >= length)


def _counted(count: int, unit: str) -> str:
    return f"{count:,} {unit}{'s' if unit == 'day' and count > 1 else ''}"


def exact(moment: datetime) -> str:
    """Return the moment to the second, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
