"""Check the server at a host's own address: whether it is a host, and whether it admits strangers."""

from urllib.parse import urlsplit

from roadstead.outbound.calls import Answer, Outbound
from roadstead.targets import AllowedTargets, Target

PATIENCE_SECONDS = 3.0
"""A host answers this fast, and the user waits at a terminal."""


async def is_roadstead(base_url: str) -> bool:
    """Return whether a Roadstead host answers at the address. Raise `OutgoingCallFailed` if no server does."""
    answer = await _ask(f"{base_url}/-/health/live")
    return answer.status == 200 and '"status":"ok"' in answer.text.replace(" ", "")


async def is_open_to_strangers(base_url: str) -> bool:
    """Return whether the host there answers operators' addresses without a credential. Raises `OutgoingCallFailed`."""
    answer = await _ask(f"{base_url}/-/audit")
    return answer.status == 200


async def _ask(url: str) -> Answer:
    # The operator chose our own address, so any target is permitted.
    ours = AllowedTargets((Target(urlsplit(url).hostname or ""),))
    outbound = Outbound(allow_loopback=True, allowed=ours, total_seconds=PATIENCE_SECONDS)
    return await outbound.send("GET", url, home=url, headers={})
