"""The sizes of repositories with their LFS objects, measured after changes and stored in the database."""

import asyncio
import logging
import time

from roadstead.domain.host import Host
from roadstead.domain.repositories.folders import folders_of
from roadstead.domain.repositories.stored_files import lfs_objects_in
from roadstead.errors import RepositoryFull, RoadsteadError
from roadstead.git.sizes import size
from roadstead.model import Repository
from roadstead.storage.repositories import set_size

_PAUSE = 0.2
"""Between a change and the measuring, so that changes one after another are measured together."""
_REST = 10
"""Rest so many times as long as measuring took, so that it takes at most a tenth of a core."""

log = logging.getLogger("roadstead")


async def size_of(host: Host, repository_uuid: str) -> int:
    """Return how many bytes a repository has now."""
    folder, objects = folders_of(host).path(repository_uuid), lfs_objects_in(host.settings.data)
    return await asyncio.to_thread(lambda: size(folder) + objects.size(repository_uuid))


def expect_room(host: Host, repository: Repository, more: int) -> None:
    """Raise `RepositoryFull` if a repository may not grow by some bytes. A change without bytes always fits."""
    limit = host.settings.repository_limit
    if limit and more and repository.size + more > limit << 30:
        raise RepositoryFull(limit)


class Measuring:
    """Measures repositories that have `changed`, as long as it runs."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._due: set[str] = set()
        self._news = asyncio.Event()

    def changed(self, repository_uuid: str) -> None:
        """Note that a repository has changed."""
        self._due.add(repository_uuid)
        self._news.set()

    async def run(self) -> None:
        """Measure what has changed, until this is cancelled."""
        while True:
            await self._news.wait()
            await asyncio.sleep(_PAUSE)
            due, self._due = self._due, set()
            self._news.clear()
            began = time.monotonic()
            for uuid in due:
                await self._measure(uuid)
            await asyncio.sleep(_REST * (time.monotonic() - began))

    async def _measure(self, uuid: str) -> None:
        try:
            measured = await size_of(self._host, uuid)
            async with self._host.store.database.transaction() as tx:
                await set_size(tx, f"{{{uuid}}}", measured)
        except RoadsteadError as exc:
            log.warning("The size of the repository %s is stored later: %s %s", uuid, exc.message, exc.detail)
            self.changed(uuid)
