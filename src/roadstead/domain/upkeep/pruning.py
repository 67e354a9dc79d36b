"""Remove from a repository at once what no ref leads to any more, such as a password that was pushed by mistake."""

from roadstead.domain.host import Host
from roadstead.domain.people.changes import log_change
from roadstead.domain.repositories.commits import folder_of
from roadstead.domain.repositories.journal import record
from roadstead.domain.repositories.sizes import size_of
from roadstead.git import locks
from roadstead.git.maintenance import prune_locked
from roadstead.model import Identity, Repository
from roadstead.storage.pushes import list_pushes_to
from roadstead.storage.repositories import set_size


async def prune_repository(host: Host, identity: Identity, repository: Repository) -> None:
    """Prune a repository, and measure it again. Raise `HostBusy` if pushes to it go on all the time."""
    folder = folder_of(host, repository)
    async with locks.wait_for(locks.alone, folder) as lock:
        for push in await list_pushes_to(host.store.database, repository.id):
            await record(host, repository, push)  # by the logs of the refs, which end here
        await prune_locked(folder, lock, older_than="now")
    size = await size_of(host, repository.uuid)
    async with host.store.database.transaction() as tx:
        await set_size(tx, repository.uuid, size)
        await log_change(host, tx, identity, "repository pruned", repository.workspace, "repository", repository.slug)
