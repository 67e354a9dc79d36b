"""`/2.0/repositories`: repositories, their forks and watchers, what is granted in them, and the lists of that."""

from collections.abc import Sequence

from roadstead.api.answers import Answer, json_answer, no_content
from roadstead.api.eras import CROSS_WORKSPACE_LISTS
from roadstead.api.listing import Page, Partial, page_answer, shaped
from roadstead.api.needs import OpenScope, OwnScope, Scope
from roadstead.api.operation import Call
from roadstead.api.within import redirect
from roadstead.bitbucket.map import REPOSITORIES as OPERATIONS
from roadstead.bitbucket.projects.shapes import group
from roadstead.bitbucket.repositories import shapes
from roadstead.bitbucket.repositories.shapes import (
    InheritanceState,
    OfRole,
    RepositoryGroupPermission,
    RepositoryPermission,
    RepositoryResource,
    RepositoryUserPermission,
)
from roadstead.domain.people import permissions, users, workspaces
from roadstead.domain.repositories import changes, creation, lists
from roadstead.domain.repositories.access import RepositoryMoved
from roadstead.domain.repositories.changes import OverrideChanges
from roadstead.domain.repositories.creation import ForkChanges
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.errors import InvalidInput
from roadstead.listing import PageRequest, Slice
from roadstead.model import (
    OWN_PERMISSION_LIST,
    PERMISSION_IN_LIST,
    PERMISSION_LIST,
    PLAIN_LIST,
    REPOSITORY_LIST,
    REPOSITORY_ROLES,
    EffectivePermission,
    Group,
    Privilege,
    Repository,
    RepositoryRole,
    User,
)
from roadstead.shapes.accounts import CondensedUser, condensed_user, named_user
from roadstead.shapes.repositories import condensed_repository, repository_url

PUBLIC = OpenScope("repository", "read:repository:bitbucket")
READ = PUBLIC & "read"
CREATE = Scope("repository:admin", "admin:repository:bitbucket")
ADMIN = CREATE & "admin"
DELETE = Scope("repository:delete", "delete:repository:bitbucket") & "admin"
FORK = Scope("repository:write", "read:repository:bitbucket", "write:repository:bitbucket") & "read"
READ_GRANTS = Scope("repository:admin", "read:repository:bitbucket") & "admin"
CHANGE_GRANTS = Scope("repository:admin", "admin:repository:bitbucket", "write:permission:bitbucket") & "admin"
DELETE_GRANTS = Scope("repository:admin", "admin:repository:bitbucket", "delete:permission:bitbucket") & "admin"
OWN = OwnScope("account repository", "read:repository:bitbucket")
OF_ALL = Scope("account", "read:repository:bitbucket")
OF_ONE = Scope("repository", "read:repository:bitbucket") & "admin"

_REPOSITORY = "/repositories/{workspace}/{repo_slug}"
_USERS = f"{_REPOSITORY}/permissions-config/users"
_USER = f"{_USERS}/{{selected_user_id}}"
_GROUPS = f"{_REPOSITORY}/permissions-config/groups"
_GROUP = f"{_GROUPS}/{{group_slug}}"


@OPERATIONS.get(
    "/repositories",
    needs=PUBLIC,
    lists=REPOSITORY_LIST,
    query=OfRole,
    gives={200: Page[RepositoryResource]},
    removed=CROSS_WORKSPACE_LISTS,
)
async def list_all_repositories(call: Call, wanted: PageRequest) -> Answer:
    """List the repositories of all workspaces that the caller sees."""
    return await _list_of(call, None, wanted)


@OPERATIONS.get(
    "/repositories/{workspace}",
    needs=PUBLIC,
    lists=REPOSITORY_LIST,
    query=OfRole,
    gives={200: Page[RepositoryResource]},
)
async def list_repositories(call: Call, wanted: PageRequest) -> Answer:
    """List the repositories of a workspace that the caller sees."""
    return await _list_of(call, call.path["workspace"], wanted)


