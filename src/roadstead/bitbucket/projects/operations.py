"""`/2.0/workspaces/{workspace}/projects`: projects, what is granted in them, and their default reviewers."""

from collections.abc import Sequence
from functools import partial

from roadstead.api.answers import Answer, json_answer, no_content
from roadstead.api.kept import kept_answer
from roadstead.api.listing import Page, Partial, page_answer, shaped
from roadstead.api.needs import Scope
from roadstead.api.operation import Call
from roadstead.bitbucket.map import PROJECTS as OPERATIONS
from roadstead.bitbucket.projects import shapes
from roadstead.bitbucket.projects.shapes import (
    DefaultReviewer,
    ProjectGroupPermission,
    ProjectResource,
    ProjectUserPermission,
)
from roadstead.domain.access.recall import facts_of
from roadstead.domain.people import permissions, privileges, projects, users, workspaces
from roadstead.domain.people.projects import ProjectChanges
from roadstead.listing import PageRequest
from roadstead.model import PLAIN_LIST, PROJECT_LIST, Group, Privilege, Project, User
from roadstead.shapes.accounts import CondensedUser, condensed_user, named_user

READ = Scope("project", "read:project:bitbucket")
ADMIN = Scope("project:admin", "admin:project:bitbucket")
READ_GRANTS = Scope("project:admin", "read:project:bitbucket")
GRANT = Scope("project:admin", "admin:project:bitbucket", "write:permission:bitbucket")
TAKE_BACK = Scope("project:admin", "admin:project:bitbucket", "delete:permission:bitbucket")
READ_REVIEWERS = Scope("project:admin", "read:pullrequest:bitbucket")

_USERS = "/{project_key}/permissions-config/users"
_GROUPS = "/{project_key}/permissions-config/groups"
_REVIEWERS = "/{project_key}/default-reviewers"


@OPERATIONS.get(needs=READ, lists=PROJECT_LIST, gives={200: Page[ProjectResource]})
async def list_projects(call: Call, wanted: PageRequest) -> Answer:
    """List the projects of a workspace that the caller sees."""
    versions = await call.host.store.database.versions()
    return await kept_answer(call, facts_of(call.identity), versions, partial(_page, call, wanted))


async def _page(call: Call, wanted: PageRequest) -> Answer:
    page = await projects.page_of_projects(call.host, call.identity, call.path["workspace"], wanted)
    return page_answer(call, page.of(await _resources(call, page.items)))


@OPERATIONS.post(needs=ADMIN, takes=shapes.NEW_PROJECT, gives={201: ProjectResource})
async def create_project(call: Call, given: ProjectChanges) -> Answer:
    """Create a project. It is private unless the body says otherwise."""
    return await _created(call, await projects.create_project(call.host, call.identity, call.path["workspace"], given))


@OPERATIONS.get("/{project_key}", needs=READ, query=Partial, gives={200: ProjectResource})
async def get_project(call: Call) -> Answer:
    """Return a project."""
    return shaped(call, await _resource(call, await _project(call, "read")))


@OPERATIONS.put("/{project_key}", needs=ADMIN, takes=shapes.PROJECT, gives={200: ProjectResource, 201: ProjectResource})
async def put_project(call: Call, given: ProjectChanges) -> Answer:
    """Change a project, or create one with that key. `Location` is where it is, if the key has changed."""
    key: str = call.path["project_key"]
    project, is_new = await projects.put_project(call.host, call.identity, call.path["workspace"], key, given)
    if is_new:
        return await _created(call, project)
    return json_answer(await _resource(call, project), headers={} if project.key == key else _location(call, project))


@OPERATIONS.delete("/{project_key}", needs=ADMIN, gives={204: None})
async def delete_project(call: Call) -> Answer:
    """Delete a project."""
    await projects.delete_project(call.host, call.identity, call.path["workspace"], call.path["project_key"])
    return no_content()


# Permissions of users


