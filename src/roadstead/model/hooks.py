"""Hooks: subscriptions to events of a repository or a workspace."""

from datetime import datetime

import msgspec

from roadstead.listing import Field, Listing


class Hook(msgspec.Struct, frozen=True):
    """A subscription to events: of one repository, or of all of a workspace, and of the workspace itself.

    `uuid` is written with its braces, and `events` are sorted. An app's hook has its `installation_id`, and the key of
    the app as its `source`. On this machine deliveries go only to the place of `home`, a URL, if there is one: see
    `Outbound.send`. The secret is read apart.
    """

    id: int
    uuid: str
    workspace_id: int
    repository_id: int | None
    installation_id: int | None
    url: str
    home: str | None
    description: str
    is_active: bool
    has_secret: bool
    events: tuple[str, ...]
    skip_cert_verification: bool
    history_enabled: bool
    created_at: datetime
    source: str | None


HOOK_LIST = Listing(Field("id", int, "h.id", unique=True, queryable=False), order="id")
