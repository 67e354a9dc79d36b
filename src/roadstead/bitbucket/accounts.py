"""`/2.0/user` and `/2.0/workspaces/{workspace}`: whom a credential stands for."""

from typing import Literal, TypedDict

from starlette.requests import Request

from roadstead.api.answers import Answer, json_answer
from roadstead.api.auth import Identity
from roadstead.api.resources import Link
from roadstead.domain.apps import installations
from roadstead.domain.host import Host
from roadstead.errors import WorkspaceNotFound
from roadstead.model import AccessToken, ApiToken, Viewer, Workspace
from roadstead.outbound.lifecycle import principal


class OperatorLinks(TypedDict):
    self: Link


class Operator(TypedDict):
    """Whoever runs the host."""

    type: Literal["user"]
    uuid: str
    account_id: str
    display_name: str
    nickname: str
    links: OperatorLinks


class WorkspaceLinks(TypedDict):
    self: Link
    html: Link


class WorkspaceResource(TypedDict):
    """The account that apps are installed on."""

    type: Literal["workspace"]
    uuid: str
    slug: str
    name: str
    is_private: bool
    created_on: str
    links: WorkspaceLinks


async def current_user(request: Request, host: Host, identity: Identity) -> Answer:
    """An app stands for the account it is installed on; an operator's token, and a page of an app, for the operator."""
    workspace = await _workspace_of(host, identity)
    if workspace is not None and not isinstance(identity, Viewer):
        return json_answer(principal(workspace, host.base_url))
    sender = await host.sender()
    operator: Operator = {
        "type": "user",
        "uuid": sender.actor_uuid,
        "account_id": sender.actor_account_id,
        "display_name": "Operator",
        "nickname": "operator",
        "links": {"self": Link(f"{host.base_url}/2.0/user")},
    }
    return json_answer(operator)


async def get_workspace(request: Request, host: Host, identity: Identity) -> Answer:
    """An app sees its own workspace, unless its token is for one repository; others are as if they were not there."""
    name = request.path_params["workspace"]
    workspace = await installations.get_workspace(host, name)
    own = await _workspace_of(host, identity)
    narrowed = isinstance(identity, AccessToken) and identity.repository is not None
    if narrowed or (own is not None and own.id != workspace.id):
        raise WorkspaceNotFound(name)
    return json_answer(_workspace(workspace, host.base_url))


async def _workspace_of(host: Host, identity: Identity) -> Workspace | None:
    if isinstance(identity, ApiToken):
        return None
    return (await installations.get_installed(host, identity.installation_id)).workspace


def _workspace(workspace: Workspace, base_url: str) -> WorkspaceResource:
    return {
        "type": "workspace",
        "uuid": workspace.uuid,
        "slug": workspace.slug,
        "name": workspace.name,
        "is_private": True,
        "created_on": workspace.created_on.isoformat(timespec="microseconds"),
        "links": {
            "self": Link(f"{base_url}/2.0/workspaces/{workspace.slug}"),
            "html": Link(principal(workspace, base_url)["links"]["html"]["href"]),
        },
    }
