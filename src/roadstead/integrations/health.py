"""Whether a host is running at an address."""

from urllib.parse import urlsplit

from roadstead.integrations.outbound import Outbound
from roadstead.targets import AllowedTargets

PATIENCE_SECONDS = 3.0
"""A host answers this at once, and somebody waits at a terminal."""


async def is_roadstead(base_url: str) -> bool:
    """Whether what answers at the address is a Roadstead host. Raises `OutgoingCallFailed` when nothing answers."""
    # Our own address is the operator's word, wherever it leads.
    ours = AllowedTargets(names=(urlsplit(base_url).hostname or "",))
    outbound = Outbound(allow_loopback=True, allowed=ours, total_seconds=PATIENCE_SECONDS)
    answer = await outbound.send("GET", f"{base_url}/-/health/live", headers={})
    return answer.status == 200 and '"status":"ok"' in answer.text.replace(" ", "")
