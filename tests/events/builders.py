"""Payloads of events for tests that are not about payloads."""

from typing import Any

from roadstead.domain.host import Host
from roadstead.pushed import Event

SENT = "repo:push"
"""The event of these payloads, which says its number."""
LARGE = "repo:updated"
GONE = "repo:fork"
BROKEN = "repo:created"


def _payload(event: Event) -> dict[str, Any]:
    uuid = f"{{{event.repository_id}}}"
    return {"number": event.payload["number"], "repository": {"uuid": uuid, "full_name": f"acme/{event.repository_id}"}}


async def _sent(host: Host, event: Event) -> dict[str, Any]:
    return _payload(event)


async def _large(host: Host, event: Event) -> dict[str, Any]:
    return {**_payload(event), "large": "x" * 300_000}


async def _gone(host: Host, event: Event) -> None:
    return None


async def _broken(host: Host, event: Event) -> dict[str, Any]:
    raise RuntimeError("on purpose")


BUILDERS = {SENT: _sent, LARGE: _large, GONE: _gone, BROKEN: _broken}
