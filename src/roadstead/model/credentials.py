"""Callers of the host, and the tokens by which it knows them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol

import msgspec

from roadstead.model.people import User, Workspace


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
