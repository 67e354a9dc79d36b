"""Why a call of an app is refused, with all that only this host knows: its installations and their secrets.

Secrets are used and never shown; of what is pasted nothing is kept.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence

from roadstead.connect.diagnosis import Diagnosis, Known, Request, diagnose
from roadstead.connect.presented import NO_TOKEN, Presented, present_pasted
from roadstead.connect.signature_mistakes import Key
from roadstead.domain.host import Host
from roadstead.errors import InvalidInput
from roadstead.model import Installation, RequestDetails
from roadstead.storage.installations import find_named_installations, find_retired_secret

LONGEST_PASTE = 20_000
"""Characters: a token and a command around it."""

_TOKEN_ENDPOINT = "/site/oauth2/access_token"


async def explain_pasted(host: Host, pasted: str, method: str, url: str) -> Diagnosis:
    """Examine a token, however it was pasted, for the request that it was meant for. Raises `InvalidInput`."""
    if len(pasted) > LONGEST_PASTE:
        raise InvalidInput(f"At most {LONGEST_PASTE} characters can be pasted.", "Paste the token alone.")
    target = re.sub(r"^https?://[^/?#]*", "", url.strip()).partition("#")[0]
    check_request(method.strip(), target)
    return await _explain(host, present_pasted(pasted), method.strip().upper(), target, host.clock())


async def explain_recorded(host: Host, details: RequestDetails) -> Diagnosis:
    """Examine a call to us that was recorded, as of then."""
    call = details.summary
    presented = details.credential or Presented(None, fault=NO_TOKEN)
    return await _explain(host, presented, call.method, call.url, call.time.timestamp())


def check_request(method: str, target: str) -> None:
    """Raises `InvalidInput` for what no client would send as it stands, so that its hash would be of no use."""
    if not re.fullmatch(r"[A-Za-z]+", method):
        raise InvalidInput(f"{method!r} is not a method.", "Give GET, PUT, POST or DELETE.")
    if not re.fullmatch(r"/[!-\"$-~]*", target):
        raise InvalidInput(
            f"{target!r} is not a path as a client sends it.",
            "Begin it with /, and percent-encode spaces, # and what is not ASCII: /2.0/addon/linkers?page=2",
        )


async def _explain(host: Host, presented: Presented, method: str, target: str, now: float) -> Diagnosis:
    found = await find_named_installations(host.store, _names(presented))
    keys = await _keys(host, found, _meant(presented, found))
    path, _, query = target.partition("?")
    request = Request(method, path, query, host.base_url, hashed=path.rstrip("/") != _TOKEN_ENDPOINT)
    known = [Known(one.app_key, one.client_key, one.workspace.slug, one.state == "installed") for one in found]
    # Looking for what was hashed takes some milliseconds.
    return await asyncio.to_thread(diagnose, presented, request, now=now, keys=keys, installations=known)


def _names(presented: Presented) -> list[str]:
    """What may be an app key or a client key."""
    claims = presented.claims
    audience = claims.get("aud")
    named = [claims.get("sub"), claims.get("iss"), *(audience if isinstance(audience, list) else [audience])]
    return [name for name in named if isinstance(name, str)][:5]


def _meant(presented: Presented, found: Sequence[Installation]) -> Installation | None:
    """The installation that is named by its client key, wherever it stands, or else the only one of the app."""
    by_client_key = {one.client_key: one for one in found}
    named = next((by_client_key[name] for name in _names(presented) if name in by_client_key), None)
    return named or (found[0] if len(found) == 1 else None)


async def _keys(host: Host, found: Sequence[Installation], meant: Installation | None) -> list[Key]:
    keys = []
    if meant is not None:
        keys.append(Key(meant.shared_secret, f"the secret of the installation in workspace {meant.workspace.slug}"))
        if meant.previous_secret is not None:
            keys.append(Key(meant.previous_secret, "the secret from before the installation that is under way"))
        retired = await find_retired_secret(host.store, meant.id)
        if retired is not None:
            keys.append(Key(retired, "the secret of an earlier installation", _STORE_THE_NEWEST))
    return [*keys, *_keys_of_others(found, meant)]


def _keys_of_others(found: Sequence[Installation], meant: Installation | None) -> Iterator[Key]:
    for one in found:
        if one != meant:
            whose = f"the secret of the installation of {one.app_key} in workspace {one.workspace.slug}"
            yield Key(one.shared_secret, whose, _CHOOSE_BY_CLIENT_KEY)


_STORE_THE_NEWEST = "Each installed call brings a new sharedSecret: store it, and sign with it from then on."
_CHOOSE_BY_CLIENT_KEY = "Keep a secret for each clientKey, and sign with that of the installation that sub names."
