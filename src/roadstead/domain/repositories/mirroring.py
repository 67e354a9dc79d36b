"""Take the mirror of refs from a repository that did not come by pushes: an import, a fork, a restored one."""

import asyncio
from pathlib import Path

from roadstead.git import refs
from roadstead.git.transfer.names import BRANCH, NOTE, TAG
from roadstead.git.transfer.outcome import refs_now
from roadstead.pushed import Ref
from roadstead.storage.database import Transaction
from roadstead.storage.refs import replace_refs


async def mirror_all(tx: Transaction, repository_id: int, folder: Path) -> None:
    """Make the mirror say what the repository has. Nobody may be pushing to it. Raise `GitFailed`."""
    names = [ref.name for ref in await refs.read_all(folder, BRANCH, TAG, NOTE)]
    await replace_refs(tx, repository_id, await asyncio.to_thread(_read, folder, names))


def _read(folder: Path, names: list[str]) -> list[Ref]:
    return [ref for ref in refs_now(folder, names).values() if ref is not None]
