"""Accounts, as lifecycle calls and resources show them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, NotRequired, TypedDict, cast
from urllib.parse import quote

from roadstead.model import User, Workspace
from roadstead.shapes.moments import moment


class Href(TypedDict):
    href: str


class AccountLinks(TypedDict):
    self: Href
    html: Href
    avatar: Href


class NamedUser(TypedDict):
    """A user without links."""

    type: Literal["user"]
    display_name: str
    uuid: str
    account_id: str
    nickname: str


class CondensedUser(NamedUser):
    """A user, as other objects contain one."""

    links: AccountLinks


class UserResource(CondensedUser):
    """A user, as everyone sees one."""

    created_on: str
    account_status: Literal["active", "inactive"]
    is_staff: bool


class CurrentUser(UserResource):
    """A user, as only the user sees it."""

    username: str
    has_2fa_enabled: None
    location: None


class PictureLink(TypedDict):
    avatar: Href


class AppUser(TypedDict):
    """The account of an access token, in the one form that it has everywhere."""

    type: Literal["app_user"]
    links: PictureLink
    created_on: str
    display_name: str
    uuid: str
    account_id: str
    account_status: Literal["active"]
    kind: str


@lru_cache(maxsize=4096)
def avatar_url(base_url: str, name: str) -> str:
    """Return the address of the picture that the host draws for a name."""
    return f"{base_url}/account/{quote(name, safe='')}/avatar/"


@lru_cache(maxsize=4096)
def _in_path(uuid: str) -> str:
    return quote(uuid, safe="")


def profile_url(base_url: str, account: User | Workspace) -> str:
    """Return the address of an account's page."""
    return f"{base_url}/{_in_path(account.uuid)}/"


def named_user(user: User) -> NamedUser:
    """Return a user without links."""
    return {
        "type": "user",
        "display_name": user.display_name,
        "uuid": user.uuid,
        "account_id": user.account_id,
        "nickname": user.nickname,
    }


def condensed_user(user: User, base_url: str) -> CondensedUser:
    """Return a user as other objects contain one."""
    uuid = _in_path(user.uuid)
    return {
        **named_user(user),
        "links": {
            "self": {"href": f"{base_url}/2.0/users/{uuid}"},
            "avatar": {"href": avatar_url(base_url, user.display_name)},
            "html": {"href": profile_url(base_url, user)},
        },
    }


def full_user(user: User, base_url: str) -> UserResource:
    """Return a user, as everyone sees one."""
    return {
        **condensed_user(user, base_url),
        "created_on": moment(user.created_on),
        "account_status": "active" if user.is_active else "inactive",
        "is_staff": False,
    }


def app_user(account: User, base_url: str) -> AppUser:
    """Return the account of an access token. As on the cloud, it is active for ever."""
    return {
        "type": "app_user",
        "links": {"avatar": {"href": avatar_url(base_url, account.display_name)}},
        "created_on": moment(account.created_on),
        "display_name": account.display_name,
        "uuid": account.uuid,
        "account_id": account.account_id,
        "account_status": "active",
        "kind": account.kind,
    }


def current_user(user: User, base_url: str) -> CurrentUser:
    """Return a user, as only the user sees it."""
    return {**full_user(user, base_url), "username": user.username, "has_2fa_enabled": None, "location": None}


class Team(TypedDict):
    """A workspace, as the owner of something."""

    type: Literal["team"]
    username: str
    display_name: str
    uuid: str
    links: AccountLinks


class Account(TypedDict):
    """Who did something: a user, a workspace for its app, or the account of an access token."""

    type: Literal["user", "team", "app_user"]
    display_name: str
    uuid: str
    links: Mapping[str, Href]
    account_id: NotRequired[str]
    nickname: NotRequired[str]
    username: NotRequired[str]
    created_on: NotRequired[str]
    account_status: NotRequired[str]
    kind: NotRequired[str]


class Principal(Team):
    """The account that an app is installed on."""

    is_active: bool
    created_on: str
    properties: dict[str, Any]
    has_2fa_enabled: None


def team(workspace: Workspace, base_url: str) -> Team:
    """Return a workspace as the owner of something."""
    uuid = _in_path(workspace.uuid)
    return {
        "type": "team",
        "username": workspace.slug,
        "display_name": workspace.name,
        "uuid": workspace.uuid,
        "links": {
            "self": {"href": f"{base_url}/2.0/workspaces/{uuid}"},
            "html": {"href": profile_url(base_url, workspace)},
            "avatar": {"href": avatar_url(base_url, workspace.slug)},
        },
    }


def principal(workspace: Workspace, base_url: str) -> Principal:
    """Return the account an app is installed on, as lifecycle calls and `GET /2.0/user` show it."""
    return {
        **team(workspace, base_url),
        "is_active": True,
        "created_on": moment(workspace.created_on),
        "properties": {},
        "has_2fa_enabled": None,
    }


def account(one: User | Workspace, base_url: str) -> Account:
    """Return who did something: a user, the account of an access token, or the workspace in which an app did it."""
    if isinstance(one, Workspace):
        return cast("Account", team(one, base_url))
    return cast("Account", condensed_user(one, base_url) if one.kind == "user" else app_user(one, base_url))
