"""Change refs as a push does, for the API and the pages.

    from roadstead.domain.repositories.pushing import push_changes
    from roadstead.pushed import NO_OBJECT, RefChange

    await push_changes(host, identity, repository, [RefChange(old, new, "refs/heads/main")])

Write the objects to the repository first. `old` is the object that the caller has seen at the ref, `NO_OBJECT` to
create one, and `new` is `NO_OBJECT` to delete it. When the function returns, the refs are changed and mirrored in the
database, and the event is stored.
"""

from collections.abc import Sequence
from pathlib import Path

from roadstead.domain.host import Host
from roadstead.domain.repositories.commits import folder_of
from roadstead.domain.repositories.journal import begin, finish, new_id
from roadstead.errors import Conflict, GitFailed, InvalidInput, RoadsteadError
from roadstead.git import locks
from roadstead.git.transfer.names import kind_and_name, reason_against
from roadstead.git.transfer.outcome import refs_now
from roadstead.git.transfer.updating import update_refs
from roadstead.git.transfer.waiting import locked
from roadstead.model import Identity, Repository
from roadstead.pushed import NO_OBJECT, RefChange


class RefMoved(Conflict):
    """A ref is not at the object that the caller has seen there; nothing was changed."""

    def __init__(self, ref: str) -> None:
        _, name = kind_and_name(ref) or ("", ref)
        super().__init__(f"{name} was changed meanwhile.", "Nothing was changed. Read it again, then try again.")
        self.ref = ref


async def push_changes(host: Host, identity: Identity, repository: Repository, changes: Sequence[RefChange]) -> None:
    """Change all the refs, or none.

    Raise `RefMoved` if one is not at its `old` object, `InvalidInput` for a name that no ref may have, as `hold` if
    the caller may not write, `HostBusy`, and `GitFailed`, for instance if there is no object `new`.
    """
    for change in changes:
        if (reason := reason_against(change.ref)) is not None:
            raise InvalidInput(reason)
    folder = folder_of(host, repository)
    async with locked(locks.shared, folder) as lock:
        push = await begin(host, identity, repository, new_id(), changes)
        try:
            await update_refs(folder, push.id, lock, push.changes)
        except GitFailed as exc:
            await finish(host, repository, push)
            raise _refusal(folder, changes, exc) from exc
        await finish(host, repository, push, push.changes)


def _refusal(folder: Path, changes: Sequence[RefChange], failure: GitFailed) -> RoadsteadError:
    now = refs_now(folder, [change.ref for change in changes])
    for change in changes:
        there = now[change.ref]
        if (NO_OBJECT if there is None else there.target) != change.old:
            return RefMoved(change.ref)
    return failure
