"""Remove from a repository at once what no ref leads to any more, such as a password that was pushed by mistake."""

import asyncio

from roadstead.domain.host import Host
from roadstead.domain.people.changes import log_change
from roadstead.domain.repositories.commits import folder_of
from roadstead.domain.repositories.journal import reconcile
from roadstead.domain.repositories.sizes import size_of
from roadstead.errors import HostBusy
from roadstead.git.maintenance import prune
from roadstead.model import Identity, Repository
from roadstead.storage.pushes import list_pushes
from roadstead.storage.repositories import set_size

_PAUSE_SECONDS = 0.1
_ATTEMPTS = 300
"""While pushes have the repository."""


async def prune_repository(host: Host, identity: Identity, repository: Repository) -> None:
    """Prune a repository, and measure it again. Raise `HostBusy` if pushes to it go on all the time."""
    for push in await list_pushes(host.store.database, before=host.now()):
        if push.repository_id == repository.id:
            await reconcile(host, push)  # by the logs of the refs, which end here
    for _ in range(_ATTEMPTS):
        if await prune(folder_of(host, repository), older_than="now"):
            break
        await asyncio.sleep(_PAUSE_SECONDS)
    else:
        raise HostBusy("The repository is busy.", "Try again in a moment.")
    size = await size_of(host, repository.uuid)
    async with host.store.database.transaction() as tx:
        await set_size(tx, repository.uuid, size)
        await log_change(host, tx, identity, "repository pruned", repository.workspace, "repository", repository.slug)
