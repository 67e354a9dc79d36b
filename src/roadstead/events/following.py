"""Follow events as they happen."""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from roadstead.domain.host import Host
from roadstead.pushed import Event
from roadstead.storage.events import list_events_after, newest_event
from roadstead.storage.repositories import find_by_id
from roadstead.storage.workspaces import find_workspace_by_id

LOOK_SECONDS = 0.5
_AT_ONCE = 100


class Followed(NamedTuple):
    """An event, and the name of the repository or the workspace in which it happened."""

    event: Event
    place: str


async def find_newest(host: Host) -> int:
    """Return the id of the newest event; 0 if nothing has happened yet."""
    return await newest_event(host.store.database)


async def follow_events(host: Host, after: int) -> AsyncIterator[Followed]:
    """Yield the events of all processes that come after the one with that id, in their order, without end."""
    while True:
        for event in await list_events_after(host.store.database, after, _AT_ONCE):
            after = event.id
            yield Followed(event, await _place(host, event))
        await asyncio.sleep(LOOK_SECONDS)


async def _place(host: Host, event: Event) -> str:
    database = host.store.database
    repository = None if event.repository_id is None else await find_by_id(database, event.repository_id)
    if repository is not None:
        return repository.full_name
    workspace = await find_workspace_by_id(database, event.workspace_id)
    return workspace.slug if workspace else ""
