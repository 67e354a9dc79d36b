"""Payloads of events for tests that are not about payloads."""

from typing import Any

from roadstead.domain.host import Host
from roadstead.events.payloads import Happening

SENT = "repo:push"
"""The event of these payloads, which says its number."""
LARGE = "repo:updated"
GONE = "repo:fork"
BROKEN = "repo:created"
NO_TEXT = "repo:deleted"


def _payload(happening: Happening) -> dict[str, Any]:
    number = happening.event.repository_id
    repository = {"uuid": f"{{{number}}}", "full_name": f"acme/{number}"}
    return {"number": happening.told["number"], "repository": repository}


async def _sent(host: Host, happening: Happening) -> dict[str, Any]:
    return _payload(happening)


async def _large(host: Host, happening: Happening) -> dict[str, Any]:
    return {**_payload(happening), "large": "x" * 300_000}


async def _gone(host: Host, happening: Happening) -> None:
    return None


async def _broken(host: Host, happening: Happening) -> dict[str, Any]:
    raise RuntimeError("on purpose")


async def _no_text(host: Host, happening: Happening) -> dict[str, Any]:
    return {**_payload(happening), "name": "\ud800"}


BUILDERS = {SENT: _sent, LARGE: _large, GONE: _gone, BROKEN: _broken, NO_TEXT: _no_text}
