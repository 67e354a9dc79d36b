"""Whether a host is running at an address."""

from roadstead.integrations.outbound import Outbound


async def is_roadstead(base_url: str) -> bool:
    """Whether what answers at the address is a Roadstead host. Raises `OutgoingCallFailed` when nothing answers."""
    answer = await Outbound(allow_loopback=True).send("GET", f"{base_url}/-/health/live", headers={})
    return answer.status == 200 and '"status":"ok"' in answer.text.replace(" ", "")
