"""A repository as it is read for a caller, within the caller's share of git processes."""

from collections.abc import AsyncGenerator, AsyncIterator, Hashable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from roadstead.domain.host import Host
from roadstead.domain.rendering.renderer import Renderer
from roadstead.domain.repositories.commits import folder_of
from roadstead.model import Repository


class Reading(NamedTuple):
    """A repository, and the caller who reads it. `caller` is the key of a share of the processes of git."""

    host: Host
    repository: Repository
    caller: Hashable
    renderer: Renderer

    @property
    def folder(self) -> Path:
        """Return where git has the repository."""
        return folder_of(self.host, self.repository)

    @asynccontextmanager
    async def process(self) -> AsyncIterator[None]:
        """Hold a place for a process of git while the block runs. Raise `HostBusy`."""
        async with self.host.computing.place(self.caller):
            yield

    def pieces(self, made: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        """Yield what a process of git makes, while it has a place. Raise `HostBusy`."""
        return self.host.computing.pieces(self.caller, made)
