"""The journal of changes of refs: each change gets exactly one event, even if a process is killed.

The host takes these steps for each push, and for each change of refs over the API. Meanwhile it holds the lock of the
repository, and so do the git programs that it starts, which inherit the lock:

1. `begin`: check that the caller may, and store what is to be changed. Only then does git change anything.
2. git changes the refs. Its reflogs name the push.
3. `record`: wait until the refs are on the disk. Then, in one transaction, add the event of what has changed, mirror
   the refs, and remove the journal's row. Only then does the caller learn that it went through.

After a crash between 1 and 3, `reconcile` takes step 3: the lock tells when no program of the push runs any more, and
the reflogs what the push did.
"""

import asyncio
import logging
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

from roadstead.domain.happened import Actor, actor_of, happened
from roadstead.domain.host import Host
from roadstead.domain.repositories.access import hold_repository
from roadstead.domain.repositories.commits import folder_of
from roadstead.domain.repositories.marks import keep_mark
from roadstead.errors import GitFailed, RoadsteadError
from roadstead.git import locks
from roadstead.git.ref_names import BRANCH, kind_and_name
from roadstead.git.refs import set_head
from roadstead.git.transfer.outcome import forced, logged, make_durable, refs_again, refs_now
from roadstead.model import Identity, Repository
from roadstead.pushed import Push, Ref, RefChange
from roadstead.storage import pushes
from roadstead.storage.database import Transaction
from roadstead.storage.refs import delete_refs, find_ref, keep_refs
from roadstead.storage.repositories import find_by_id, note_push, set_mainbranch
from roadstead.storage.workspaces import refer_to_workspace
from roadstead.turns import by_turns

AGAIN_SECONDS = 1.0
"""Before the database is asked again to record a push."""

_USUAL_MAIN = ("main", "master")

log = logging.getLogger("roadstead.git")


def new_id() -> str:
    """Return the id of a new push."""
    return str(uuid.uuid4())


async def begin(
    host: Host, identity: Identity, repository: Repository, push_id: str, changes: Iterable[RefChange]
) -> Push:
    """Check that a caller may change refs, and store that it is about to. Raise as `hold_repository` does."""
    push = Push(push_id, repository.id, *actor_of(identity), host.now(), tuple(changes))
    async with host.store.database.transaction() as tx:
        await hold_repository(host, tx, identity, repository, "write")
        await pushes.add_push(tx, push)
    return push


async def record(
    host: Host, repository: Repository, push: Push, reported: Sequence[RefChange] | None = None
) -> Sequence[RefChange]:
    """Record and return what a push did: what git has `reported`, or else what the repository shows.

    No program of the push may be running. If the repository was deleted meanwhile, record nothing.
    """
    folder = folder_of(host, repository)
    try:
        await make_durable(folder, push.changes if reported is None else reported)
        backwards = await forced(folder, push.changes)
        logs = [] if reported is not None else await logged(folder, push.id, push.changes)
        before = await refs_now(folder, [change.ref for change in push.changes])
    except GitFailed:
        if await find_by_id(host.store.database, repository.id) is None:
            return []
        raise
    async with host.store.database.transaction() as tx:
        await refer_to_workspace(tx, repository.workspace.id)  # the event does so, after the repository is locked
        # From here on, no other transaction records a push to the repository.
        found = await note_push(tx, repository.id, host.now())
        if found is None or not await pushes.delete_push(tx, push.id):
            return []
        event = 0
        now = await refs_again(folder, before)
        done = [*logs, *await _deleted(tx, push, now)] if reported is None else reported
        if done:
            await _mirror(tx, found, now, done)
            await _choose_main_branch(tx, folder, found, done)
            host.pushed_to.put_nowait(folder)
            told = [_told(change, change in backwards) for change in done]
            payload = {"changes": told, **await _main_beside(tx, found, done)}
            event = await happened(host, tx, "repo:push", Actor(push.user_id, push.installation_id), found, payload)
    if event:
        await keep_mark(host, event)
    return done


async def finish(
    host: Host, repository: Repository, push: Push, reported: Sequence[RefChange] | None = None
) -> Sequence[RefChange]:
    """Record a push, and if the database cannot now, try again later and raise its error."""
    try:
        return await record(host, repository, push, reported)
    except RoadsteadError:
        host.run_later(_record_later(host, repository, push, reported))
        raise


async def _record_later(host: Host, repository: Repository, push: Push, reported: Sequence[RefChange] | None) -> None:
    while True:
        await asyncio.sleep(AGAIN_SECONDS)
        try:
            await record(host, repository, push, reported)
        except RoadsteadError as exc:
            log.warning("What a push did is recorded later: %s %s", exc.message, exc.detail)
        else:
            return


async def reconcile(host: Host, push: Push) -> None:
    """Record a push that a process left unfinished, once its programs have ended. Raise `HostBusy` if they run long."""
    repository = await find_by_id(host.store.database, push.repository_id)
    if repository is not None:
        async with locks.wait_for(locks.alone, folder_of(host, repository)):
            done = await record(host, repository, push)
        log.info("A push to %s that was cut off has changed %d refs.", repository.full_name, len(done))


async def _deleted(tx: Transaction, push: Push, now: dict[str, Ref | None]) -> list[RefChange]:
    """Return the deletions that happened and are not yet recorded: the ref is gone, its mirror is not."""
    gone = by_turns(change for change in push.changes if change.deletes and now[change.ref] is None)
    return [change async for change in gone if await _is_mirrored(tx, push.repository_id, change.ref)]


async def _is_mirrored(tx: Transaction, repository_id: int, ref: str) -> bool:
    named = kind_and_name(ref)
    return named is not None and await find_ref(tx, repository_id, *named) is not None


async def _mirror(
    tx: Transaction, repository: Repository, now: dict[str, Ref | None], changes: Sequence[RefChange]
) -> None:
    """Update the mirror of changed refs to their present values, which may already be those of a later push."""
    there = [ref for change in changes if (ref := now[change.ref]) is not None]
    await keep_refs(tx, repository.id, there)
    gone = [kind_and_name(change.ref) for change in changes if now[change.ref] is None]
    await delete_refs(tx, repository.id, [named for named in gone if named is not None])


async def _choose_main_branch(
    tx: Transaction, folder: Path, repository: Repository, changes: Sequence[RefChange]
) -> None:
    """Make a branch of the first push the main one."""
    created = [change.ref.removeprefix(BRANCH) for change in changes if change.ref.startswith(BRANCH)]
    if repository.mainbranch is None and created:
        chosen = next((name for name in _USUAL_MAIN if name in created), created[0])
        await set_head(folder, BRANCH + chosen)
        await set_mainbranch(tx, repository.id, chosen)


async def _main_beside(tx: Transaction, repository: Repository, changes: Sequence[RefChange]) -> dict[str, str | None]:
    """Return the commit of the main branch, from which the new commits of another created branch differ."""
    created = {change.ref for change in changes if change.creates and change.ref.startswith(BRANCH)}
    main = repository.mainbranch
    if main is None or not created or BRANCH + main in created:
        return {}
    tip = await find_ref(tx, repository.id, "branch", main)
    return {"main": None if tip is None else tip.commit_hash}


def _told(change: RefChange, is_forced: bool) -> dict[str, object]:
    kind, name = kind_and_name(change.ref) or ("", change.ref)
    return {
        "kind": kind,
        "name": name,
        "old": None if change.creates else change.old,
        "new": None if change.deletes else change.new,
        "created": change.creates,
        "closed": change.deletes,
        "forced": is_forced,
    }