@OPERATIONS.get(_REPOSITORY, needs=READ, query=Partial, gives={200: RepositoryResource})
async def get_repository(call: Call) -> Answer:
    """Return a repository. An earlier name of it is a redirect."""
    return shaped(call, await _resource(call, call.repository))


@OPERATIONS.post(_REPOSITORY, needs=CREATE, takes=shapes.REPOSITORY, gives={200: RepositoryResource})
async def create_repository(call: Call, given: RepositoryChanges) -> Answer:
    """Create an empty repository. Without a project it is in the oldest of the workspace, whose privacy it has."""
    made = await creation.create_repository(
        call.host, call.identity, call.path["workspace"], call.path["repo_slug"], given
    )
    return json_answer(await _resource(call, made), headers={"Location": _url(call, made)})


@OPERATIONS.put(
    _REPOSITORY,
    needs=CREATE,
    takes=shapes.REPOSITORY,
    gives={200: RepositoryResource, 201: RepositoryResource, 308: None},
)
async def put_repository(call: Call, given: RepositoryChanges) -> Answer:
    """Change a repository, or create one with that slug. A new name is a new slug: `Location` is where it is then."""
    slug: str = call.path["repo_slug"]
    try:
        after, before = await changes.put_repository(call.host, call.identity, call.path["workspace"], slug, given)
    except RepositoryMoved as moved:
        return redirect(call, moved.repository, put_repository.template)
    has_moved = before is None or before.slug != after.slug
    headers = {"Location": _url(call, after)} if has_moved else {}
    return json_answer(await _resource(call, after), 201 if before is None else 200, headers=headers)


@OPERATIONS.delete(_REPOSITORY, needs=DELETE, gives={204: None})
async def delete_repository(call: Call) -> Answer:
    """Delete a repository. Its forks stay."""
    await changes.delete_repository(call.host, call.identity, call.repository)
    return no_content()


@OPERATIONS.get(
    f"{_REPOSITORY}/forks",
    needs=READ,
    lists=REPOSITORY_LIST,
    query=OfRole,
    gives={200: Page[RepositoryResource]},
)
async def list_forks(call: Call, wanted: PageRequest) -> Answer:
    """List the forks of a repository that the caller sees."""
    page = await lists.page_of_forks(call.host, call.identity, call.repository, wanted, _role(call))
    return page_answer(call, page.of(_resources(call, page.items)))


@OPERATIONS.post(f"{_REPOSITORY}/forks", needs=FORK, takes=shapes.FORK, gives={201: RepositoryResource})
async def fork_repository(call: Call, given: ForkChanges) -> Answer:
    """Fork a repository. What the body does not give is as in the parent; in its workspace, a fork needs a name."""
    made = await creation.fork_repository(call.host, call.identity, call.repository, given)
    return json_answer(await _resource(call, made), 201, headers={"Location": _url(call, made)})


@OPERATIONS.get(f"{_REPOSITORY}/watchers", needs=READ, lists=PLAIN_LIST, gives={200: Page[CondensedUser]})
async def list_watchers(call: Call, wanted: PageRequest) -> Answer:
    """List the users who watch a repository: its creator does."""
    page = await lists.page_of_watchers(call.host, call.repository, wanted)
    return page_answer(call, page.of([condensed_user(one, call.host.base_url) for one in page.items]))


@OPERATIONS.get(f"{_REPOSITORY}/override-settings", needs=ADMIN, query=Partial, gives={200: InheritanceState})
async def get_override_settings(call: Call) -> Answer:
    """Return which settings are the repository's, not its project's."""
    return shaped(call, shapes.inheritance_state(call.repository))


@OPERATIONS.put(f"{_REPOSITORY}/override-settings", needs=ADMIN, takes=shapes.OVERRIDES, gives={204: None})
async def put_override_settings(call: Call, given: OverrideChanges) -> Answer:
    """Say which settings are the repository's, not its project's."""
    await changes.change_overrides(call.host, call.identity, call.repository, given)
    return no_content()


# Permissions of users


