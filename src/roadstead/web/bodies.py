"""Bodies of requests and answers, as people read them."""

import msgspec

_LONGEST = 200_000
"""Characters. A longer body is shown as it is."""


def pretty(body: str) -> str:
    """Return JSON with a member on each line, its numbers and texts as they were; anything else as it is."""
    if len(body) > _LONGEST or not body.lstrip().startswith(("{", "[")):
        return body
    try:
        return msgspec.json.format(body, indent=2)
    except (msgspec.DecodeError, RecursionError):
        return body
