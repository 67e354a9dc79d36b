"""Tokens for OAuth consumers: check the secret, then exchange what the grant type names."""

from collections.abc import Mapping

from roadstead.api.errors import RequestRefused
from roadstead.domain.access import consumers, grants
from roadstead.domain.access.grants import Issued, Refused
from roadstead.domain.host import Host
from roadstead.model import Consumer

_KEY_LENGTH = 40
"""How many characters of a key are remembered, because strangers send keys of any length; a real one has 18."""


async def find_client(host: Host, key: str, secret: str, address: str) -> Consumer:
    """Return the consumer of a key and a secret. Raise `Refused`, and a 429 after too many wrong secrets.

    They are counted for each consumer and address, so that no other address can lock a consumer out.
    """
    guesser = (key[:_KEY_LENGTH], address)
    wait = host.failed_consumers.wait(guesser)
    if wait:
        message = "There were too many wrong secrets of this consumer."
        raise RequestRefused(429, message, "Wait, and send the right one.", headers={"Retry-After": str(wait)})
    consumer = await consumers.find_by_secret(host, key, secret)
    if consumer is None:
        host.failed_consumers.take(guesser)
        raise Refused("unauthorized_client", "Invalid OAuth client credentials")
    return consumer


async def issue(host: Host, consumer: Consumer, grant_type: str | None, form: Mapping[str, str]) -> Issued:
    """Return tokens for a consumer. Raise `Refused`."""
    match grant_type:
        case "authorization_code":
            code, given = _named(form, "code"), form.get("redirect_uri")
            return await grants.redeem(host, consumer, code, redirect_uri=given, verifier=form.get("code_verifier"))
        case "refresh_token":
            return await grants.refresh(host, consumer, _named(form, "refresh_token"), form.get("scope"))
        case "client_credentials":
            return await grants.act_as_owner(host, consumer, form.get("scope"))
        case _:
            raise Refused(
                "unsupported_grant_type", "grant_type must be authorization_code, refresh_token or client_credentials."
            )


def _named(form: Mapping[str, str], name: str) -> str:
    if name not in form:
        raise Refused("invalid_request", f"{name} is missing.")
    return form[name]
