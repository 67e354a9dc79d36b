"""The id of a request: in its answer, in every log line about it, and in its record.

A request's own well-formed id is kept, so that one id follows a call through a proxy, this host and the log.
"""

import re
import secrets
from contextvars import ContextVar
from itertools import count

HEADER = b"x-request-id"
IN_SCOPE = "roadstead.request_id"
"""The key of the id in the request's scope."""
CURRENT: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the running request; empty where there is none."""

_WELL_FORMED = re.compile(rb"[A-Za-z0-9._:+/=@-]{1,128}")
"""The form of ids (UUIDs, hashes, base64, X-Ray's), without characters that a log or a page could misread."""

_process = secrets.token_hex(4)
_numbers = count(1)


def request_id(sent: bytes | None) -> str:
    """Return the id that came with the request, or a new one if there is none or it is malformed."""
    if sent is not None and _WELL_FORMED.fullmatch(sent):
        return sent.decode("ascii")
    # Unique among all processes. Guessing an id is useless, because it gives no access.
    return f"{_process}-{next(_numbers):06x}"
