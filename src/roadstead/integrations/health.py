"""Whether a host is running at an address."""

from urllib.parse import urlsplit

from roadstead.integrations.outbound import Outbound
from roadstead.targets import AllowedTargets


async def is_roadstead(base_url: str) -> bool:
    """Whether what answers at the address is a Roadstead host. Raises `OutgoingCallFailed` when nothing answers."""
    # Our own address is the operator's word, wherever it leads.
    ours = AllowedTargets(names=(urlsplit(base_url).hostname or "",))
    answer = await Outbound(allow_loopback=True, allowed=ours).send("GET", f"{base_url}/-/health/live", headers={})
    return answer.status == 200 and '"status":"ok"' in answer.text.replace(" ", "")
