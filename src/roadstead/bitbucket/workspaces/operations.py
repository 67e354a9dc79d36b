"""`/2.0/workspaces`: the accounts that apps are installed on."""

from roadstead.api.answers import Answer, json_answer
from roadstead.api.needs import Scope
from roadstead.api.operation import Call
from roadstead.bitbucket.map import WORKSPACES as OPERATIONS
from roadstead.bitbucket.workspaces import shapes
from roadstead.domain.apps import installations
from roadstead.errors import WorkspaceNotFound
from roadstead.shapes.accounts import principal


@OPERATIONS.get("/{workspace}", needs=Scope("account"), gives={200: shapes.WorkspaceResource})
async def get_workspace(call: Call) -> Answer:
    """Return a workspace. An app sees only its own, unless its token is for one repository."""
    name = call.path["workspace"]
    workspace = await installations.get_workspace(call.host, name)
    if call.identity.repository is not None or not await _is_in(call, workspace.id):
        raise WorkspaceNotFound(name)
    html_url = principal(workspace, call.host.base_url)["links"]["html"]["href"]
    return json_answer(shapes.workspace(workspace, call.url(get_workspace, workspace.slug), html_url))


async def _is_in(call: Call, workspace_id: int) -> bool:
    """Return whether the caller belongs to a workspace; an operator belongs to all."""
    if call.identity.installation_id is None:
        return True
    return (await installations.get_installed(call.host, call.installation_id)).workspace.id == workspace_id
