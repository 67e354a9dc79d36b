"""Explain why a call of an app is refused, with the host's own facts: its installations and their secrets.

Secrets are used and never shown; pasted text is not stored.
"""

import asyncio
import re

from roadstead.connect.diagnosis import Diagnosis, Request, diagnose
from roadstead.connect.evidence import Evidence
from roadstead.connect.presented import NO_TOKEN, Presented, present_pasted
from roadstead.domain.access.evidence import evidence_of
from roadstead.domain.host import Host
from roadstead.errors import InvalidInput
from roadstead.recorded import RequestDetails

LONGEST_PASTE = 20_000
"""Characters: a token and a command around it."""

_TOKEN_ENDPOINT = "/site/oauth2/access_token"


async def explain_pasted(host: Host, pasted: str, method: str, url: str) -> Diagnosis:
    """Examine a token, pasted in any form, for the request that it was meant for. Raise `InvalidInput`."""
    if len(pasted) > LONGEST_PASTE:
        raise InvalidInput(
            f"At most {LONGEST_PASTE} characters can be pasted.",
            "Paste the token alone.",
            fields={"token": ["Too long."]},
        )
    target = re.sub(r"^https?://[^/?#]*", "", url.strip()).partition("#")[0]
    check_request(method.strip(), target)
    return await _explain(host, present_pasted(pasted), method.strip().upper(), target, host.clock())


async def explain_recorded(host: Host, details: RequestDetails) -> Diagnosis:
    """Examine a recorded call to this host as of its time, with the evidence of that time if it was kept."""
    call = details.summary
    presented = details.credential or Presented(None, fault=NO_TOKEN)
    return await _explain(host, presented, call.method, call.url, call.time.timestamp(), details.evidence)


def check_request(method: str, target: str) -> None:
    """Raise `InvalidInput` for a request that no client would send, whose hash would be useless."""
    if not re.fullmatch(r"[A-Za-z]+", method):
        raise InvalidInput(
            f"{method!r} is not a method.", "Give GET, PUT, POST or DELETE.", fields={"method": ["Not a method."]}
        )
    if not re.fullmatch(r"/[!-\"$-~]*", target):
        raise InvalidInput(
            f"{target!r} is not a path as a client sends it.",
            "Begin it with /, and percent-encode spaces, # and characters beyond ASCII: /2.0/addon/linkers?page=2",
            fields={"url": ["Not a path as a client sends it."]},
        )


async def _explain(
    host: Host, presented: Presented, method: str, target: str, now: float, evidence: Evidence | None = None
) -> Diagnosis:
    path, _, query = target.partition("?")
    request = Request(method, path, query, host.base_url, hashed=path.rstrip("/") != _TOKEN_ENDPOINT)
    evidence = evidence or await evidence_of(host.store, presented)
    # Searching for the hashed request takes some milliseconds.
    return await asyncio.to_thread(diagnose, presented, request, now=now, evidence=evidence)
