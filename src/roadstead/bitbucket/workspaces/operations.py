"""`/2.0/workspaces` and `/2.0/user/workspaces`: workspaces, their members, and the user's role."""

from collections.abc import Mapping, Sequence

from roadstead.api.answers import Answer
from roadstead.api.eras import CROSS_WORKSPACE_LISTS
from roadstead.api.listing import Page, Partial, page_answer, shaped
from roadstead.api.needs import OwnScope, Scope
from roadstead.api.operation import Call
from roadstead.bitbucket.map import WORKSPACES as OPERATIONS
from roadstead.bitbucket.workspaces import shapes
from roadstead.bitbucket.workspaces.shapes import (
    DatedPermission,
    MembershipResource,
    OfAdministrator,
    OfRole,
    PermissionResource,
    WorkspaceAccess,
    WorkspaceResource,
)
from roadstead.domain.people import workspaces
from roadstead.errors import InvalidInput, WrongCredential
from roadstead.listing import PageRequest
from roadstead.model import MEMBER_LIST, MEMBERSHIP_LIST, ROLES, WORKSPACE_LIST, Membership, Role, Workspace

WORKSPACE = Scope(None, "read:workspace:bitbucket")
ACCOUNT = Scope("account", "read:workspace:bitbucket")
OWN = OwnScope("account", "read:workspace:bitbucket")
ACCOUNT_OF_USER = OwnScope("account", "read:user:bitbucket", "read:workspace:bitbucket")
_BY_ROLE: Mapping[str, Sequence[Role]] = {
    "owner": ("owner",),
    "collaborator": ("owner", "collaborator"),
    "member": ROLES,
}
"""The roles that each value of the parameter chooses: it names the least of them."""
_EMAIL = ("values", "user", "email")
_BY_ADMINISTRATOR: Mapping[str, Sequence[Role]] = {"true": ("owner",), "false": ("collaborator", "member")}


@OPERATIONS.get(
    "/workspaces",
    needs=ACCOUNT_OF_USER,
    lists=WORKSPACE_LIST,
    query=OfRole,
    gives={200: Page[WorkspaceResource]},
    removed=CROSS_WORKSPACE_LISTS,
)
async def list_workspaces(call: Call, wanted: PageRequest) -> Answer:
    """List the workspaces of the user."""
    roles = _chosen(call, "role", _BY_ROLE)
    page = await workspaces.page_of_memberships(call.host, call.identity, WORKSPACE_LIST, wanted, roles=roles)
    return page_answer(call, page.of([_workspace(call, one.workspace) for one in page.items]))


@OPERATIONS.get("/workspaces/{workspace}", needs=WORKSPACE, query=Partial, gives={200: WorkspaceResource})
async def get_workspace(call: Call) -> Answer:
    """Return a workspace. A user sees those of which they are a member, an app the one that it is installed in."""
    return shaped(call, _workspace(call, (await _visible(call)).workspace))


@OPERATIONS.get(
    "/workspaces/{workspace}/members", needs=ACCOUNT, lists=MEMBER_LIST, gives={200: Page[MembershipResource]}
)
async def list_members(call: Call, wanted: PageRequest) -> Answer:
    """List the members of a workspace."""
    page = await workspaces.page_of_members(call.host, call.identity, await _visible(call), wanted)
    return page_answer(call, page.of([_membership(call, one) for one in page.items]), on_request=[_EMAIL])


@OPERATIONS.get(
    "/workspaces/{workspace}/members/{member}", needs=ACCOUNT, query=Partial, gives={200: MembershipResource}
)
async def get_member(call: Call) -> Answer:
    """Return a member of a workspace, by the user's UUID in braces or account id."""
    workspace = (await _visible(call)).workspace
    return shaped(call, _membership(call, await workspaces.get_member(call.host, workspace, call.path["member"])))


@OPERATIONS.get(
    "/workspaces/{workspace}/permissions", needs=ACCOUNT, lists=MEMBER_LIST, gives={200: Page[PermissionResource]}
)
async def list_permissions(call: Call, wanted: PageRequest) -> Answer:
    """List the members of a workspace with their roles. An access token may not."""
    visible = await _visible(call)
    workspaces.refuse_access_tokens(call.identity)
    page = await workspaces.page_of_members(call.host, call.identity, visible, wanted)
    return page_answer(call, page.of([_permission(call, one) for one in page.items]), on_request=[_EMAIL])


@OPERATIONS.get(
    "/user/workspaces",
    needs=OWN,
    lists=MEMBERSHIP_LIST,
    query=OfAdministrator,
    gives={200: Page[WorkspaceAccess]},
)
async def list_own_workspaces(call: Call, wanted: PageRequest) -> Answer:
    """List the workspaces of which the user is a member, and whether the user administers them."""
    roles = _chosen(call, "administrator", _BY_ADMINISTRATOR)
    page = await workspaces.page_of_memberships(call.host, call.identity, MEMBERSHIP_LIST, wanted, roles=roles)
    items = [shapes.access(one, call.host.base_url, call.url(get_workspace, one.workspace.slug)) for one in page.items]
    return page_answer(call, page.of(items))


@OPERATIONS.get("/user/workspaces/{workspace}/permission", needs=OWN, query=Partial, gives={200: PermissionResource})
async def get_own_permission(call: Call) -> Answer:
    """Return the role of the user in a workspace. An app has none."""
    visible = await _visible(call)
    user, role = call.identity.user, visible.role
    if user is None or role is None:
        raise WrongCredential("You do not have access to view this workspace.")
    return shaped(call, _permission(call, Membership(user, visible.workspace, role, visible.workspace.created_on)))


@OPERATIONS.get(
    "/user/permissions/workspaces",
    needs=ACCOUNT_OF_USER,
    lists=shapes.ACCESS_LIST,
    gives={200: Page[DatedPermission]},
    removed=CROSS_WORKSPACE_LISTS,
)
async def list_own_permissions(call: Call, wanted: PageRequest) -> Answer:
    """List the roles of the user in all workspaces."""
    page = await workspaces.page_of_memberships(call.host, call.identity, shapes.ACCESS_LIST, wanted)
    return page_answer(call, page.of([shapes.dated(one, _permission(call, one)) for one in page.items]))


async def _visible(call: Call) -> workspaces.Visible:
    return await workspaces.find_visible(call.host, call.identity, call.path["workspace"])


def _workspace(call: Call, workspace: Workspace) -> WorkspaceResource:
    self_url, members_url = call.url(get_workspace, workspace.slug), call.url(list_members, workspace.slug)
    return shapes.workspace(workspace, call.host.base_url, self_url, members_url)


def _membership(call: Call, one: Membership) -> MembershipResource:
    slug = one.workspace.slug
    self_url, workspace_url = call.url(get_member, slug, one.user.uuid), call.url(get_workspace, slug)
    return shapes.membership(one, call.host.base_url, self_url, workspace_url)


def _permission(call: Call, one: Membership) -> PermissionResource:
    return {**_membership(call, one), "permission": one.role}


def _chosen(call: Call, name: str, choices: Mapping[str, Sequence[Role]]) -> Sequence[Role]:
    """Return the roles that a parameter chooses; all without it. Raise `InvalidInput`."""
    if name not in call.query:
        return ROLES
    # In either case: atlassian-python-api sends Python's `True`.
    given = call.query[name].lower()
    if given not in choices:
        raise InvalidInput(f"`{name}` must be one of: {', '.join(choices)}.", fields={name: ["Not one of these."]})
    return choices[given]
