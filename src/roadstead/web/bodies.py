"""Bodies of requests and answers, formatted for reading."""

import msgspec

_LONGEST = 200_000
"""Characters. A longer body is shown unformatted."""


def pretty(body: str) -> str:
    """Return JSON indented, with numbers and strings spelled as before; return any other text unchanged."""
    if len(body) > _LONGEST or not body.lstrip().startswith(("{", "[")):
        return body
    try:
        return msgspec.json.format(body, indent=2)
    except (msgspec.DecodeError, RecursionError):
        return body
