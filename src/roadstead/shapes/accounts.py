"""Accounts, as lifecycle calls and resources show them."""

from datetime import datetime
from typing import Any, Literal, TypedDict
from urllib.parse import quote

from roadstead.model import Workspace


class Href(TypedDict):
    href: str


class PrincipalLinks(TypedDict):
    self: Href
    html: Href
    avatar: Href


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
