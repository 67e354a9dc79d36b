"""The id of a request: in its answer, in every line that is logged while it is worked on, and in its record.

A well-formed one that came with the request is kept, so that one id follows a call through a proxy, us and the log.
"""

import re
import secrets
from contextvars import ContextVar
from itertools import count

HEADER = b"x-request-id"
IN_SCOPE = "roadstead.request_id"
"""Under which it stands in the request's scope."""
CURRENT: ContextVar[str] = ContextVar("request_id", default="")
"""That of the request under way here; empty where there is none."""

_WELL_FORMED = re.compile(rb"[A-Za-z0-9._:+/=@-]{1,128}")
"""What ids look like (UUIDs, hashes, base64, X-Ray's), and nothing that a log or a page could take for more."""

_process = secrets.token_hex(4)
_numbers = count(1)


def request_id(sent: bytes | None) -> str:
    """The id that came with the request, or a new one when none came or it is malformed."""
    if sent is not None and _WELL_FORMED.fullmatch(sent):
        return sent.decode("ascii")
    # Unique among all processes. Guessing one is useless: it opens nothing.
    return f"{_process}-{next(_numbers):06x}"
