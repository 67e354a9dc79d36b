"""Public keys with which people and machines connect over SSH, and who connects with one."""

from datetime import datetime
from typing import ClassVar, Literal

import msgspec

from roadstead.listing import Field, Listing
from roadstead.model.credentials import TokenOwner
from roadstead.model.people import User


class PublicKey(msgspec.Struct, frozen=True):
    """A public key: its type and its bytes in Base64, separated by a space, the comment after them, and the SHA-256 of
    the bytes, as OpenSSH shows it after `SHA256:`.
    """

    key: str
    comment: str
    fingerprint: str


class SshKey(msgspec.Struct, frozen=True):
    """A user's key. The host notes the time of use once an hour."""

    id: int
    uuid: str
    user: User
    key: str
    comment: str
    fingerprint: str
    label: str
    created_on: datetime
    expires_on: datetime | None
    last_used_on: datetime | None


class DeployKey(msgspec.Struct, frozen=True):
    """A key that reads a repository, or the repositories of a project. `creator` is who added it."""

    id: int
    key: str
    comment: str
    fingerprint: str
    label: str
    created_on: datetime
    last_used_on: datetime | None
    creator: User | None


class KeyHolder(msgspec.Struct, frozen=True):
    """Who connects with an SSH key: a user, or with a deploy key the repository or project that is its `owner`."""

    user: User | None
    owner: TokenOwner | None
    kind: ClassVar[Literal["ssh"]] = "ssh"
    installation_id: ClassVar[None] = None
    app_key: ClassVar[None] = None
    secrets: ClassVar[tuple[str, ...]] = ()
    repository: ClassVar[None] = None
    is_operator: ClassVar[bool] = False

    @property
    def scopes(self) -> tuple[str, ...] | None:
        """Return what a deploy key may do; a user's key may do everything."""
        return None if self.owner is None else ("repository",)

    @property
    def is_integration(self) -> bool:
        """Return whether the key is no person's."""
        return self.owner is not None


SSH_KEY_LIST = Listing(
    Field("id", int, "k.id", unique=True, queryable=False, shown=False),
    Field("uuid", str, "k.uuid", unique=True),
    Field("comment", str, "k.comment", filled=True),
    Field("label", str, "k.label", filled=True),
    Field("fingerprint", str, "k.fingerprint", unique=True),
    Field("created_on", datetime, "k.created_on", filled=True),
    order="id",
)
DEPLOY_KEY_LIST = Listing(
    Field("id", int, "k.id", unique=True),
    Field("comment", str, "k.comment", filled=True),
    Field("label", str, "k.label", filled=True),
    Field("created_on", datetime, "k.created_on", filled=True),
    order="id",
)
