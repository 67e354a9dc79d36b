"""Payloads of events. Groups of the API know what they announce; composition hands their builders over by event."""

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import Any

from roadstead.domain.host import Host
from roadstead.model import Repository
from roadstead.pushed import Event

Payload = dict[str, Any]
"""What a hook is sent; an app gets it as `data`."""
Builder = Callable[[Host, Event], Awaitable[Payload | None]]
"""Returns the payload of an event, or `None` when what it tells of is gone."""
Sampler = Callable[[Host, Repository], Awaitable[Event]]
"""Returns an event about real objects of a repository, which did not happen."""


class Payloads:
    """The payloads of all events. Each module is imported for the first of its events.

    A module has `BUILDERS` and `SAMPLERS`, by key.
    """

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = modules

    async def build(self, host: Host, event: Event) -> Payload | None:
        """Return the payload of an event, without the envelope of apps. Return `None` if it cannot be built any more.

        One for which no group has a builder has none, either.
        """
        builder: Builder | None = self._named("BUILDERS", event.key)
        return None if builder is None else await builder(host, event)

    async def sample(self, host: Host, key: str, repository: Repository) -> Payload | None:
        """Return a payload of that event, about real objects of a repository; `None` for one that cannot fire yet."""
        sampler: Sampler | None = self._named("SAMPLERS", key)
        return None if sampler is None else await self.build(host, await sampler(host, repository))

    def _named(self, table: str, key: str) -> Any:
        module = self._modules.get(key)
        return None if module is None else getattr(import_module(module), table)[key]
