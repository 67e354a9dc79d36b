"""Public keys with which users connect over SSH. Each belongs to one user."""

import uuid
from datetime import datetime

import msgspec

from roadstead.domain.access.public_keys import LONGEST_COMMENT, read_key
from roadstead.domain.host import Host
from roadstead.domain.names import LONGEST_NAME
from roadstead.domain.people.users import lock_active
from roadstead.errors import InvalidInput, NotFound, invalid_member
from roadstead.listing import PageRequest, Slice
from roadstead.model import OPERATOR_ID, User
from roadstead.model.keys import PublicKey, SshKey
from roadstead.storage import deploy_keys
from roadstead.storage import ssh_keys as rows
from roadstead.storage.audit import add_entry
from roadstead.storage.database import Transaction

MOST_KEYS = 100
"""Of a user."""


class NoSuchKey(NotFound):
    """The user has no such key."""

    def __init__(self) -> None:
        super().__init__("There is no such SSH key.")


async def add_key(
    host: Host,
    user: User,
    text: str,
    *,
    label: str = "",
    expires_on: datetime | None = None,
    actor: str | None = None,
) -> SshKey:
    """Add a user's key; `actor` is who does, by default the operator.

    Raise `InvalidInput`, and `Conflict` for a user who is deactivated.
    """
    public, label = read_key(text), checked("label", label, LONGEST_NAME)
    if expires_on is not None and expires_on <= host.now():
        raise invalid_member("expires_on", "is in the past")
    async with host.store.database.transaction() as tx:
        user = await lock_active(tx, user.id)
        if await deploy_keys.is_known(tx, public.fingerprint):
            raise taken()
        if len(await rows.list_keys(tx, user.id)) >= MOST_KEYS:
            raise InvalidInput(f"A user has at most {MOST_KEYS} SSH keys.", "Remove one that is no longer used.")
        made_id = f"{{{uuid.uuid4()}}}"
        try:
            made = await rows.add_key(
                tx, user, public, uuid=made_id, label=label, now=host.now(), expires_on=expires_on
            )
        except rows.KeyTaken as exc:
            raise taken() from exc
        await _log(host, tx, "SSH key added", made, actor)
    return made


def taken() -> InvalidInput:
    """Return the refusal of a key that connects another user, or a deploy key, already."""
    return InvalidInput("Someone has already registered that SSH key.", fields={"key": ["is in use"]})


def checked(name: str, text: str, longest: int) -> str:
    """Return a text of a key. Raise `InvalidInput` if it is not printable or too long."""
    if len(text) > longest or not text.isprintable():
        raise invalid_member(name, f"is not printable text of at most {longest} characters")
    return text


async def page_of_keys(host: Host, user: User, wanted: PageRequest) -> Slice[SshKey]:
    """Return a page of a user's keys."""
    return await rows.page_of_keys(host.store.database, user.id, wanted)


async def list_keys(host: Host, user: User | None = None) -> list[SshKey]:
    """Return the keys of a user, or of all users."""
    return await rows.list_keys(host.store.database, None if user is None else user.id)


async def find_key(host: Host, user: User, key_uuid: str) -> SshKey:
    """Return a user's key. Raise `NoSuchKey`."""
    found = await rows.find_key(host.store.database, user.id, key_uuid)
    if found is None:
        raise NoSuchKey
    return found


async def change_key(host: Host, key: SshKey, label: str | None, comment: str | None) -> SshKey:
    """Change how a key is called. Raise `InvalidInput` and `NoSuchKey`."""
    changed = msgspec.structs.replace(
        key,
        label=key.label if label is None else checked("label", label, LONGEST_NAME),
        comment=key.comment if comment is None else checked("comment", comment, LONGEST_COMMENT),
    )
    async with host.store.database.transaction() as tx:
        if not await rows.change_key(tx, changed):
            raise NoSuchKey
    return changed


def expect_same(fingerprint: str, text: str | None) -> PublicKey | None:
    """Return the key of a text, if there is one. Raise `InvalidInput` for another key than that of the fingerprint."""
    public = None if text is None else read_key(text)
    if public is not None and public.fingerprint != fingerprint:
        raise invalid_member("key", "A key cannot be replaced by another. Add the other one, and remove this one.")
    return public


async def remove_key(host: Host, key: SshKey, *, actor: str | None = None) -> None:
    """Remove a key, with which no one connects any more. Raise `NoSuchKey`."""
    async with host.store.database.transaction() as tx:
        if not await rows.delete_key(tx, key.id):
            raise NoSuchKey
        await _log(host, tx, "SSH key removed", key, actor)


async def _log(host: Host, tx: Transaction, action: str, key: SshKey, actor: str | None) -> None:
    details = {} if key.user.id == OPERATOR_ID else {"user": key.user.username}
    subject = f"SHA256:{key.fingerprint}"
    await add_entry(tx, actor=actor or host.operator, action=action, subject=subject, details=details, now=host.now())
