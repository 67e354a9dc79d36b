"""Webhooks and the events that they subscribe to, over the wire."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Annotated, Literal, NotRequired, TypedDict, cast

import msgspec

from roadstead.api.bodies import Shape, wrong_body
from roadstead.bitbucket.workspaces.shapes import CondensedLinks, CondensedWorkspace
from roadstead.events.catalogue import CATALOGUE, EventType, Subject
from roadstead.events.hooks import HookChanges
from roadstead.listing import Listing
from roadstead.model.hooks import Hook
from roadstead.shapes.links import Link, SelfLink
from roadstead.shapes.repositories import CondensedRepository

HOOK_EVENT_LIST = Listing(length=30)

EventKey = Annotated[str, msgspec.Meta(extra_json_schema={"enum": sorted(CATALOGUE)})]
Events = Annotated[
    list[EventKey],
    msgspec.Meta(
        min_length=1, extra_json_schema={"uniqueItems": True}, examples=[["repo:push", "repo:commit_status_created"]]
    ),
]
Url = Annotated[str, msgspec.Meta(max_length=2048, examples=["https://ci.example.com/hook"])]
Secret = Annotated[
    str | None, msgspec.Meta(description="Signs deliveries, and is never returned. Empty or null removes it.")
]


class OtherMembers(TypedDict, total=False):
    """The members that may be left out. A new webhook is active; one that exists keeps what is left out."""

    active: bool
    secret: Secret
    skip_cert_verification: bool
    history_enabled: bool


class NewHook(OtherMembers):
    """A webhook to create."""

    url: Url
    events: Events
    description: NotRequired[str]


class HookUpdate(OtherMembers):
    """The members of a webhook that change. Others, as an answer has them, are not read."""

    url: Url
    description: Annotated[str, msgspec.Meta(max_length=1024, examples=["Builds"])]
    events: NotRequired[Events]


NEW_HOOK: Shape[HookChanges] = Shape(HookChanges, lambda given: given, wrong_body, documented=NewHook)
HOOK: Shape[HookChanges] = Shape(HookChanges, lambda given: given, wrong_body, documented=HookUpdate)


class HookSubject(TypedDict):
    """What a webhook belongs to: a repository, which has a `full_name`, or a workspace, which has a `slug`."""

    type: Subject
    uuid: str
    name: str
    full_name: NotRequired[str]
    slug: NotRequired[str]
    links: CondensedLinks


class HookResource(TypedDict):
    """A webhook of a repository or a workspace. `source` is the key of the app that created it."""

    type: Literal["webhook_subscription"]
    uuid: str
    url: str
    description: str
    subject_type: Subject
    subject: HookSubject
    active: bool
    created_at: str
    events: Sequence[str]
    source: str | None
    read_only: None
    skip_cert_verification: bool
    history_enabled: bool
    secret_set: bool
    links: SelfLink


class HookEvent(TypedDict):
    """An event to which webhooks can subscribe."""

    event: str
    category: str
    label: str
    description: str


class EventsLink(TypedDict):
    events: Link


class SubjectLinks(TypedDict):
    links: EventsLink


class SubjectTypes(TypedDict):
    """What webhooks can belong to, each with the address of its events."""

    repository: SubjectLinks
    workspace: SubjectLinks


def hook(found: Hook, subject: CondensedRepository | CondensedWorkspace, url: str) -> HookResource:
    """Return a webhook, without its secret."""
    return {
        "type": "webhook_subscription",
        "uuid": found.uuid,
        "url": found.url,
        "description": found.description,
        "subject_type": "workspace" if found.repository_id is None else "repository",
        "subject": cast("HookSubject", subject),
        "active": found.is_active,
        "created_at": f"{found.created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        "events": found.events,
        "source": found.source,
        "read_only": None,
        "skip_cert_verification": found.skip_cert_verification,
        "history_enabled": found.history_enabled,
        "secret_set": found.has_secret,
        "links": SelfLink(Link(url)),
    }


def hook_event(kind: EventType) -> HookEvent:
    """Return an event of the catalogue."""
    return {"event": kind.key, "category": kind.category, "label": kind.label, "description": kind.description}


def subject_types(urls: Mapping[Subject, str]) -> SubjectTypes:
    """Return what webhooks can belong to, given the addresses of their events."""
    repository, workspace = (SubjectLinks(links={"events": Link(urls[one])}) for one in ("repository", "workspace"))
    return {"repository": repository, "workspace": workspace}
