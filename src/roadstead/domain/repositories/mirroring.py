"""Take the mirror of refs from a repository that did not come by pushes: an import, a fork, a restored one."""

from collections.abc import Sequence
from pathlib import Path

from roadstead.git import refs
from roadstead.git.transfer.outcome import mirrored
from roadstead.pushed import Ref
from roadstead.storage.database import Transaction
from roadstead.storage.refs import replace_refs
from roadstead.turns import by_turns


async def refs_of(folder: Path) -> Sequence[Ref]:
    """Return what the mirror is to have of a repository. Raise `GitFailed`."""
    # By the loop's thread, to which open repositories belong.
    there = by_turns(await refs.read_all(folder))
    found = [mirrored(folder, ref.name, ref.target, ref.commit) async for ref in there]
    return [ref for ref in found if ref is not None]


async def mirror_all(tx: Transaction, repository_id: int, folder: Path) -> None:
    """Replace the mirror by the refs of the repository. No push to it may run meanwhile. Raise `GitFailed`."""
    await replace_refs(tx, repository_id, await refs_of(folder))