@OPERATIONS.get(_USERS, needs=READ_GRANTS, lists=PLAIN_LIST, gives={200: Page[RepositoryUserPermission]})
async def list_user_permissions(call: Call, wanted: PageRequest) -> Answer:
    """List what is granted to users in a repository, not to groups. No access token may read it."""
    workspaces.refuse_access_tokens(call.identity)
    page = await permissions.page_of_users(call.host, call.repository, wanted)
    return page_answer(call, page.of([_of_user(call, *one) for one in page.items]))


@OPERATIONS.get(_USER, needs=READ_GRANTS, query=Partial, gives={200: RepositoryUserPermission})
async def get_user_permission(call: Call) -> Answer:
    """Return what is granted to a user in a repository, by UUID in braces or account id."""
    workspaces.refuse_access_tokens(call.identity)
    user = await _user(call)
    return shaped(call, _of_user(call, user, await permissions.privilege_of(call.host, call.repository, user)))


@OPERATIONS.put(
    _USER,
    needs=CHANGE_GRANTS,
    takes=shapes.PERMISSION,
    gives={200: RepositoryUserPermission},
)
async def put_user_permission(call: Call, permission: str) -> Answer:
    """Grant a privilege to a member who is no owner. Only a person may."""
    permissions.refuse_apps(call.identity)
    user = await _user(call)
    privilege = permissions.grantable(permission, call.repository)
    await permissions.grant(call.host, call.identity, call.repository, user, privilege)
    return json_answer(_of_user(call, user, privilege))


@OPERATIONS.delete(_USER, needs=DELETE_GRANTS, gives={204: None})
async def delete_user_permission(call: Call) -> Answer:
    """Take back what is granted to a user, if anything is. Only a person may."""
    permissions.refuse_apps(call.identity)
    await permissions.take_back(call.host, call.identity, call.repository, await _user(call))
    return no_content()


# Permissions of groups


@OPERATIONS.get(_GROUPS, needs=READ_GRANTS, lists=PLAIN_LIST, gives={200: Page[RepositoryGroupPermission]})
async def list_group_permissions(call: Call, wanted: PageRequest) -> Answer:
    """List what is granted to groups in a repository."""
    workspaces.refuse_access_tokens(call.identity)
    page = await permissions.page_of_groups(call.host, call.repository, wanted)
    return page_answer(call, page.of([_of_group(call, *one) for one in page.items]))


@OPERATIONS.get(_GROUP, needs=READ_GRANTS, query=Partial, gives={200: RepositoryGroupPermission})
async def get_group_permission(call: Call) -> Answer:
    """Return what is granted to a group in a repository."""
    workspaces.refuse_access_tokens(call.identity)
    found = await _group(call)
    return shaped(call, _of_group(call, found, await permissions.privilege_of(call.host, call.repository, found)))


@OPERATIONS.put(_GROUP, needs=CHANGE_GRANTS, takes=shapes.PERMISSION, gives={200: RepositoryGroupPermission})
async def put_group_permission(call: Call, permission: str) -> Answer:
    """Grant a privilege to a group. Only a person may."""
    permissions.refuse_apps(call.identity)
    found = await _group(call)
    privilege = permissions.grantable(permission, call.repository)
    await permissions.grant(call.host, call.identity, call.repository, found, privilege)
    return json_answer(_of_group(call, found, privilege))


@OPERATIONS.delete(_GROUP, needs=DELETE_GRANTS, gives={204: None})
async def delete_group_permission(call: Call) -> Answer:
    """Take back what is granted to a group, if anything is. Only a person may."""
    permissions.refuse_apps(call.identity)
    await permissions.take_back(call.host, call.identity, call.repository, await _group(call))
    return no_content()


# The highest privileges


@OPERATIONS.get(
    "/user/permissions/repositories",
    needs=OWN,
    lists=OWN_PERMISSION_LIST,
    gives={200: Page[RepositoryPermission]},
    removed=CROSS_WORKSPACE_LISTS,
)
async def list_own_permissions(call: Call, wanted: PageRequest) -> Answer:
    """List the repositories in which something was granted to the user, and the highest privilege there."""
    page = await lists.page_of_own_permissions(call.host, call.identity, None, wanted)
    return _permissions(call, page)


