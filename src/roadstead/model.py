"""What the product is about, as frozen values. Rows become these in `storage`, resources are made of them in `api`.

What is made at every request is a struct of msgspec, which takes a fifth of a frozen dataclass's time; without `gc`
where a page has a hundred of them, which can be in no cycle and would be looked through for one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Generic, Literal, NamedTuple, TypeVar

import msgspec

from roadstead.connect.evidence import Evidence
from roadstead.connect.presented import Presented
from roadstead.query import Expression, Sort

T = TypeVar("T")

HIDDEN = "(hidden)"
"""Stands where a secret was, in what is kept or shown."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """The account apps are installed on. `uuid` is written with its braces, as Bitbucket writes it."""

    id: int
    slug: str
    uuid: str
    name: str
    created_on: datetime


@dataclass(frozen=True, slots=True)
class Registration:
    """The operator's word that an app key belongs to a descriptor URL; all its installations share one secret."""

    app_key: str
    descriptor_url: str
    shared_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Installation:
    """One app in one workspace.

    `descriptor` is the JSON text that was accepted. `previous_secret` is set only while a handshake is under way:
    until the app has answered, what it knew before stays valid too.
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


@dataclass(frozen=True, slots=True)
class Caller:
    """What authentication needs of an installation, read at every request so that it is never stale."""

    installation_id: int
    app_key: str
    client_key: str
    secrets: tuple[str, ...] = field(repr=False)
    handshake_under_way: bool
    repository: ClassVar[None] = None
    is_operator: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Linker:
    """A linker of an installed app, as its descriptor declares it. `value_count` is how many values it has."""

    id: int
    installation_id: int
    key: str
    regex: str
    url: str
    value_count: int
    revision: int


class LinkerValue(msgspec.Struct, frozen=True, gc=False):
    """A value the app stored for one of its linkers."""

    id: int
    value: str


class PageRequest(msgspec.Struct, frozen=True):
    """Which slice of a list is wanted.

    `after` and `before` are cursors of an earlier page and make the slice as cheap at the end of the list as at its
    start; without them the slice is counted off from the nearer end.
    """

    number: int
    length: int
    filter: Expression | None = None
    sort: Sort | None = None
    after: str | None = None
    before: str | None = None


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A slice of a list: `size` is the whole list's length, `number` is 1-based."""

    items: Sequence[T]
    size: int
    number: int
    length: int
    has_next: bool


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A Bearer token an app exchanged its JWT for. `repository` narrows it to one repository's UUID."""

    installation_id: int
    scopes: tuple[str, ...]
    repository: str | None
    expires_on: datetime
    is_operator: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Offer:
    """An installation that an app was offered, while the host does not know whether the app accepted it."""

    id: int
    workspace: Workspace
    app_key: str
    client_key: str
    descriptor_url: str
    descriptor: str = field(repr=False)
    shared_secret: str = field(repr=False)
    offered_on: datetime


@dataclass(frozen=True, slots=True)
class Viewer:
    """The operator who is looking at a page of an app, and on whose behalf the page asks something.

    It may what the app was granted, in the workspace of this installation.
    """

    installation_id: int
    app_key: str
    scopes: tuple[str, ...]
    repository: ClassVar[None] = None
    is_operator: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class ApiToken:
    """An operator's token for the API. The token itself is shown once and kept only as a hash."""

    id: int
    name: str
    created_on: datetime
    expires_on: datetime | None
    installation_id: ClassVar[None] = None
    repository: ClassVar[None] = None
    is_operator: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class LifecycleCall:
    """One `installed` or `uninstalled` request to an app, and what came of it the last time that it was tried.

    `request` is what was sent, without secrets; `body` is the beginning of the answer. What is to be tried again is due
    on `due_on`, after `attempts` that failed; `claimed_until` is set while one is under way, and past if the process
    that made it is gone. `given_up_on` is set when there will be no other.
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
    """How many calls are waiting, how many of these have been due for some time, and how many were given up."""

    waiting: int
    overdue: int
    given_up: int


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One call that an app made to us (`in`) or we made to an app (`out`), and what came of it.

    `app` is the app's key, as far as it can be told; of a call that was refused it is whom the caller claimed to be.
    `url` is path and query of calls to us, and the whole address of others. Without an answer there is an `error`.
    """

    id: int
    time: datetime
    direction: Literal["in", "out"]
    app: str | None
    method: str
    url: str
    status: int | None
    error: str | None
    duration_ms: float
    request_size: int
    answer_size: int


@dataclass(frozen=True, slots=True)
class Message:
    """Headers and body of a request or an answer: their beginnings, without secrets. `size` is the whole body's."""

    headers: tuple[tuple[str, str], ...]
    body: str
    size: int


@dataclass(frozen=True, slots=True)
class RequestDetails:
    """All that is kept of a recorded request.

    `credential` is what is left of the caller's, and `evidence` what was known of it when the request was refused.
    """

    summary: RecordedRequest
    request: Message
    answer: Message
    credential: Presented | None
    evidence: Evidence | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which subject. Never holds a secret."""

    id: int
    time: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, str | int | None]