@OPERATIONS.get(_USERS, needs=READ_GRANTS, lists=PLAIN_LIST, gives={200: Page[ProjectUserPermission]})
async def list_user_permissions(call: Call, wanted: PageRequest) -> Answer:
    """List what is granted to users in a project, not to groups. No access token may read it."""
    project = await _of_grants(call)
    page = await permissions.page_of_users(call.host, project, wanted)
    return page_answer(call, page.of([_of_user(call, project, *one) for one in page.items]))


@OPERATIONS.get(f"{_USERS}/{{selected_user_id}}", needs=READ_GRANTS, query=Partial, gives={200: ProjectUserPermission})
async def get_user_permission(call: Call) -> Answer:
    """Return what is granted to a user in a project, by UUID in braces or account id."""
    project = await _of_grants(call)
    user = await _user(call, "selected_user_id")
    return shaped(call, _of_user(call, project, user, await permissions.privilege_of(call.host, project, user)))


@OPERATIONS.put(
    f"{_USERS}/{{selected_user_id}}", needs=GRANT, takes=shapes.PERMISSION, gives={200: ProjectUserPermission}
)
async def put_user_permission(call: Call, permission: str) -> Answer:
    """Grant a privilege to a member who is no owner. Only a person may."""
    project = await _to_grant(call)
    user = await _user(call, "selected_user_id")
    privilege = permissions.grantable(permission, project)
    await permissions.grant(call.host, call.identity, project, user, privilege)
    return json_answer(_of_user(call, project, user, privilege))


@OPERATIONS.delete(f"{_USERS}/{{selected_user_id}}", needs=TAKE_BACK, gives={204: None})
async def delete_user_permission(call: Call) -> Answer:
    """Take back what is granted to a user, if anything is. Only a person may."""
    project = await _to_grant(call)
    user = await _user(call, "selected_user_id")
    await permissions.take_back(call.host, call.identity, project, user)
    return no_content()


# Permissions of groups


@OPERATIONS.get(_GROUPS, needs=READ_GRANTS, lists=PLAIN_LIST, gives={200: Page[ProjectGroupPermission]})
async def list_group_permissions(call: Call, wanted: PageRequest) -> Answer:
    """List what is granted to groups in a project."""
    project = await _of_grants(call)
    page = await permissions.page_of_groups(call.host, project, wanted)
    return page_answer(call, page.of([_of_group(call, project, *one) for one in page.items]))


@OPERATIONS.get(f"{_GROUPS}/{{group_slug}}", needs=READ_GRANTS, query=Partial, gives={200: ProjectGroupPermission})
async def get_group_permission(call: Call) -> Answer:
    """Return what is granted to a group in a project."""
    project = await _of_grants(call)
    group = await _group(call, project)
    return shaped(call, _of_group(call, project, group, await permissions.privilege_of(call.host, project, group)))


@OPERATIONS.put(f"{_GROUPS}/{{group_slug}}", needs=GRANT, takes=shapes.PERMISSION, gives={200: ProjectGroupPermission})
async def put_group_permission(call: Call, permission: str) -> Answer:
    """Grant a privilege to a group. Only a person may."""
    project = await _to_grant(call)
    group = await _group(call, project)
    privilege = permissions.grantable(permission, project)
    await permissions.grant(call.host, call.identity, project, group, privilege)
    return json_answer(_of_group(call, project, group, privilege))


@OPERATIONS.delete(f"{_GROUPS}/{{group_slug}}", needs=TAKE_BACK, gives={204: None})
async def delete_group_permission(call: Call) -> Answer:
    """Take back what is granted to a group, if anything is. Only a person may."""
    project = await _to_grant(call)
    group = await _group(call, project)
    await permissions.take_back(call.host, call.identity, project, group)
    return no_content()


# Default reviewers


@OPERATIONS.get(_REVIEWERS, needs=READ_REVIEWERS, lists=PLAIN_LIST, gives={200: Page[DefaultReviewer]})
async def list_default_reviewers(call: Call, wanted: PageRequest) -> Answer:
    """List the users who review each pull request of a project."""
    page = await projects.page_of_reviewers(call.host, await _project(call, "admin"), wanted)
    return page_answer(call, page.of([shapes.default_reviewer(one, call.host.base_url) for one in page.items]))


