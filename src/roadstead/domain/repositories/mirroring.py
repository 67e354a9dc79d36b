"""Take the mirror of refs from a repository that did not come by pushes: an import, a fork, a restored one."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from roadstead.git import refs
from roadstead.git.transfer.outcome import mirrored
from roadstead.pushed import Ref
from roadstead.storage.database import Transaction
from roadstead.storage.refs import replace_refs
from roadstead.turns import by_turns


async def refs_of(folder: Path) -> Sequence[Ref]:
    """Return what the mirror is to have of a repository. Raise `GitFailed`."""
    return await mirror_of(folder, await refs.read_all(folder))


async def mirror_of(folder: Path, there: Iterable[refs.GitRef]) -> Sequence[Ref]:
    """Return what the mirror is to have of these refs of a repository. Raise `GitFailed`."""
    # By the loop's thread, to which open repositories belong.
    found = [mirrored(folder, ref.name, ref.target, ref.commit) async for ref in by_turns(there)]
    return [ref for ref in found if ref is not None]


async def mirror_all(tx: Transaction, repository_id: int, folder: Path) -> None:
    """Replace the mirror by the refs of the repository. No push to it may run meanwhile. Raise `GitFailed`."""
    await replace_refs(tx, repository_id, await refs_of(folder))
