"""Deliveries of events as requests, in the form captured from Bitbucket."""

import hashlib
import hmac
from datetime import datetime
from email.utils import format_datetime
from typing import NamedTuple

from roadstead.outbound.calls import Answer, Outbound

ANSWER_BYTES = 8 * 1024
"""Of an answer that are read. The rest of a longer one is left, and the connection closed."""


class Told(NamedTuple):
    """What the headers of a delivery tell about it. `hook` and `request_id` are UUIDs without braces.

    A sample tells of an event that did not happen.
    """

    event: str
    event_time: datetime
    hook: str
    request_id: str
    attempt: int
    is_sample: bool = False


class Route(NamedTuple):
    """Where a delivery goes. On this machine it goes only to the place of `home`, a URL."""

    url: str
    home: str | None
    verify: bool = True


def headers_of(told: Told) -> dict[str, str]:
    """Return the headers of a delivery, without a signature."""
    trace = told.request_id.replace("-", "")[:16]
    return {
        "User-Agent": "Bitbucket-Webhooks/2.0",
        "Accept": "*/*",
        "Accept-Encoding": "gzip",
        "Content-Type": "application/json",
        "X-Event-Key": told.event,
        "X-Event-Time": format_datetime(told.event_time, usegmt=True),
        "X-Hook-UUID": told.hook,
        "X-Request-UUID": told.request_id,
        "X-Attempt-Number": str(told.attempt),
        "X-B3-Sampled": "1",
        "X-B3-TraceId": trace,
        "X-B3-SpanId": trace,
        **({"X-Roadstead-Sample": "true"} if told.is_sample else {}),
    }


def hub_signature(secret: str, body: bytes) -> str:
    """Return the value of `X-Hub-Signature`: the HMAC of the exact bytes of the body."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


async def post_delivery(outbound: Outbound, route: Route, headers: dict[str, str], body: bytes) -> Answer:
    """Post a delivery, and read the beginning of the answer. Raise `OutgoingCallFailed`."""
    return await outbound.post(
        route.url, home=route.home, headers=headers, body=body, cap=ANSWER_BYTES, verify=route.verify
    )
