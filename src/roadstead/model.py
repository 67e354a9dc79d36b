"""The product's objects, as frozen values. `storage` makes them from rows, `api` makes resources from them.

Most are structs of msgspec: an instance takes a fifth of a frozen dataclass's time, and the class, at the start, a
fifteenth. Those with a secret are dataclasses, whose `repr` leaves it out. A value of which a page has a hundred is
without `gc`: it is in no cycle, and the collector would traverse it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal, NamedTuple, Protocol, get_args

import msgspec

from roadstead.listing import Field, Listing

HIDDEN = "(hidden)"
"""The placeholder of a secret in stored or shown text."""


class Workspace(msgspec.Struct, frozen=True):
    """The account that apps are installed on. `uuid` is written with its braces, as Bitbucket writes it."""

    id: int
    slug: str
    uuid: str
    name: str
    created_on: datetime


AccountKind = Literal["user", "workspace_access_token", "project_access_token", "repository_access_token"]


class User(msgspec.Struct, frozen=True):
    """An account: a person's, or that of an access token. One that is not active has neither tokens nor sessions.

    An administrator may do everything on the host. The operator, with `OPERATOR_ID`, is one from the beginning.
    """

    id: int
    uuid: str
    account_id: str
    username: str
    nickname: str
    display_name: str
    created_on: datetime
    is_active: bool
    is_administrator: bool
    kind: AccountKind


OPERATOR_ID = 1
"""The migrations make the operator, as the first user."""


class Email(msgspec.Struct, frozen=True):
    """An e-mail address of a user, in lower case."""

    address: str
    is_primary: bool
    is_confirmed: bool


Role = Literal["owner", "collaborator", "member"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Membership:
    """A user's role in a workspace. `email` is the user's primary address, for a caller who may know it."""

    user: User
    workspace: Workspace
    role: Role
    added_on: datetime
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a workspace's members."""

    id: int
    workspace: Workspace
    slug: str
    name: str


Holder = User | Group
"""A user or a group, to whom a privilege is granted."""


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

    @property
    def workspace_slug(self) -> str:
        """Return the slug of the workspace, as `BriefRepository` has it."""
        return self.workspace.slug

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
    Field("fork_policy", str, "r.fork_policy"),
    Field("size", int, "r.size"),
    Field("scm", str, always="git"),
    Field("created_on", datetime, "r.created_on"),
    Field("updated_on", datetime, "r.updated_on"),
    Field("project.key", str, "p.key"),
    Field("project.name", str, "p.name"),
    Field("project.uuid", str, "p.uuid"),
    Field("workspace.slug", str, "w.slug"),
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


Privilege = Literal["none", "read", "write", "create-repo", "admin"]
PRIVILEGES: tuple[Privilege, ...] = get_args(Privilege)
"""What a user may do in a project, the least first: each includes those before it."""

PLAIN_LIST = Listing(Field("id", int, "x.id", unique=True, queryable=False), order="id")
"""A list that can neither be filtered nor sorted."""

_OF_USER = tuple(Field(f"user.{name}", str, f"u.{name}") for name in ("uuid", "account_id", "display_name", "nickname"))
_OF_WORKSPACE = tuple(Field(f"workspace.{name}", str, f"w.{name}") for name in ("slug", "uuid", "name"))
_PERMISSION = Field("permission", str, "m.role", shown=False)

_EFFECTIVE = (
    *(Field(f"repository.{name}", str, column) for name, column in _OF_REPOSITORY.items()),
    Field("permission", str, "x.permission"),
)
OWN_PERMISSION_LIST = Listing(Field("id", int, "r.id", unique=True, queryable=False), *_EFFECTIVE, order="id")
PERMISSION_LIST = Listing(
    Field("id", str, "(x.repository_id || '-' || x.user_id)", unique=True, queryable=False),
    *_EFFECTIVE,
    *_OF_USER,
    order="id",
)
PERMISSION_IN_LIST = Listing(Field("id", int, "u.id", unique=True, queryable=False), *_EFFECTIVE, *_OF_USER, order="id")

MEMBER_LIST = Listing(
    Field("id", int, "u.id", unique=True, queryable=False),
    *_OF_USER,
    Field("user.email", str, "e.address", shown=False),
    _PERMISSION,
    order="id",
)
MEMBERSHIP_LIST = Listing(
    Field("id", int, "w.id", unique=True, queryable=False),
    *_OF_WORKSPACE,
    Field("slug", str, "w.slug", shown=False),
    _PERMISSION,
    order="id",
)
WORKSPACE_LIST = Listing(
    Field("id", int, "w.id", unique=True, queryable=False),
    Field("slug", str, "w.slug", unique=True),
    Field("uuid", str, "w.uuid", unique=True),
    Field("name", str, "w.name"),
    Field("created_on", datetime, "w.created_on"),
    order="id",
)


