"""The host's facts about a token at this moment: the installations that it may mean, and its signer.

Secrets are used and never shown.
"""

import asyncio
from collections.abc import Iterator, Sequence

from roadstead.connect.diagnosis import gather
from roadstead.connect.evidence import Evidence, Known
from roadstead.connect.presented import Presented
from roadstead.connect.signature_mistakes import Key
from roadstead.model import Installation
from roadstead.storage import Store
from roadstead.storage.handshakes import find_retired_secret
from roadstead.storage.installations import find_named_installations


async def evidence_of(store: Store, presented: Presented) -> Evidence:
    """Return the evidence for or against a token. Takes some milliseconds, in a thread."""
    found = await find_named_installations(store, _names(presented))
    keys = await _keys(store, found, _meant(presented, found))
    known = [Known(one.app_key, one.client_key, one.workspace.slug, one.state == "installed") for one in found]
    return await asyncio.to_thread(gather, presented, keys=keys, installations=known)


def _names(presented: Presented) -> list[str]:
    """Return the claims that may be an app key or a client key."""
    claims = presented.claims
    audience = claims.get("aud")
    named = [claims.get("sub"), claims.get("iss"), *(audience if isinstance(audience, list) else [audience])]
    return [name for name in named if isinstance(name, str)][:5]


def _meant(presented: Presented, found: Sequence[Installation]) -> Installation | None:
    """Return the installation that is named by its client key, in any claim, or else the only one of the app."""
    by_client_key = {one.client_key: one for one in found}
    named = next((by_client_key[name] for name in _names(presented) if name in by_client_key), None)
    return named or (found[0] if len(found) == 1 else None)


async def _keys(store: Store, found: Sequence[Installation], meant: Installation | None) -> list[Key]:
    keys = []
    if meant is not None:
        keys.append(Key(meant.shared_secret, f"the secret of the installation in workspace {meant.workspace.slug}"))
        if meant.previous_secret is not None:
            keys.append(Key(meant.previous_secret, "the secret from before the installation that is running"))
        retired = await find_retired_secret(store, meant.id)
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
