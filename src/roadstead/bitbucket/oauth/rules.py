"""Tokens for OAuth consumers: check the secret, then exchange what the grant type names."""

from collections.abc import Mapping

from roadstead.domain.access import consumers, grants
from roadstead.domain.access.grants import Issued, Refused
from roadstead.domain.access.wrong_secrets import wrong_secret
from roadstead.domain.host import Host
from roadstead.model import Consumer


async def find_client(host: Host, key: str, secret: str, address: str) -> Consumer:
    """Return the consumer of a key and a secret. Raise `Refused`, and `TooManyGuesses` after too many wrong secrets.

    The right secret always works, so no one can lock a consumer out.
    """
    consumer = await consumers.find_by_secret(host, key, secret)
    if consumer is None:
        wrong_secret(host, "consumer secret", key, address)
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