@dataclass(frozen=True, slots=True)
class EffectivePermission:
    """The highest privilege that a user was granted in a repository, in any way."""

    user: User
    repository: BriefRepository
    permission: Privilege


@dataclass(frozen=True, slots=True)
class Registration:
    """The operator's statement that an app key belongs to a descriptor URL; its installations share one secret."""

    app_key: str
    descriptor_url: str
    shared_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Installation:
    """One app in one workspace.

    `descriptor` is the JSON text that was accepted. `previous_secret` is set only during a handshake: until the app has
    answered, the previous secret stays valid too.
    """

    id: int
    workspace: Workspace
    app_key: str
    client_key: str
    state: Literal["installed", "uninstalled"]
    descriptor_url: str
    descriptor: str = field(repr=False)
    shared_secret: str = field(repr=False)
    installed_on: datetime
    updated_on: datetime
    handshake_under_way: bool = False
    previous_secret: str | None = field(default=None, repr=False)


class TokenOwner(msgspec.Struct, frozen=True):
    """What an access token belongs to: a workspace, or a project or a repository of one. It may do everything there
    that its scopes allow, and nothing elsewhere.
    """

    workspace_id: int
    project_id: int | None
    repository_id: int | None

    @property
    def is_workspace(self) -> bool:
        """Return whether the token is of the whole workspace."""
        return self.project_id is None and self.repository_id is None


class Identity(Protocol):
    """The caller of a request, with any credential. The code asks only for these, never for its class.

    `installation_id` is of the app that calls, or whose page does, and `user` is the account that does. An access token
    has an `owner`, and its account is no person's. `scopes` are those of the credential; without any, an app has those
    of its descriptor, and another caller has all. `is_operator` says that the caller may use Roadstead's own addresses,
    `is_integration` that an app, an OAuth consumer or an access token acts, which changes no permission. `kind` is the
    name of the credential's kind in answers. No record of the request may contain the `secrets`.
    """

    @property
    def kind(self) -> str: ...

    @property
    def installation_id(self) -> int | None: ...
    @property
    def app_key(self) -> str | None: ...
    @property
    def user(self) -> User | None: ...
    @property
    def secrets(self) -> tuple[str, ...]: ...
    @property
    def scopes(self) -> tuple[str, ...] | None: ...
    @property
    def repository(self) -> str | None: ...
    @property
    def owner(self) -> TokenOwner | None: ...
    @property
    def is_operator(self) -> bool: ...
    @property
    def is_integration(self) -> bool: ...


class Unidentified(msgspec.Struct, frozen=True):
    """A caller without a credential, or one whose credential nothing has read."""

    kind: ClassVar[str] = ""
    installation_id: ClassVar[None] = None
    app_key: ClassVar[None] = None
    user: ClassVar[None] = None
    secrets: ClassVar[tuple[str, ...]] = ()
    scopes: ClassVar[None] = None
    repository: ClassVar[None] = None
    owner: ClassVar[None] = None
    is_operator: ClassVar[bool] = False
    is_integration: ClassVar[bool] = False


UNIDENTIFIED = Unidentified()


@dataclass(frozen=True, slots=True)
class Caller:
    """The facts of an installation that authentication needs, read at every request so that they are current."""

    installation_id: int
    app_key: str
    client_key: str
    secrets: tuple[str, ...] = field(repr=False)
    handshake_under_way: bool
    kind: ClassVar[str] = "jwt"
    user: ClassVar[None] = None
    scopes: ClassVar[None] = None
    repository: ClassVar[None] = None
    owner: ClassVar[None] = None
    is_operator: ClassVar[bool] = False
    is_integration: ClassVar[bool] = True


class Linker(msgspec.Struct, frozen=True):
    """A linker of an installed app, as its descriptor declares it. `value_count` is the number of its values."""

    id: int
    installation_id: int
    key: str
    regex: str
    url: str
    value_count: int
    revision: int


class LinkerValue(msgspec.Struct, frozen=True, gc=False):
    """A value that the app stored for one of its linkers."""

    id: int
    value: str


VALUE_LIST = Listing(
    Field("id", int, unique=True),
    Field("value", str, unique=True),
    Field("type", str, always="linker_value"),
    order="id",
)


class AccessToken(msgspec.Struct, frozen=True):
    """A Bearer token that an app got for its JWT. `repository` narrows it to one repository's UUID."""

    installation_id: int
    scopes: tuple[str, ...]
    repository: str | None
    expires_on: datetime
    kind: ClassVar[str] = "oauth2"
    app_key: ClassVar[None] = None
    user: ClassVar[None] = None
    owner: ClassVar[None] = None
    secrets: ClassVar[tuple[str, ...]] = ()
    is_operator: ClassVar[bool] = False
    is_integration: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Offer:
    """An installation that was posted to an app whose answer the host does not know."""

    id: int
    workspace: Workspace
    app_key: str
    client_key: str
    descriptor_url: str
    descriptor: str = field(repr=False)
    shared_secret: str = field(repr=False)
    offered_on: datetime


