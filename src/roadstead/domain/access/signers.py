"""Find the installation that signed a token."""

from collections.abc import Iterable

from roadstead.connect import InvalidToken, UnverifiedToken, verify
from roadstead.connect.jwt import MISMATCH
from roadstead.domain.apps import handshakes
from roadstead.domain.host import Host
from roadstead.errors import NotAuthenticated
from roadstead.model import Caller
from roadstead.storage.installations import find_caller
from roadstead.storage.offers import find_offers


async def find_signer(host: Host, token: UnverifiedToken, client_key: str, canonical: str | None) -> Caller:
    """Return the installation whose secret signed the token. Raises `InvalidToken` or `NotAuthenticated`."""
    caller = await find_caller(host.store, client_key)
    if caller is not None and caller.handshake_under_way:
        await handshakes.undo_if_abandoned(host, caller.installation_id)
        caller = await find_caller(host.store, client_key)
    if caller is not None and _made_by(host, token, caller.app_key, caller.secrets, canonical):
        return caller
    await _accept_offer(host, token, client_key, canonical)
    # This request, or another one at the same moment, may have put a secret in force.
    latest = await find_caller(host.store, client_key)
    if latest is None:
        raise NotAuthenticated(
            "The token is not valid.",
            "The claim sub names no installation here; it must be the clientKey of the app's last installed call.",
        )
    if latest == caller or not _made_by(host, token, latest.app_key, latest.secrets, canonical):
        raise InvalidToken("signature", MISMATCH)
    return latest


async def _accept_offer(host: Host, token: UnverifiedToken, client_key: str, canonical: str | None) -> None:
    """Put the app's offer in force if the app signs with its secret, which shows that it accepted."""
    for offer in await find_offers(host.store, client_key):
        if _made_by(host, token, offer.app_key, [offer.shared_secret], canonical):
            await handshakes.complete(host, offer)
            return


def _made_by(host: Host, token: UnverifiedToken, app_key: str, secrets: Iterable[str], canonical: str | None) -> bool:
    """Return whether one of the secrets made the token. Raise `InvalidToken` if one did, and another claim is wrong."""
    issuers = (app_key, str(token.claims["sub"]))
    for secret in secrets:
        try:
            verify(token, shared_secret=secret, now=host.clock(), issuers=issuers, canonical=canonical)
        except InvalidToken as exc:
            if exc.claim != "signature":
                raise
        else:
            return True
    return False
