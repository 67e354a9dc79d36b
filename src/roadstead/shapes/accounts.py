"""Accounts, as lifecycle calls and resources show them."""

from datetime import datetime
from typing import Any, Literal, TypedDict
from urllib.parse import quote

from roadstead.model import User, Workspace


class Href(TypedDict):
    href: str


class PrincipalLinks(TypedDict):
    self: Href
    html: Href
    avatar: Href


class UserLinks(TypedDict):
    self: Href
    avatar: Href
    html: Href


class CondensedUser(TypedDict):
    """A user, as other objects contain one."""

    type: Literal["user"]
    display_name: str
    uuid: str
    account_id: str
    nickname: str
    links: UserLinks


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


def condensed_user(user: User, base_url: str) -> CondensedUser:
    """Return a user as other objects contain one."""
    uuid = quote(user.uuid, safe="")
    return {
        "type": "user",
        "display_name": user.display_name,
        "uuid": user.uuid,
        "account_id": user.account_id,
        "nickname": user.nickname,
        "links": {
            "self": {"href": f"{base_url}/2.0/users/{uuid}"},
            "avatar": {"href": f"{base_url}/account/{quote(user.display_name, safe='')}/avatar/"},
            "html": {"href": f"{base_url}/{uuid}/"},
        },
    }


def full_user(user: User, base_url: str) -> UserResource:
    """Return a user, as everyone sees one."""
    return {
        **condensed_user(user, base_url),
        "created_on": _moment(user.created_on),
        "account_status": "active" if user.is_active else "inactive",
        "is_staff": False,
    }


def current_user(user: User, base_url: str) -> CurrentUser:
    """Return a user, as only the user sees it."""
    return {**full_user(user, base_url), "username": user.username, "has_2fa_enabled": None, "location": None}


class Principal(TypedDict):
    """The account that an app is installed on."""

    type: Literal["team"]
    username: str
    display_name: str
    uuid: str
    links: PrincipalLinks
    is_active: bool
    created_on: str
    properties: dict[str, Any]
    has_2fa_enabled: None


class Team(TypedDict):
    """A workspace, as the owner of something."""

    type: Literal["team"]
    username: str
    display_name: str
    uuid: str
    links: PrincipalLinks


def team(workspace: Workspace, base_url: str) -> Team:
    """Return a workspace as the owner of something."""
    account = principal(workspace, base_url)
    return {
        "type": "team",
        "username": account["username"],
        "display_name": account["display_name"],
        "uuid": account["uuid"],
        "links": account["links"],
    }


def principal(workspace: Workspace, base_url: str) -> Principal:
    """Return the account an app is installed on, as lifecycle calls and `GET /2.0/user` show it."""
    uuid = quote(workspace.uuid, safe="")
    return {
        "type": "team",
        "username": workspace.slug,
        "display_name": workspace.name,
        "uuid": workspace.uuid,
        "links": {
            "self": {"href": f"{base_url}/2.0/workspaces/{uuid}"},
            "html": {"href": f"{base_url}/{uuid}/"},
            "avatar": {"href": f"{base_url}/account/{workspace.slug}/avatar/"},
        },
        "is_active": True,
        "created_on": _moment(workspace.created_on),
        "properties": {},
        "has_2fa_enabled": None,
    }


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
