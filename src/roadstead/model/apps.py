"""Installed apps, their linkers, the calls to them, and the audit log."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from roadstead.listing import Field, Listing
from roadstead.model.people import Workspace


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
