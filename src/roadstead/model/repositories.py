"""Projects, repositories, and who has which permission in them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

import msgspec

from roadstead.listing import Field, Listing
from roadstead.model.people import OF_USER, Privilege, User, Workspace


class Project(msgspec.Struct, frozen=True, gc=False):
    """A project of a workspace, to which repositories belong."""

    id: int
    workspace: Workspace
    uuid: str
    key: str
    name: str
    description: str
    created_on: datetime
    updated_on: datetime
    is_private: bool


PROJECT_LIST = Listing(
    Field("id", int, "p.id", unique=True, queryable=False),
    Field("uuid", str, "p.uuid", unique=True),
    Field("key", str, "p.key"),
    Field("name", str, "p.name"),
    Field("description", str, "p.description"),
    Field("created_on", datetime, "p.created_on"),
    Field("updated_on", datetime, "p.updated_on"),
    Field("is_private", bool, "(p.private = 1)"),
    order="id",
)

ForkPolicy = Literal["allow_forks", "no_public_forks", "no_forks"]

FORK_POLICIES: tuple[ForkPolicy, ...] = get_args(ForkPolicy)


class BriefRepository(msgspec.Struct, frozen=True, gc=False):
    """A repository, as other objects show it."""

    id: int
    workspace_slug: str
    slug: str
    uuid: str
    name: str
    is_private: bool

    @property
    def full_name(self) -> str:
        """Return the slugs of the workspace and the repository."""
        return f"{self.workspace_slug}/{self.slug}"


class Repository(msgspec.Struct, frozen=True, gc=False):
    """A repository of a project. `uuid` is written with its braces. One without commits has no `mainbranch`.

    `own_merge_strategy` and `own_branching_model` say that these settings are the repository's, not its project's.
    `pushes` grows with each push, so that what was read before is told from what is there now.
    """

    id: int
    workspace: Workspace
    project: Project
    uuid: str
    slug: str
    name: str
    description: str
    is_private: bool
    fork_policy: ForkPolicy
    language: str
    has_issues: bool
    has_wiki: bool
    website: str | None
    mainbranch: str | None
    size: int
    own_merge_strategy: bool
    own_branching_model: bool
    created_on: datetime
    updated_on: datetime
    parent: BriefRepository | None = None
    pushes: int = 0

    @property
    def full_name(self) -> str:
        """Return the slugs of the workspace and the repository."""
        return f"{self.workspace.slug}/{self.slug}"


_OF_REPOSITORY = {
    "uuid": "r.uuid",
    "name": "r.name",
    "slug": "r.slug",
    "full_name": "(w.slug || '/' || r.slug)",
}

REPOSITORY_LIST = Listing(
    Field("id", int, "r.id", unique=True, queryable=False),
    *(Field(name, str, column) for name, column in _OF_REPOSITORY.items()),
    Field("description", str, "r.description"),
    Field("is_private", bool, "(r.is_private = 1)"),
    Field("language", str, "r.language"),
    Field("website", str, "r.website"),
    Field("has_issues", bool, "(r.has_issues = 1)"),
    Field("has_wiki", bool, "(r.has_wiki = 1)"),
    Field("mainbranch.name", str, "r.mainbranch"),
    Field("fork_policy", str, "r.fork_policy"),
    Field("size", int, "r.size"),
    Field("scm", str, always="git"),
    Field("created_on", datetime, "r.created_on"),
    Field("updated_on", datetime, "r.updated_on"),
    Field("project.key", str, "p.key"),
    Field("project.name", str, "p.name"),
    Field("project.uuid", str, "p.uuid"),
    Field("workspace.slug", str, "w.slug"),
    Field("workspace.uuid", str, "w.uuid"),
    Field("workspace.name", str, "w.name"),
    order="id",
)

RepositoryRole = Literal["member", "contributor", "admin", "owner"]
"""What a list of repositories can be narrowed to: the least that a caller may do there; an owner has its workspace."""

REPOSITORY_ROLES: tuple[RepositoryRole, ...] = get_args(RepositoryRole)

Place = Project | Repository
"""What privileges are granted in."""


class Reach(msgspec.Struct, frozen=True):
    """The repositories in which a caller may have a privilege, beside the public ones, which everyone reads.

    A caller administers all repositories within the limits that are given, and with a `user_id` has what was granted to
    this user in them.
    """

    user_id: int | None = None
    workspace_id: int | None = None
    project_id: int | None = None
    repository_id: int | None = None
    repository_uuid: str | None = None


PERMISSION_RANK = "(CASE x.permission WHEN 'read' THEN '1' WHEN 'write' THEN '2' ELSE '3' END)"
"""By which permissions are sorted: each includes those before it."""

_EFFECTIVE = (
    *(Field(f"repository.{name}", str, column) for name, column in _OF_REPOSITORY.items()),
    Field("permission", str, "x.permission", order_column=PERMISSION_RANK, filled=True),
)

OWN_PERMISSION_LIST = Listing(Field("id", int, "r.id", unique=True, queryable=False), *_EFFECTIVE, order="id")

PERMISSION_LIST = Listing(
    Field("id", str, "(x.repository_id || '-' || x.user_id)", unique=True, queryable=False),
    *_EFFECTIVE,
    *OF_USER,
    order="id",
)

PERMISSION_IN_LIST = Listing(Field("id", int, "u.id", unique=True, queryable=False), *_EFFECTIVE, *OF_USER, order="id")


@dataclass(frozen=True, slots=True)
class EffectivePermission:
    """The highest privilege that a user was granted in a repository, in any way."""

    user: User
    repository: BriefRepository
    permission: Privilege


class LocalCommit(msgspec.Struct, frozen=True):
    """A commit of a user's own repository, its text without control characters except line ends and tabs.

    `hash` is abbreviated as git does it; `day` is the author's date, as 2026-08-01.
    """

    hash: str
    author: str
    day: str
    message: str
