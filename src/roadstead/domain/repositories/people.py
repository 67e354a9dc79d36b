"""The signatures of callers in commits and tags: name, and primary e-mail address if there is one."""

from roadstead.domain.host import Host
from roadstead.git.objects import Signature
from roadstead.model import Identity
from roadstead.storage.users import list_emails

_UNFIT = str.maketrans("", "", "<>\n\r\0")
_NO_REPLY = "noreply.invalid"
"""A domain that no mail reaches, by RFC 2606."""


async def signature_of(host: Host, identity: Identity) -> Signature:
    """Return the signature of a caller, at this moment."""
    user, seconds = identity.user, int(host.now().timestamp())
    if user is None:
        return _signature(identity.app_key or "app", f"{identity.app_key}@apps.{_NO_REPLY}", seconds)
    emails = await list_emails(host.store.database, user.id)
    address = next((email.address for email in emails if email.is_primary), f"{user.username}@users.{_NO_REPLY}")
    return _signature(user.display_name, address, seconds)


def _signature(name: str, address: str, seconds: int) -> Signature:
    """Return a signature without the characters that git does not take."""
    return Signature(name.translate(_UNFIT).strip() or "?", address.translate(_UNFIT), seconds, 0)