@OPERATIONS.get(f"{_REVIEWERS}/{{selected_user}}", needs=READ_REVIEWERS, query=Partial, gives={200: CondensedUser})
async def get_default_reviewer(call: Call) -> Answer:
    """Return a default reviewer. Another user is a 400."""
    project = await _project(call, "admin")
    user = await _user(call, "selected_user")
    await projects.expect_reviewer(call.host, project, user)
    return shaped(call, condensed_user(user, call.host.base_url))


@OPERATIONS.put(f"{_REVIEWERS}/{{selected_user}}", needs=ADMIN, gives={200: CondensedUser}, refuses=(400,))
async def add_default_reviewer(call: Call) -> Answer:
    """Add a member of the workspace to the default reviewers. A body is not read."""
    project = await _project(call, "admin")
    user = await _user(call, "selected_user")
    await projects.add_reviewer(call.host, call.identity, project, user)
    return json_answer(condensed_user(user, call.host.base_url))


@OPERATIONS.delete(f"{_REVIEWERS}/{{selected_user}}", needs=ADMIN, gives={204: None}, refuses=(400,))
async def remove_default_reviewer(call: Call) -> Answer:
    """Remove a default reviewer. Another user is a 400."""
    project = await _project(call, "admin")
    user = await _user(call, "selected_user")
    await projects.remove_reviewer(call.host, call.identity, project, user)
    return no_content()


async def _project(call: Call, least: Privilege) -> Project:
    """Return the project of the address, in which the caller has at least a privilege."""
    return await privileges.find_project(
        call.host, call.identity, call.path["workspace"], call.path["project_key"], least
    )


async def _of_grants(call: Call) -> Project:
    """Return the project of the address, for a caller who may read what is granted there."""
    project = await _project(call, "admin")
    workspaces.refuse_access_tokens(call.identity)
    return project


async def _to_grant(call: Call) -> Project:
    """Return the project of the address, for a caller who may change what is granted there."""
    project = await _project(call, "admin")
    permissions.refuse_apps(call.identity)
    return project


async def _user(call: Call, parameter: str) -> User:
    return await users.get_account(call.host, call.path[parameter])


async def _group(call: Call, project: Project) -> Group:
    return await permissions.find_group(call.host, project, call.path["group_slug"])


async def _resource(call: Call, project: Project) -> ProjectResource:
    return (await _resources(call, [project]))[0]


async def _resources(call: Call, found: Sequence[Project]) -> list[ProjectResource]:
    """Return projects of one workspace."""
    if not found:
        return []
    public = await projects.find_with_public(call.host, found)
    shape = shapes.projects(found[0].workspace, call.host.base_url, _workspace_url(call, found[0]), public)
    below = call.url(get_project, found[0].workspace.slug)
    return [shape(one, below + one.key) for one in found]


async def _created(call: Call, project: Project) -> Answer:
    return json_answer(await _resource(call, project), 201, headers=_location(call, project))


def _location(call: Call, project: Project) -> dict[str, str]:
    return {"Location": _url(call, project)}


def _url(call: Call, project: Project) -> str:
    return call.url(get_project, project.workspace.slug, project.key)


def _workspace_url(call: Call, project: Project) -> str:
    return call.url(list_projects, project.workspace.slug).removesuffix("/projects")


def _of_user(call: Call, project: Project, user: User, privilege: Privilege) -> ProjectUserPermission:
    return {
        "type": "project_user_permission",
        "permission": privilege,
        "user": named_user(user),
        "project": shapes.condensed_project(project, call.host.base_url, _url(call, project)),
    }


def _of_group(call: Call, project: Project, group: Group, privilege: Privilege) -> ProjectGroupPermission:
    return {
        "type": "project_group_permission",
        "permission": privilege,
        "group": shapes.group(group, call.host.base_url, _workspace_url(call, project)),
        "project": shapes.condensed_project(project, call.host.base_url, _url(call, project)),
    }
