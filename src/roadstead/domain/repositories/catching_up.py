"""Bring the database into line with repositories: after a restore, they may be newer than it is.

Each repository is compared with the mirror of its refs. What differs is recorded as a push of the workspace, so that
the mirror, the events and their subscribers follow.
"""

import logging
from collections.abc import Sequence

from roadstead.domain.host import Host
from roadstead.domain.repositories.commits import folder_of
from roadstead.domain.repositories.journal import new_id, record
from roadstead.domain.repositories.marks import mark_newest
from roadstead.domain.repositories.mirroring import refs_of
from roadstead.errors import HostBusy, RoadsteadError
from roadstead.git import locks
from roadstead.git.ref_names import PLACES
from roadstead.model import Repository
from roadstead.pushed import NO_OBJECT, Push, Ref, RefChange
from roadstead.storage import pushes
from roadstead.storage.refs import list_refs
from roadstead.storage.repositories import list_all

log = logging.getLogger("roadstead.git")


async def catch_up_with_all(host: Host) -> None:
    """Bring the database into line with all repositories, as far as they can be read."""
    log.warning("The database is older than the repositories: it is brought into line with them.")
    for repository in await list_all(host.store.database):
        try:
            changes = await catch_up(host, repository)
        except RoadsteadError as exc:
            log.warning("%s is not brought into line: %s %s", repository.full_name, exc.message, exc.detail)
            continue
        if changes:
            log.info("%s is brought into line: %d refs.", repository.full_name, len(changes))
    await mark_newest(host)


async def out_of_line(host: Host) -> list[Repository]:
    """Return the repositories whose refs differ from their mirror. Raise `GitFailed` if one cannot be read."""
    return [one for one in await list_all(host.store.database) if await _is_out_of_line(host, one)]


async def _is_out_of_line(host: Host, repository: Repository) -> bool:
    if not await differences(host, repository):
        return False
    try:
        async with locks.wait_for(locks.alone, folder_of(host, repository)):  # a push may have gone on
            return bool(await differences(host, repository))
    except HostBusy:
        return False


async def catch_up(host: Host, repository: Repository) -> Sequence[RefChange]:
    """Record the differences between the refs of a repository and their mirror, and return them.

    Raise `HostBusy`, and `GitFailed` for a repository that cannot be read.
    """
    if not await differences(host, repository):
        return []
    async with locks.wait_for(locks.alone, folder_of(host, repository)):
        changes = await differences(host, repository)
        if not changes:
            return []
        push = Push(new_id(), repository.id, None, None, host.now(), tuple(changes))
        async with host.store.database.transaction() as tx:
            await pushes.add_push(tx, push)
        return await record(host, repository, push, changes)


async def differences(host: Host, repository: Repository) -> list[RefChange]:
    """Return what the mirror of a repository's refs lacks. Raise `GitFailed`."""
    there = {_whole_name(ref): ref for ref in await refs_of(folder_of(host, repository))}
    mirror = {_whole_name(ref): ref for ref in await list_refs(host.store.database, repository.id)}
    names = sorted(there.keys() | mirror.keys())
    changes = (RefChange(_target(mirror, name), _target(there, name), name) for name in names)
    return [change for change in changes if change.old != change.new]


def _whole_name(ref: Ref) -> str:
    return PLACES[ref.kind] + ref.name


def _target(refs: dict[str, Ref], name: str) -> str:
    return refs[name].target if name in refs else NO_OBJECT
