"""What belongs to an account: the invitation to it, its sessions, the signed-in user as a caller, OAuth consents."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import msgspec

from roadstead.model import Role, User, Workspace


@dataclass(frozen=True, slots=True)
class Invitation:
    """An open invitation to the host, by its maker. With a workspace, the guest gets the role there.

    `username` and `email` are what the maker proposes for the account.
    """

    id: int
    inviter: User
    username: str | None
    email: str | None
    workspace: Workspace | None
    role: Role | None
    expires_on: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A session at the pages: when it began and ends, and whether it is the one that asks."""

    began_on: datetime
    ends_on: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class Consent:
    """What a user lets a consumer do, as the user sees it: `consumer` and `workspace` are names."""

    id: int
    consumer: str
    workspace: str
    scopes: tuple[str, ...]
    expires_on: datetime


class SessionUser(msgspec.Struct, frozen=True):
    """A user who is signed in at the pages, and may do there what the user may."""

    user: User
    kind: ClassVar[str] = "session"
    installation_id: ClassVar[None] = None
    app_key: ClassVar[None] = None
    secrets: ClassVar[tuple[str, ...]] = ()
    scopes: ClassVar[None] = None
    owner: ClassVar[None] = None
    repository: ClassVar[None] = None
    is_integration: ClassVar[bool] = False

    @property
    def is_operator(self) -> bool:
        """Return whether the user is an administrator of the host."""
        return self.user.is_administrator
