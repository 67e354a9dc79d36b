"""Projects, permissions and default reviewers over the wire."""

from collections.abc import Callable, Set
from typing import Annotated, Literal, NotRequired, TypedDict

import msgspec

from roadstead.api.bodies import Shape, wrong_body
from roadstead.bitbucket.workspaces.shapes import CondensedWorkspace, condensed_workspace
from roadstead.domain.people.projects import ProjectChanges
from roadstead.errors import InvalidInput
from roadstead.model import Group, Privilege, Project, User, Workspace
from roadstead.shapes.accounts import CondensedUser, NamedUser, Team, avatar_url, condensed_user, team
from roadstead.shapes.links import Link
from roadstead.shapes.moments import moment

Grantable = Literal["read", "write", "create-repo", "admin"]


class NewProject(TypedDict):
    """A project to create."""

    key: Annotated[str, msgspec.Meta(examples=["TOOLS"])]
    name: Annotated[str, msgspec.Meta(examples=["Tools"])]
    description: NotRequired[str]
    is_private: NotRequired[bool]


class ProjectUpdate(TypedDict):
    """The members of a project that change. A new project needs its name."""

    name: Annotated[str, msgspec.Meta(examples=["Tools"])]
    key: NotRequired[str]
    description: NotRequired[str]
    is_private: NotRequired[bool]


class GivenProject(msgspec.Struct):
    """A body that gives a project; what the host does not keep, such as an avatar, is not read."""

    key: str | None = None
    name: str | None = None
    description: str | None = None
    is_private: bool | None = None


class NewPermission(TypedDict):
    """The privilege to grant."""

    permission: Annotated[Grantable, msgspec.Meta(examples=["read"])]


class GivenPermission(msgspec.Struct):
    """A body that gives a privilege."""

    permission: str | None = None


def _changes(given: GivenProject) -> ProjectChanges:
    return ProjectChanges(given.key, given.name, given.description, given.is_private)


def permission(given: GivenPermission) -> str:
    """Return the privilege that a body gives. Raise `InvalidInput` if it gives none."""
    if given.permission is None:
        raise InvalidInput("Bad request", fields={"permission": "required key not provided"})
    return given.permission


NEW_PROJECT: Shape[ProjectChanges] = Shape(GivenProject, _changes, wrong_body, documented=NewProject)
PROJECT: Shape[ProjectChanges] = Shape(GivenProject, _changes, wrong_body, documented=ProjectUpdate)
PERMISSION: Shape[str] = Shape(GivenPermission, permission, wrong_body, documented=NewPermission)


class ProjectLinks(TypedDict):
    self: Link
    html: Link
    avatar: Link


class CondensedProject(TypedDict):
    """A project, as other objects contain one."""

    type: Literal["project"]
    key: str
    uuid: str
    name: str
    links: ProjectLinks


class FullLinks(ProjectLinks):
    repositories: Link


class ProjectResource(TypedDict):
    """A project of a workspace, to which repositories belong."""

    type: Literal["project"]
    key: str
    uuid: str
    name: str
    links: FullLinks
    description: str
    is_private: bool
    has_publicly_visible_repos: bool
    created_on: str
    updated_on: str
    owner: Team
    workspace: CondensedWorkspace


class GroupResource(TypedDict):
    """A group of a workspace's members."""

    type: Literal["group"]
    owner: Team
    workspace: CondensedWorkspace
    slug: str
    full_slug: str
    name: str
    default_permission: None
    email_forwarding_disabled: bool
    account_privilege: None


class ProjectUserPermission(TypedDict):
    """What is granted to a user in a project. On the cloud, too, the user has no links."""

    type: Literal["project_user_permission"]
    permission: Privilege
    user: NamedUser
    project: CondensedProject


class ProjectGroupPermission(TypedDict):
    """What is granted to a group in a project."""

    type: Literal["project_group_permission"]
    permission: Privilege
    group: GroupResource
    project: CondensedProject


class DefaultReviewer(TypedDict):
    """A user who reviews each pull request of a project."""

    type: Literal["default_reviewer"]
    reviewer_type: Literal["project"]
    user: CondensedUser


def condensed_project(project: Project, base_url: str, self_url: str) -> CondensedProject:
    """Return a project as other objects contain one."""
    html_url = f"{base_url}/{project.workspace.slug}/workspace/projects/{project.key}"
    return {
        "type": "project",
        "key": project.key,
        "uuid": project.uuid,
        "name": project.name,
        "links": {
            "self": Link(self_url),
            "html": Link(html_url),
            "avatar": Link(avatar_url(base_url, project.name)),
        },
    }


def projects(
    workspace: Workspace, base_url: str, workspace_url: str, with_public: Set[int]
) -> Callable[[Project, str], ProjectResource]:
    """Return a function that shapes a project of a workspace, given its URL. What all of them share is made once.

    `with_public` are the ids of those that have a public repository.
    """
    owner, condensed = team(workspace, base_url), condensed_workspace(workspace, base_url, workspace_url)
    # Of a group that uses this one, so that its template is not known here.
    repositories = f"{base_url}/2.0/repositories/{workspace.slug}?q=project.key="

    def shape(project: Project, self_url: str) -> ProjectResource:
        brief = condensed_project(project, base_url, self_url)
        return {
            **brief,
            "links": {**brief["links"], "repositories": Link(f'{repositories}"{project.key}"')},
            "description": project.description,
            "is_private": project.is_private,
            "has_publicly_visible_repos": project.id in with_public,
            "created_on": moment(project.created_on),
            "updated_on": moment(project.updated_on),
            "owner": owner,
            "workspace": condensed,
        }

    return shape


def group(group: Group, base_url: str, workspace_url: str) -> GroupResource:
    """Return a group."""
    workspace = group.workspace
    return {
        "type": "group",
        "owner": team(workspace, base_url),
        "workspace": condensed_workspace(workspace, base_url, workspace_url),
        "slug": group.slug,
        "full_slug": f"{workspace.slug}:{group.slug}",
        "name": group.name,
        "default_permission": None,
        "email_forwarding_disabled": False,
        "account_privilege": None,
    }


def default_reviewer(user: User, base_url: str) -> DefaultReviewer:
    """Return a default reviewer."""
    return {"type": "default_reviewer", "reviewer_type": "project", "user": condensed_user(user, base_url)}
