"""Repositories and what is granted in them over the wire."""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal, NotRequired, TypedDict

import msgspec

from roadstead.api.bodies import Shape, wrong_body
from roadstead.bitbucket.projects.shapes import (
    CondensedProject,
    GivenPermission,
    GroupResource,
    condensed_project,
    permission,
)
from roadstead.bitbucket.workspaces.shapes import CondensedWorkspace, condensed_workspace
from roadstead.domain.repositories.changes import OverrideChanges
from roadstead.domain.repositories.clone_addresses import Protocol, clone_addresses
from roadstead.domain.repositories.creation import ForkChanges
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.errors import InvalidInput
from roadstead.model import ForkPolicy, Privilege, Repository, RepositoryRole, Workspace
from roadstead.shapes.accounts import CondensedUser, NamedUser, Team, team
from roadstead.shapes.links import Link
from roadstead.shapes.moments import moment
from roadstead.shapes.repositories import CondensedRepository, RepositoryBriefLinks, condensed_repository


class OfRole(TypedDict, total=False):
    """The parameter that chooses repositories by what the caller may do there."""

    role: Annotated[RepositoryRole, msgspec.Meta(description="The least that the caller was granted there.")]


class NamedProject(TypedDict, total=False):
    """A project, by its key or UUID."""

    key: Annotated[str, msgspec.Meta(examples=["TOOLS"])]
    uuid: str


class NamedBranch(TypedDict):
    """A branch that exists."""

    name: str


class GivenMembers(TypedDict, total=False):
    """The members of a repository to create or to change; those that the host does not keep are not read."""

    name: str
    description: str
    is_private: bool
    fork_policy: ForkPolicy
    language: str
    has_issues: bool
    has_wiki: bool
    website: str | None
    project: NamedProject
    mainbranch: NamedBranch


class NamedWorkspace(TypedDict, total=False):
    """A workspace, by its slug or UUID."""

    slug: str
    uuid: str


class ForkMembers(GivenMembers, total=False):
    """The members of a fork that differ from its parent's. Without a workspace, it is in that of its parent."""

    workspace: NamedWorkspace


class NewRepositoryPermission(TypedDict):
    """The privilege to grant."""

    permission: Annotated[Literal["read", "write", "admin"], msgspec.Meta(examples=["read"])]


class _Named(msgspec.Struct):
    name: str | None = None
    key: str | None = None
    slug: str | None = None
    uuid: str | None = None


class GivenRepository(msgspec.Struct):
    """A body that gives a repository."""

    scm: str | None = None
    name: str | None = None
    description: str | None = None
    is_private: bool | None = None
    fork_policy: str | None = None
    language: str | None = None
    has_issues: bool | None = None
    has_wiki: bool | None = None
    website: str | msgspec.UnsetType | None = msgspec.UNSET
    project: _Named | None = None
    mainbranch: _Named | None = None


class GivenFork(GivenRepository):
    """A body that gives a fork."""

    workspace: _Named | None = None


def _changes(given: GivenRepository | None) -> RepositoryChanges:
    if given is None:
        return RepositoryChanges()
    if given.scm not in (None, "git"):
        raise InvalidInput("Bad request", fields={"scm": "Only git is hosted here."})
    members = {name: getattr(given, name) for name in RepositoryChanges.__match_args__}
    members["project"] = given.project and (given.project.key or given.project.uuid)
    members["mainbranch"] = given.mainbranch and given.mainbranch.name
    members["website"] = None if given.website is msgspec.UNSET else given.website or ""
    return RepositoryChanges(**members)


def _fork(given: GivenFork | None) -> ForkChanges:
    workspace = None if given is None else given.workspace
    return ForkChanges(_changes(given), None if workspace is None else workspace.slug or workspace.uuid)


class _GivenSettings(msgspec.Struct):
    default_merge_strategy: bool | None = None
    branching_model: bool | None = None


class GivenState(msgspec.Struct):
    """A body that says which settings are the repository's."""

    override_settings: _GivenSettings | None = None


def _settings(given: GivenState | None) -> OverrideChanges:
    settings = given and given.override_settings
    return OverrideChanges() if settings is None else OverrideChanges(*msgspec.structs.astuple(settings))


REPOSITORY: Shape[RepositoryChanges] = Shape(
    GivenRepository | None, _changes, wrong_body, documented=GivenMembers | None
)
OVERRIDES: Shape[OverrideChanges] = Shape(GivenState | None, _settings, wrong_body)
PERMISSION: Shape[str] = Shape(GivenPermission, permission, wrong_body, documented=NewRepositoryPermission)
FORK: Shape[ForkChanges] = Shape(GivenFork | None, _fork, wrong_body, documented=ForkMembers | None)


class NamedLink(TypedDict):
    name: Protocol
    href: str


class RepositoryLinks(RepositoryBriefLinks):
    pullrequests: Link
    commits: Link
    forks: Link
    watchers: Link
    branches: Link
    tags: Link
    downloads: Link
    source: Link
    hooks: Link
    clone: list[NamedLink]
    issues: NotRequired[Link]


class MainBranch(TypedDict):
    name: str
    type: Literal["branch"]


class OverrideSettings(TypedDict):
    """Which settings are the repository's, not its project's."""

    default_merge_strategy: bool
    branching_model: bool


