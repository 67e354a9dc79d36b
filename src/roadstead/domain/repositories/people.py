"""The signatures of callers in commits and tags: name, and primary e-mail address if there is one.

An account without an e-mail address, such as that of an access token, signs with one that is made of its account id.
"""

from collections.abc import Iterable, Mapping

from roadstead.domain.host import Host
from roadstead.git.objects import Signature
from roadstead.model import Identity, User
from roadstead.storage.users import find_accounts, list_emails

_UNFIT = str.maketrans("", "", "<>\n\r\0")
_NO_REPLY = "noreply.invalid"
"""A domain that no mail reaches, by RFC 2606."""
_OF_ACCOUNT = f"@users.{_NO_REPLY}"


async def signature_of(host: Host, identity: Identity) -> Signature:
    """Return the signature of a caller, at this moment."""
    user, seconds = identity.user, int(host.now().timestamp())
    if user is None:
        return _signature(identity.app_key or "app", f"{identity.app_key}@apps.{_NO_REPLY}", seconds)
    emails = await list_emails(host.store.database, user.id)
    address = next((email.address for email in emails if email.is_primary), user.account_id + _OF_ACCOUNT)
    return _signature(user.display_name, address, seconds)


async def find_signers(host: Host, addresses: Iterable[str]) -> Mapping[str, User]:
    """Return the accounts that sign with some of these addresses because they have no other, by address."""
    ids = [address.removesuffix(_OF_ACCOUNT) for address in addresses if address.endswith(_OF_ACCOUNT)]
    found = await find_accounts(host.store.database, ids) if ids else []
    return {user.account_id + _OF_ACCOUNT: user for user in found}


def _signature(name: str, address: str, seconds: int) -> Signature:
    """Return a signature without the characters that git does not take."""
    return Signature(name.translate(_UNFIT).strip() or "?", address.translate(_UNFIT), seconds, 0)