@OPERATIONS.get(
    "/user/workspaces/{workspace}/permissions/repositories",
    needs=OWN,
    lists=OWN_PERMISSION_LIST,
    gives={200: Page[RepositoryPermission]},
)
async def list_own_permissions_in(call: Call, wanted: PageRequest) -> Answer:
    """List the repositories of a workspace in which something was granted to the user, and the highest privilege."""
    page = await lists.page_of_own_permissions(call.host, call.identity, call.path["workspace"], wanted)
    return _permissions(call, page)


@OPERATIONS.get(
    "/workspaces/{workspace}/permissions/repositories",
    needs=OF_ALL,
    lists=PERMISSION_LIST,
    gives={200: Page[RepositoryPermission]},
)
async def list_permissions(call: Call, wanted: PageRequest) -> Answer:
    """List the highest privilege of each user in each repository of a workspace, for those who administer it."""
    page = await lists.page_of_permissions(call.host, call.identity, call.path["workspace"], wanted)
    return _permissions(call, page)


@OPERATIONS.get(
    "/workspaces/{workspace}/permissions/repositories/{repo_slug}",
    needs=OF_ONE,
    lists=PERMISSION_IN_LIST,
    gives={200: Page[RepositoryPermission]},
)
async def list_permissions_in(call: Call, wanted: PageRequest) -> Answer:
    """List the highest privilege of each user in a repository, for those who administer it."""
    page = await lists.page_of_permissions_in(call.host, call.identity, call.repository, wanted)
    return _permissions(call, page)


def _permissions(call: Call, page: Slice[EffectivePermission]) -> Answer:
    return page_answer(call, page.of([_permission(call, one) for one in page.items]))


def _permission(call: Call, one: EffectivePermission) -> RepositoryPermission:
    return {
        "type": "repository_permission",
        "user": condensed_user(one.user, call.host.base_url),
        "repository": condensed_repository(one.repository, call.host.base_url),
        "permission": one.permission,
    }


async def _list_of(call: Call, workspace: str | None, wanted: PageRequest) -> Answer:
    page = await lists.page_of_repositories(call.host, call.identity, workspace, wanted, _role(call))
    return page_answer(call, page.of(_resources(call, page.items)))


def _role(call: Call) -> RepositoryRole | None:
    """Return the role that the list is narrowed to. Raise `InvalidInput`."""
    given = call.query.get("role")
    role = next((one for one in REPOSITORY_ROLES if one == given), None)
    if given and role is None:
        choices = ", ".join(REPOSITORY_ROLES)
        raise InvalidInput(f"`role` must be one of: {choices}.", fields={"role": ["Not one of these."]})
    return role


async def _user(call: Call) -> User:
    return await users.get_account(call.host, call.path["selected_user_id"])


async def _group(call: Call) -> Group:
    return await permissions.find_group(call.host, call.repository, call.path["group_slug"])


async def _resource(call: Call, repository: Repository) -> RepositoryResource:
    return _resources(call, [await lists.with_seen_parent(call.host, call.identity, repository)])[0]


def _resources(call: Call, found: Sequence[Repository]) -> list[RepositoryResource]:
    user = call.identity.user
    username = user.username if user is not None and user.kind == "user" else None
    return list(map(shapes.repositories(call.host.base_url, username, call.host.settings.ssh_url), found))


def _url(call: Call, repository: Repository) -> str:
    return repository_url(repository, call.host.base_url)


def _of_user(call: Call, user: User, privilege: Privilege) -> RepositoryUserPermission:
    return {
        "type": "repository_user_permission",
        "permission": privilege,
        "user": named_user(user),
        "repository": condensed_repository(call.repository, call.host.base_url),
    }


def _of_group(call: Call, found: Group, privilege: Privilege) -> RepositoryGroupPermission:
    return {
        "type": "repository_group_permission",
        "permission": privilege,
        "group": group(found, call.host.base_url, shapes.workspace_url(call.host.base_url, found.workspace)),
        "repository": condensed_repository(call.repository, call.host.base_url),
    }
