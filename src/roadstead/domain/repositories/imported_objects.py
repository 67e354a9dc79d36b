"""The objects of git LFS that a repository on this machine has: an import brings them along."""

import asyncio
import re
from pathlib import Path

from roadstead.domain.repositories.stored_files import StoredFiles, read_pieces
from roadstead.errors import InvalidInput

_OID = re.compile("[0-9a-f]{64}")


async def bring_objects(origin: Path, files: StoredFiles, uuid: str) -> None:
    """Store the objects that git-lfs keeps in the folder of a repository. Raise `InvalidInput` for a damaged one."""
    for path in await asyncio.to_thread(_objects, origin):
        async with files.draft(path.name) as draft:
            async for piece in read_pieces(path, 0, path.stat().st_size):
                await draft.write(piece)
            await draft.complete()
            if draft.digest != path.name:
                raise InvalidInput(f"The LFS object {path} is damaged.", "Remove it, and fetch it: git lfs fetch --all")
            await files.keep(draft, uuid)


def _objects(origin: Path) -> list[Path]:
    return [path for path in origin.glob("lfs/objects/??/??/*") if _OID.fullmatch(path.name) and path.is_file()]
