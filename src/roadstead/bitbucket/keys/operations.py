"""Public keys for SSH: `/2.0/users/{selected_user}/ssh-keys`, and the `deploy-keys` of repositories and projects."""

from roadstead.api.answers import Answer, json_answer, no_content
from roadstead.api.listing import Page, Partial, page_answer, shaped
from roadstead.api.needs import OwnScope, Scope
from roadstead.api.operation import Call
from roadstead.bitbucket.keys import shapes
from roadstead.bitbucket.keys.shapes import (
    DeployKeyResource,
    Expiry,
    GivenKey,
    ProjectDeployKeyResource,
    SshKeyResource,
)
from roadstead.bitbucket.map import DEPLOY_KEYS, PROJECT_KEYS
from roadstead.bitbucket.map import SSH_KEYS as OPERATIONS
from roadstead.domain.access import deploy_keys, ssh_keys
from roadstead.domain.people import privileges, users
from roadstead.errors import WrongCredential
from roadstead.listing import PageRequest
from roadstead.model import Place, Project, User
from roadstead.model.keys import DEPLOY_KEY_LIST, SSH_KEY_LIST, DeployKey, SshKey

READ = OwnScope("account", "read:ssh-key:bitbucket")
WRITE = OwnScope("account:write", "read:ssh-key:bitbucket", "write:ssh-key:bitbucket")
DELETE = OwnScope("account:write", "delete:ssh-key:bitbucket")
READ_DEPLOY = Scope("repository:admin", "admin:repository:bitbucket") & "admin"
WRITE_DEPLOY = Scope("repository:admin", "admin:repository:bitbucket", "write:ssh-key:bitbucket") & "admin"
DELETE_DEPLOY = Scope("repository:admin", "admin:repository:bitbucket", "delete:ssh-key:bitbucket") & "admin"
READ_PROJECT = Scope("project:admin", "admin:project:bitbucket")
WRITE_PROJECT = Scope("project:admin", "admin:project:bitbucket", "write:ssh-key:bitbucket")
DELETE_PROJECT = Scope("project:admin", "admin:project:bitbucket", "delete:ssh-key:bitbucket")

_KEY = "/{key_id:int}"


# Of users


@OPERATIONS.get(needs=READ, lists=SSH_KEY_LIST, gives={200: Page[SshKeyResource]})
async def list_ssh_keys(call: Call, wanted: PageRequest) -> Answer:
    """List the caller's SSH keys."""
    page = await ssh_keys.page_of_keys(call.host, await _caller(call), wanted)
    return page_answer(call, page.of([_ssh_key(call, key) for key in page.items]))


@OPERATIONS.post(needs=WRITE, takes=shapes.NEW_KEY, query=Expiry, gives={201: SshKeyResource})
async def add_ssh_key(call: Call, given: GivenKey) -> Answer:
    """Add an SSH key of the caller. A key that another account has is a 400."""
    user, expires_on = await _caller(call), shapes.expiry(call.query.get("expires_on"))
    label, actor = given.label or "", f"user {user.username}"
    key = await ssh_keys.add_key(call.host, user, given.key or "", label=label, expires_on=expires_on, actor=actor)
    resource = _ssh_key(call, key)
    return json_answer(resource, 201, headers={"Location": resource["links"]["self"].href})


@OPERATIONS.get("/{key_id}", needs=READ, query=Partial, gives={200: SshKeyResource})
async def get_ssh_key(call: Call) -> Answer:
    """Return an SSH key of the caller, by UUID."""
    return shaped(call, _ssh_key(call, await _own_key(call)))


@OPERATIONS.put("/{key_id}", needs=WRITE, takes=shapes.KEY, gives={200: SshKeyResource})
async def put_ssh_key(call: Call, given: GivenKey) -> Answer:
    """Change the label and the comment of an SSH key. Another key is a 400."""
    key = await _own_key(call)
    ssh_keys.expect_same(key.fingerprint, given.key)
    return json_answer(_ssh_key(call, await ssh_keys.change_key(call.host, key, given.label, given.comment)))


@OPERATIONS.delete("/{key_id}", needs=DELETE, gives={204: None})
async def delete_ssh_key(call: Call) -> Answer:
    """Remove an SSH key, with which no one connects any more."""
    key = await _own_key(call)
    await ssh_keys.remove_key(call.host, key, actor=f"user {key.user.username}")
    return no_content()


async def _own_key(call: Call) -> SshKey:
    return await ssh_keys.find_key(call.host, await _caller(call), call.path["key_id"])


async def _caller(call: Call) -> User:
    """Return the user of the address, who must be the caller. Raise `NotFound` and `WrongCredential`."""
    user = await users.get_account(call.host, call.path["selected_user"])
    if call.identity.user is None or call.identity.user.id != user.id:
        raise WrongCredential("You may manage only your own SSH keys.")
    return user


