"""Fetch an app's descriptor."""

from roadstead import __version__
from roadstead.errors import OutgoingCallFailed
from roadstead.outbound.calls import Outbound
from roadstead.settings import Settings

MAX_BYTES = 1024 * 1024


async def fetch_for(settings: Settings, url: str) -> bytes:
    """Fetch as a host with these settings would. Raise `OutgoingCallFailed`."""
    outbound = Outbound(allow_loopback=settings.listens_on_loopback, allowed=settings.allow_target)
    return await fetch_descriptor(outbound, url)


async def fetch_descriptor(outbound: Outbound, url: str) -> bytes:
    """Return the bytes served at the URL. Raise `OutgoingCallFailed` unless there is a 200 with at most 1 MiB."""
    answer = await outbound.send(
        "GET",
        url,
        home=url,
        headers={"Accept": "application/json", "User-Agent": f"Roadstead/{__version__}"},
        cap=MAX_BYTES,
        redirects=3,
    )
    if answer.status != 200:
        from roadstead.gist import gist

        raise OutgoingCallFailed(
            f"The descriptor URL answered {answer.status}, not 200.",
            f"The answer begins: {' '.join(gist(answer.text).split())[:200] or '(nothing)'}",
        )
    if answer.truncated:
        raise OutgoingCallFailed("The descriptor is larger than 1 MiB.", "Is this the URL of a descriptor?")
    return answer.body
