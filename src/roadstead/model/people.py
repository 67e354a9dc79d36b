"""Workspaces, the people in them, and what they may do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

import msgspec

from roadstead.listing import Field, Listing

HIDDEN = "(hidden)"
"""The placeholder of a secret in stored or shown text."""


class Workspace(msgspec.Struct, frozen=True):
    """The account that apps are installed on. `uuid` is written with its braces, as Bitbucket writes it."""

    id: int
    slug: str
    uuid: str
    name: str
    created_on: datetime


AccountKind = Literal["user", "workspace_access_token", "project_access_token", "repository_access_token"]


class User(msgspec.Struct, frozen=True):
    """An account: a person's, or that of an access token. One that is not active has neither tokens nor sessions.

    An administrator may do everything on the host. The operator, with `OPERATOR_ID`, is one from the beginning.
    """

    id: int
    uuid: str
    account_id: str
    username: str
    nickname: str
    display_name: str
    created_on: datetime
    is_active: bool
    is_administrator: bool
    kind: AccountKind


OPERATOR_ID = 1
"""The migrations make the operator, as the first user."""


class Email(msgspec.Struct, frozen=True):
    """An e-mail address of a user, in lower case."""

    address: str
    is_primary: bool
    is_confirmed: bool


Role = Literal["owner", "collaborator", "member"]

ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Membership:
    """A user's role in a workspace. `email` is the user's primary address, for a caller who may know it."""

    user: User
    workspace: Workspace
    role: Role
    added_on: datetime
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a workspace's members."""

    id: int
    workspace: Workspace
    slug: str
    name: str


Holder = User | Group
"""A user or a group, to whom a privilege is granted."""

Privilege = Literal["none", "read", "write", "create-repo", "admin"]

PRIVILEGES: tuple[Privilege, ...] = get_args(Privilege)
"""What a user may do in a project, the least first: each includes those before it."""

PLAIN_LIST = Listing(Field("id", int, "x.id", unique=True, queryable=False), order="id")
"""A list that can neither be filtered nor sorted."""

OF_USER = tuple(Field(f"user.{name}", str, f"u.{name}") for name in ("uuid", "account_id", "display_name", "nickname"))

_OF_WORKSPACE = tuple(Field(f"workspace.{name}", str, f"w.{name}") for name in ("slug", "uuid", "name"))

_PERMISSION = Field("permission", str, "m.role", shown=False)

MEMBER_LIST = Listing(
    Field("id", int, "u.id", unique=True, queryable=False),
    *OF_USER,
    Field("user.email", str, "e.address", shown=False),
    _PERMISSION,
    order="id",
)

MEMBERSHIP_LIST = Listing(
    Field("id", int, "w.id", unique=True, queryable=False),
    *_OF_WORKSPACE,
    Field("slug", str, "w.slug", shown=False),
    _PERMISSION,
    order="id",
)

WORKSPACE_LIST = Listing(
    Field("id", int, "w.id", unique=True, queryable=False),
    Field("slug", str, "w.slug", unique=True),
    Field("uuid", str, "w.uuid", unique=True),
    Field("name", str, "w.name"),
    Field("created_on", datetime, "w.created_on"),
    order="id",
)
