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

from roadstead.domain.access.git_places import account_of
from roadstead.domain.host import Host
from roadstead.domain.repositories.commits import folder_of
from roadstead.domain.repositories.journal import begin, finish, new_id
from roadstead.errors import InvalidInput, RoadsteadError
from roadstead.git import locks
from roadstead.git.objects import kind_of
from roadstead.git.ref_names import reason_against
from roadstead.git.refs import update
from roadstead.model import Identity, Repository
from roadstead.pushed import RefChange


async def push_changes(host: Host, identity: Identity, repository: Repository, changes: Sequence[RefChange]) -> None:
    """Change all the refs, or none.

    Raise `RefChanged` if one is not at its `old` object or cannot be beside another ref, `InvalidInput` for an invalid
    name and for a missing object, as `hold_repository` does if the caller may not write, and `HostBusy`.
    """
    folder = folder_of(host, repository)
    for change in changes:
        if (reason := _reason_against(folder, change)) is not None:
            raise InvalidInput(reason)
    async with host.writing.place(account_of(identity)), locks.wait_for(locks.shared, folder) as lock:
        push = await begin(host, identity, repository, new_id(), changes)
        try:
            await update(folder, changes, push_id=push.id, passed=[lock])
        except RoadsteadError:
            await finish(host, repository, push)
            raise
        await finish(host, repository, push, changes)


def _reason_against(folder: Path, change: RefChange) -> str | None:
    if change.old == change.new:
        return f"{change.ref} would not change."
    if not change.deletes and kind_of(folder, change.new) is None:
        return f"There is no object {change.new}."
    return reason_against(change.ref)
