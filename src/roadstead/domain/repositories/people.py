"""The people behind the signatures of commits and tags: how callers sign, and whose account a signature names.

A caller signs with the display name and the primary e-mail address. An account without an address, such as that of an
access token, signs with one that is made of its account id.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from roadstead.domain.host import Host
from roadstead.git.objects import Signature
from roadstead.model import Identity, User
from roadstead.storage.users import find_accounts, find_by_emails, list_emails

_UNFIT = str.maketrans("", "", "<>\n\r\0")
_NO_REPLY = "noreply.invalid"
"""A domain that no mail reaches, by RFC 2606."""
_OF_ACCOUNT = f"@users.{_NO_REPLY}"
_BYTES = 1_500
"""The size of an account in memory, with its names and its entry among what is kept."""


class _Person(NamedTuple):
    """The account of an e-mail address; `None` is kept, too, for an address of no account."""

    user: User | None


async def signature_of(host: Host, identity: Identity) -> Signature:
    """Return the signature of a caller, at this moment."""
    user, seconds = identity.user, int(host.now().timestamp())
    if user is None:
        return _signature(identity.app_key or "app", f"{identity.app_key}@apps.{_NO_REPLY}", seconds)
    emails = await list_emails(host.store.database, user.id)
    address = next((email.address for email in emails if email.is_primary), user.account_id + _OF_ACCOUNT)
    return _signature(user.display_name, address, seconds)


async def users_of(host: Host, signatures: Iterable[Signature]) -> Mapping[str, User]:
    """Return the accounts that signatures name, by address in lower case: confirmed addresses, and made-up ones."""
    addresses = {signature.email.lower() for signature in signatures}
    kept, people = host.store.memory.kept, (await host.store.database.versions()).people
    known: dict[str, _Person | None] = {
        address: kept.find((_Person, address), people) for address in addresses if "@" in address
    }
    unknown = sorted(address for address, person in known.items() if person is None)
    found = {**await find_by_emails(host.store.database, unknown), **await _find_signers(host, unknown)}
    for address in unknown:
        person = known[address] = _Person(found.get(address))
        kept.keep((_Person, address), people, person, _BYTES + len(address))
    return {address: person.user for address, person in known.items() if person and person.user}


async def _find_signers(host: Host, addresses: Iterable[str]) -> Mapping[str, User]:
    """Return the accounts whose made-up addresses are among these, by address."""
    ids = [address.removesuffix(_OF_ACCOUNT) for address in addresses if address.endswith(_OF_ACCOUNT)]
    found = await find_accounts(host.store.database, ids) if ids else []
    return {user.account_id + _OF_ACCOUNT: user for user in found}


def _signature(name: str, address: str, seconds: int) -> Signature:
    """Return a signature without the characters that git refuses."""
    return Signature(name.translate(_UNFIT).strip() or "?", address.translate(_UNFIT), seconds, 0)