def _ssh_key(call: Call, key: SshKey) -> SshKeyResource:
    return shapes.ssh_key(key, call.host.base_url, call.url(get_ssh_key, key.user.uuid, key.uuid))


# Of repositories


@DEPLOY_KEYS.get(needs=READ_DEPLOY, lists=DEPLOY_KEY_LIST, gives={200: Page[DeployKeyResource]})
async def list_deploy_keys(call: Call, wanted: PageRequest) -> Answer:
    """List the deploy keys of a repository, but not those of its project."""
    page = await deploy_keys.page_of_keys(call.host, call.repository, wanted)
    return page_answer(call, page.of([_deploy_key(call, key) for key in page.items]))


@DEPLOY_KEYS.post(needs=WRITE_DEPLOY, takes=shapes.NEW_KEY, gives={200: DeployKeyResource})
async def add_deploy_key(call: Call, given: GivenKey) -> Answer:
    """Add a deploy key, which reads the repository."""
    return json_answer(_deploy_key(call, await _add(call, call.repository, given)))


@DEPLOY_KEYS.get(_KEY, needs=READ_DEPLOY, query=Partial, gives={200: DeployKeyResource})
async def get_deploy_key(call: Call) -> Answer:
    """Return a deploy key of a repository."""
    return shaped(call, _deploy_key(call, await deploy_keys.find_key(call.host, call.repository, call.path["key_id"])))


@DEPLOY_KEYS.put(_KEY, needs=WRITE_DEPLOY, takes=shapes.DEPLOY_KEY, gives={200: DeployKeyResource})
async def put_deploy_key(call: Call, given: GivenKey) -> Answer:
    """Change the label and the comment of a deploy key. Another key is a 400."""
    host, identity, place = call.host, call.identity, call.repository
    key = await deploy_keys.find_key(host, place, call.path["key_id"])
    return json_answer(
        _deploy_key(call, await deploy_keys.change_key(host, identity, place, key, given.key, given.label))
    )


@DEPLOY_KEYS.delete(_KEY, needs=DELETE_DEPLOY, gives={204: None})
async def delete_deploy_key(call: Call) -> Answer:
    """Remove a deploy key, with which nothing connects any more."""
    await deploy_keys.remove_key(call.host, call.identity, call.repository, call.path["key_id"])
    return no_content()


def _deploy_key(call: Call, key: DeployKey) -> DeployKeyResource:
    place = call.repository
    url = call.url(get_deploy_key, place.workspace.slug, place.slug, key.id)
    return shapes.deploy_key(key, place, call.host.base_url, url)


# Of projects


@PROJECT_KEYS.get(needs=READ_PROJECT, lists=DEPLOY_KEY_LIST, gives={200: Page[ProjectDeployKeyResource]})
async def list_project_keys(call: Call, wanted: PageRequest) -> Answer:
    """List the deploy keys of a project."""
    project = await _project(call)
    page = await deploy_keys.page_of_keys(call.host, project, wanted)
    return page_answer(call, page.of([_project_key(call, project, key) for key in page.items]))


@PROJECT_KEYS.post(needs=WRITE_PROJECT, takes=shapes.NEW_KEY, gives={200: ProjectDeployKeyResource})
async def add_project_key(call: Call, given: GivenKey) -> Answer:
    """Add a deploy key, which reads the repositories of the project."""
    project = await _project(call)
    return json_answer(_project_key(call, project, await _add(call, project, given)))


@PROJECT_KEYS.get(_KEY, needs=READ_PROJECT, query=Partial, gives={200: ProjectDeployKeyResource})
async def get_project_key(call: Call) -> Answer:
    """Return a deploy key of a project."""
    project = await _project(call)
    key = await deploy_keys.find_key(call.host, project, call.path["key_id"])
    return shaped(call, _project_key(call, project, key))


@PROJECT_KEYS.delete(_KEY, needs=DELETE_PROJECT, gives={204: None})
async def delete_project_key(call: Call) -> Answer:
    """Remove a deploy key of a project, with which nothing connects any more."""
    await deploy_keys.remove_key(call.host, call.identity, await _project(call), call.path["key_id"])
    return no_content()


async def _project(call: Call) -> Project:
    path = call.path
    return await privileges.find_project(call.host, call.identity, path["workspace"], path["project_key"], "admin")


async def _add(call: Call, place: Place, given: GivenKey) -> DeployKey:
    return await deploy_keys.add_key(call.host, call.identity, place, given.key or "", given.label or "")


def _project_key(call: Call, project: Project, key: DeployKey) -> ProjectDeployKeyResource:
    place = (project.workspace.slug, project.key)
    url = call.url(get_project_key, *place, key.id)
    project_url = url.rpartition("/deploy-keys")[0]
    return shapes.project_key(key, project, call.host.base_url, url, project_url)
