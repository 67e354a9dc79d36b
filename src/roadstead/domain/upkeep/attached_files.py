"""The files that belong to repositories, in an export: one heading each, then the content in pieces, then its hash.

    {"file": "lfs", "repository": "{8c3f…}", "name": "9f86d0…", "size": 4}
    "dGVzdA=="                                                  a piece in base64; then more
    {"sha256": "9f86d0…"}

They come after all repositories: objects of git LFS, and files for downloading. The rows of the latter are older, so a
file may be gone that had a row when the export began.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from uuid import UUID

from roadstead.domain.host import Host
from roadstead.domain.repositories.stored_files import Draft, StoredFiles, downloads_in, lfs_objects_in, read_pieces
from roadstead.errors import InvalidInput, StorageUnusable
from roadstead.storage.database import Transaction
from roadstead.storage.transfer import download_files, repository_ids

_LFS = "lfs"
_DOWNLOADS = "downloads"
_NAME = re.compile("[0-9a-f]{64}")
"""Of an object, and the random one of a file for downloading."""


class Heading(NamedTuple):
    """Before the content of a file. An object of LFS has its SHA-256 as the name."""

    kind: str
    repository: str
    name: str
    size: int


def _kinds(data: Path) -> Mapping[str, StoredFiles]:
    return {_LFS: lfs_objects_in(data), _DOWNLOADS: downloads_in(data)}


async def lines_of_files(
    host: Host, repositories: Iterable[str], downloads: Iterable[tuple[str, str]]
) -> AsyncIterator[object]:
    """Yield the lines of all objects of some repositories, and of some downloads. Raise `StorageUnusable`."""
    objects = lfs_objects_in(host.settings.data)
    names = [(_LFS, uuid, name) for uuid in repositories for name in sorted(objects.names(uuid))]
    for kind, uuid, name in (*names, *((_DOWNLOADS, *one) for one in downloads)):
        path = _kinds(host.settings.data)[kind].path(uuid, name)
        if path.exists():
            async for line in _lines(path, Heading(kind, uuid, name, path.stat().st_size)):
                yield line


async def _lines(path: Path, heading: Heading) -> AsyncIterator[object]:
    kind, uuid, name, size = heading
    yield {"file": kind, "repository": uuid, "name": name, "size": size}
    content = hashlib.sha256()
    async for piece in read_pieces(path, 0, size):
        content.update(piece)
        yield base64.b64encode(piece).decode()
    if kind == _LFS and content.hexdigest() != name:
        raise StorageUnusable(
            f"The LFS object {name} of the repository {uuid} is damaged.", "Find all with: roadstead repo check"
        )
    yield {"sha256": content.hexdigest()}


class ReceivingFiles:
    """Stores the files of an export while it is read. If its block fails, it removes them."""

    def __init__(self, host: Host) -> None:
        self._kinds = _kinds(host.settings.data)
        self._made: set[tuple[str, str, str]] = set()
        self._heading: Heading | None = None
        self._drafts = AsyncExitStack()
        self._draft: Draft | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._drafts.aclose()
        if kind is not None:
            for of_kind, uuid, _ in self._made:
                await self._kinds[of_kind].remove_all(uuid)

    @property
    def is_open(self) -> bool:
        """Return whether a file was begun and has not ended."""
        return self._draft is not None

    async def begin(self, heading: Heading) -> None:
        """Begin a file. Raise `ValueError` for one that cannot be, because its name would lead elsewhere."""
        if self.is_open or heading.kind not in self._kinds or not _NAME.fullmatch(heading.name):
            raise ValueError("A heading of a file is not right.")
        UUID(heading.repository)
        self._heading = heading
        self._draft = await self._drafts.enter_async_context(self._kinds[heading.kind].draft(heading.name))

    async def add(self, piece: str) -> None:
        """Add a piece to the file that was begun. Raise `ValueError` if this is no base64."""
        assert self._draft is not None  # noqa: S101  # `is_open`
        try:
            await self._draft.write(base64.b64decode(piece, validate=True))
        except binascii.Error as exc:
            raise ValueError("A piece of a file is not base64.") from exc

    async def end(self, sha256: str) -> None:
        """Move the file that was begun to its place. Raise `ValueError` if it is not what its heading and end say."""
        if self._draft is None or self._heading is None:
            raise ValueError("The end of a file comes before its heading.")
        draft, (kind, uuid, name, size) = self._draft, self._heading
        await draft.complete()
        if (draft.digest, draft.size) != (sha256, size) or (kind == _LFS and draft.digest != name):
            raise ValueError(f"The file {name} of the repository {uuid} has another size or SHA-256.")
        self._made.add((kind, uuid, name))
        await self._kinds[kind].keep(draft, uuid)
        await self._drafts.aclose()
        self._draft = self._heading = None

    async def check(self, tx: Transaction) -> None:
        """Raise `InvalidInput` for a file without its repository or its row, and for one without an end."""
        repositories, downloads = await repository_ids(tx), set(await download_files(tx))
        alone = [
            name
            for kind, uuid, name in self._made
            if uuid not in repositories or (kind == _DOWNLOADS and (uuid, name) not in downloads)
        ]
        if alone or self.is_open:
            raise InvalidInput(
                "The files of the export are not those of its rows.", f"{min(alone, default='The last')} has no row."
            )