class RepositoryResource(TypedDict):
    """A repository of a project."""

    type: Literal["repository"]
    full_name: str
    links: RepositoryLinks
    name: str
    slug: str
    description: str
    scm: Literal["git"]
    website: str | None
    owner: Team
    workspace: CondensedWorkspace
    is_private: bool
    project: CondensedProject
    fork_policy: ForkPolicy
    created_on: str
    updated_on: str
    size: int
    language: str
    uuid: str
    mainbranch: MainBranch | None
    override_settings: OverrideSettings
    parent: CondensedRepository | None
    enforced_signed_commits: None
    has_issues: bool
    has_wiki: bool


class RepositoryUserPermission(TypedDict):
    """What is granted to a user in a repository. On the cloud, too, the user has no links."""

    type: Literal["repository_user_permission"]
    permission: Privilege
    user: NamedUser
    repository: CondensedRepository


class RepositoryGroupPermission(TypedDict):
    """What is granted to a group in a repository."""

    type: Literal["repository_group_permission"]
    permission: Privilege
    group: GroupResource
    repository: CondensedRepository


class RepositoryPermission(TypedDict):
    """The highest privilege that a user has in a repository."""

    type: Literal["repository_permission"]
    user: CondensedUser
    repository: CondensedRepository
    permission: Privilege


class InheritanceState(TypedDict):
    """Which settings are the repository's, not its project's."""

    type: Literal["repository_inheritance_state"]
    override_settings: OverrideSettings


class AnnouncedRepository(CondensedRepository):
    """A repository, as payloads of events contain one."""

    scm: Literal["git"]
    website: str | None
    owner: Team
    workspace: CondensedWorkspace
    is_private: bool
    project: CondensedProject
    parent: CondensedRepository | None


def workspace_url(base_url: str, workspace: Workspace) -> str:
    """Return the address of a workspace, which is of a group that this one does not know."""
    return f"{base_url}/2.0/workspaces/{workspace.slug}"


def repositories(
    base_url: str, username: str | None, ssh_url: str | None
) -> Callable[[Repository], RepositoryResource]:
    """Return a function that shapes a repository.

    What all repositories of a workspace share is made once. `username` is the caller's, for the URL to clone from, and
    `ssh_url` where git is served over SSH, if it is.
    """
    shared: dict[int, tuple[Team, CondensedWorkspace]] = {}

    def shape(repository: Repository) -> RepositoryResource:
        workspace, parent = repository.workspace, repository.parent
        brief = condensed_repository(repository, base_url)
        addresses = clone_addresses(repository.full_name, base_url, ssh_url, username)
        if workspace.id not in shared:
            url = workspace_url(base_url, workspace)
            shared[workspace.id] = team(workspace, base_url), condensed_workspace(workspace, base_url, url)
        owner, condensed = shared[workspace.id]
        project_url = f"{workspace_url(base_url, workspace)}/projects/{repository.project.key}"
        return {
            **brief,
            "links": _links(repository, brief["links"], addresses),
            "slug": repository.slug,
            "description": repository.description,
            "scm": "git",
            "website": repository.website,
            "owner": owner,
            "workspace": condensed,
            "is_private": repository.is_private,
            "project": condensed_project(repository.project, base_url, project_url),
            "fork_policy": repository.fork_policy,
            "created_on": moment(repository.created_on),
            "updated_on": moment(repository.updated_on),
            "size": repository.size,
            "language": repository.language,
            "mainbranch": None if repository.mainbranch is None else {"name": repository.mainbranch, "type": "branch"},
            "override_settings": override_settings(repository),
            "parent": None if parent is None else condensed_repository(parent, base_url),
            "enforced_signed_commits": None,
            "has_issues": repository.has_issues,
            "has_wiki": repository.has_wiki,
        }

    return shape


def announced_repository(repository: Repository, base_url: str) -> AnnouncedRepository:
    """Return a repository as payloads of events contain one."""
    workspace, project = repository.workspace, repository.project
    url = workspace_url(base_url, workspace)
    parent = repository.parent
    return {
        **condensed_repository(repository, base_url),
        "scm": "git",
        "website": repository.website,
        "owner": team(workspace, base_url),
        "workspace": condensed_workspace(workspace, base_url, url),
        "is_private": repository.is_private,
        "project": condensed_project(project, base_url, f"{url}/projects/{project.key}"),
        "parent": None if parent is None else condensed_repository(parent, base_url),
    }


def _links(repository: Repository, brief: RepositoryBriefLinks, addresses: Mapping[Protocol, str]) -> RepositoryLinks:
    """Return the links of a repository. Groups that use this one have most of these addresses."""
    url = brief["self"].href
    links: RepositoryLinks = {
        "self": brief["self"],
        "html": brief["html"],
        "avatar": brief["avatar"],
        "pullrequests": Link(f"{url}/pullrequests"),
        "commits": Link(f"{url}/commits"),
        "forks": Link(f"{url}/forks"),
        "watchers": Link(f"{url}/watchers"),
        "branches": Link(f"{url}/refs/branches"),
        "tags": Link(f"{url}/refs/tags"),
        "downloads": Link(f"{url}/downloads"),
        "source": Link(f"{url}/src"),
        "hooks": Link(f"{url}/hooks"),
        "clone": [{"name": name, "href": address} for name, address in addresses.items()],
    }
    if repository.has_issues:
        links["issues"] = Link(f"{url}/issues")
    return links


def override_settings(repository: Repository) -> OverrideSettings:
    """Return which settings are the repository's, not its project's."""
    return {
        "default_merge_strategy": repository.own_merge_strategy,
        "branching_model": repository.own_branching_model,
    }


def inheritance_state(repository: Repository) -> InheritanceState:
    """Return which settings are the repository's, not its project's, as an answer of its own."""
    return {"type": "repository_inheritance_state", "override_settings": override_settings(repository)}