class Viewer(msgspec.Struct, frozen=True):
    """A user who looks at a page of an app, and as whom the page makes requests.

    The page may do what both the user may and the app was granted, in the workspace of this installation.
    """

    installation_id: int
    app_key: str
    user: User
    scopes: tuple[str, ...]
    kind: ClassVar[str] = "session"
    secrets: ClassVar[tuple[str, ...]] = ()
    repository: ClassVar[None] = None
    owner: ClassVar[None] = None
    is_integration: ClassVar[bool] = True

    @property
    def is_operator(self) -> bool:
        """Return whether the viewer is an administrator of the host."""
        return self.user.is_administrator


class ApiToken(msgspec.Struct, frozen=True):
    """A user's token for the API, or the access token of its `owner`, whose account is then `user`.

    The token itself is shown once and stored only as a hash. Without `scopes` it has all of them. The host notes the
    time of use once an hour.
    """

    id: int
    name: str
    user: User
    scopes: tuple[str, ...] | None
    created_on: datetime
    expires_on: datetime | None
    last_used_on: datetime | None
    owner: TokenOwner | None
    installation_id: ClassVar[None] = None
    app_key: ClassVar[None] = None
    secrets: ClassVar[tuple[str, ...]] = ()
    repository: ClassVar[None] = None

    @property
    def kind(self) -> str:
        """Return the name of the credential's kind in answers."""
        return "apitoken" if self.owner is None else self.user.kind

    @property
    def is_operator(self) -> bool:
        """Return whether the token is an administrator's, and not limited to some scopes."""
        return self.user.is_administrator and self.scopes is None

    @property
    def is_integration(self) -> bool:
        """Return whether the token is no person's."""
        return self.owner is not None


class ListedToken(msgspec.Struct, frozen=True):
    """A token, and the names of what it belongs to if it is no user's."""

    token: ApiToken
    workspace: str | None
    project: str | None
    repository: str | None


class Consumer(msgspec.Struct, frozen=True):
    """An OAuth consumer of a workspace. Its secret is shown once and stored only as a hash.

    It acts for the users who consent, or else for its `owner`, and never with more than its scopes. Users who are asked
    to consent see its name, its description and the `url` of a page about it, each of which but the name may be empty.
    """

    id: int
    key: str
    name: str
    callback_url: str
    scopes: tuple[str, ...]
    created_on: datetime
    description: str
    url: str
    workspace: Workspace
    owner: User


class Grant(msgspec.Struct, frozen=True):
    """What a user let a consumer do, once. A code has the `redirect_uri` and the `challenge` of its request."""

    id: int
    consumer_id: int
    user: User
    scopes: tuple[str, ...]
    redirect_uri: str | None
    challenge: str | None


class GrantedToken(msgspec.Struct, frozen=True):
    """A consumer's Bearer token. It is of the user who consented, within the scopes that were granted."""

    user: User
    scopes: tuple[str, ...]
    expires_on: datetime
    kind: ClassVar[str] = "oauth2"
    installation_id: ClassVar[None] = None
    app_key: ClassVar[None] = None
    secrets: ClassVar[tuple[str, ...]] = ()
    repository: ClassVar[None] = None
    owner: ClassVar[None] = None
    is_operator: ClassVar[bool] = False
    is_integration: ClassVar[bool] = True


class LifecycleCall(msgspec.Struct, frozen=True):
    """One `installed` or `uninstalled` request to an app, and the outcome of the last attempt.

    `request` is the request without secrets; `body` is the beginning of the answer. A pending call is due on `due_on`,
    after `attempts` that failed; `claimed_until` is set while an attempt runs, and past if its process died.
    `given_up_on` is set when there will be no other attempt.
    """

    id: int
    app_key: str
    workspace_id: int
    event: Literal["installed", "uninstalled"]
    url: str
    created_on: datetime
    status: int | None
    error: str | None
    body: str | None
    duration_ms: int | None
    request: str | None
    attempts: int
    due_on: datetime | None
    claimed_until: datetime | None
    given_up_on: datetime | None


class QueueCounts(NamedTuple):
    """How many calls are waiting, how many of these are overdue, and how many were given up."""

    waiting: int
    overdue: int
    given_up: int


class AuditEntry(msgspec.Struct, frozen=True):
    """Who did what to which subject. Contains no secret."""

    id: int
    time: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, str | int | None]


AUDIT_LIST = Listing(Field("id", int, unique=True, queryable=False), order="-id")


class Commit(msgspec.Struct, frozen=True):
    """A commit, its text without control characters except line ends and tabs.

    `hash` is abbreviated as git does it; `day` is the author's date, as 2026-08-01.
    """

    hash: str
    author: str
    day: str
    message: str
