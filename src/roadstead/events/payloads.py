"""Payloads of events. Groups of the API know what they announce; composition hands their builders over by event."""

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import msgspec

from roadstead.domain.host import Host
from roadstead.model import Repository, User, Workspace
from roadstead.pushed import Event
from roadstead.shapes.accounts import account
from roadstead.storage.repositories import ANY_WORKSPACE, find_by_id, find_repository
from roadstead.storage.users import find_user
from roadstead.storage.workspaces import find_workspace_by_id

Payload = dict[str, Any]
"""What a hook is sent; an app gets it as `data`."""


class Happening(NamedTuple):
    """An event with the present objects that it names. An app acts as its workspace, as on the cloud.

    `repository` is the one in which it happened, unless that is gone, or there was none.
    """

    event: Event
    workspace: Workspace
    repository: Repository | None
    actor: User | Workspace

    @property
    def told(self) -> dict[str, Any]:
        """Return what the change stored with the event."""
        return self.event.payload


Builder = Callable[[Host, Happening], Awaitable[Payload | None]]
"""Returns the payload of an event but for its actor, or `None` when what it tells of is gone."""
Sampler = Callable[[Host, Repository], Awaitable[dict[str, Any] | None]]
"""Returns what a change would store with its event, about real objects of a repository; `None` if it has no such."""


class Payloads:
    """The payloads of all events. Each module is imported for the first of its events.

    A module has `BUILDERS` and `SAMPLERS`, by key.
    """

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = modules

    async def build(self, host: Host, event: Event) -> Payload | None:
        """Return the payload of an event, as values of JSON, without the envelope of apps.

        Return `None` if no group announces such events, or if what this one tells of is gone.
        """
        builder: Builder | None = self._named("BUILDERS", event.key)
        happening = None if builder is None else await _happening(host, event)
        payload = None if builder is None or happening is None else await builder(host, happening)
        if payload is None or happening is None:
            return None
        actor = account(happening.actor, host.base_url)
        return dict(msgspec.to_builtins({**payload, "actor": actor}, str_keys=True))

    async def sample(self, host: Host, key: str, repository: Repository) -> Payload | None:
        """Return a payload of that event, which did not happen, about real objects of a repository.

        The operator acts. Return `None` if the event cannot fire yet, or the repository has nothing to tell of.
        """
        sampler: Sampler | None = self._named("SAMPLERS", key)
        told = None if sampler is None else await sampler(host, repository)
        if told is None:
            return None
        operator, workspace = await host.find_operator(), repository.workspace
        return await self.build(host, Event(0, key, workspace.id, repository.id, operator.id, None, host.now(), told))

    def _named(self, table: str, key: str) -> Any:
        module = self._modules.get(key)
        return None if module is None else getattr(import_module(module), table)[key]


async def repository_named(host: Host, uuid: str) -> Repository | None:
    """Return the repository of a UUID. No caller asks for it here, so no permission is checked: an event names it."""
    return await find_repository(host.store.database, ANY_WORKSPACE, uuid)


async def _happening(host: Host, event: Event) -> Happening | None:
    database = host.store.database
    workspace = await find_workspace_by_id(database, event.workspace_id)
    if workspace is None:
        return None
    repository = None if event.repository_id is None else await find_by_id(database, event.repository_id)
    user = None if event.user_id is None else await find_user(database, event.user_id)
    return Happening(event, workspace, repository, user or workspace)
