"""Take the mirror of refs from a repository that did not come by pushes: an import, a fork, a restored one."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from roadstead.git import refs
from roadstead.git.transfer.outcome import mirrored
from roadstead.pushed import Ref
from roadstead.storage.database import Transaction
from roadstead.storage.refs import replace_refs

_AT_ONCE = 50
"""Refs that are read before other tasks have their turn."""


async def refs_of(folder: Path) -> Sequence[Ref]:
    """Return what the mirror is to have of a repository. Raise `GitFailed`."""
    there = await refs.read_all(folder)
    found: list[Ref | None] = []
    for start in range(0, len(there), _AT_ONCE):  # by the loop's thread, to which open repositories belong
        found += [mirrored(folder, ref.name, ref.target, ref.commit) for ref in there[start : start + _AT_ONCE]]
        await asyncio.sleep(0)
    return [ref for ref in found if ref is not None]


async def mirror_all(tx: Transaction, repository_id: int, folder: Path) -> None:
    """Replace the mirror by the refs of the repository. No push to it may run meanwhile. Raise `GitFailed`."""
    await replace_refs(tx, repository_id, await refs_of(folder))
