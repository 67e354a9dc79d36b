"""Files of repositories that git does not have, in folders named by the UUID of the repository.

downloads/ab/cd/abcd…/…      files for downloading, under random names
lfs/ab/cd/abcd…/…            objects of git LFS, each under the SHA-256 of its content
downloads/tmp/…, lfs/tmp/…   one that is being uploaded: it appears at its place complete, or not at all
"""

import asyncio
import contextlib
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from pathlib import Path
from uuid import UUID

from roadstead.errors import StorageUnusable
from roadstead.git.disk import link, sync

_PIECE = 256 * 1024
_AT_ONCE = 1024 * 1024
"""Bytes that are written at once: handing work to a thread costs as much as writing some pieces."""
_DAY = 86400.0


class StoredFiles:
    """The files of one kind, in the data folder of a host."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, repository_uuid: str, file: str) -> Path:
        """Return where a file of a repository is, there or not."""
        return self._folder(repository_uuid) / file

    def names(self, repository_uuid: str) -> list[str]:
        """Return the names of all files of a repository."""
        with contextlib.suppress(FileNotFoundError):
            return os.listdir(self._folder(repository_uuid))  # noqa: PTH208
        return []

    def size(self, repository_uuid: str) -> int:
        """Return how many bytes all files of a repository have."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self._folder(repository_uuid)) as files:
            return sum(file.stat().st_size for file in files)
        return 0

    def digest(self, repository_uuid: str, name: str) -> str:
        """Return the SHA-256 of a file, in hexadecimal digits. It is read wholly."""
        with self.path(repository_uuid, name).open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()

    def changed_on(self, repository_uuid: str) -> float:
        """Return when a repository last got or lost a file, in Unix time."""
        return self._folder(repository_uuid).stat().st_mtime

    def draft(self, name: str | None = None) -> "Draft":
        """Return a new file to write, which is to have a name, or a random one."""
        path = self.root / "tmp" / secrets.token_hex(32)
        return Draft(path, name or path.name)

    async def share(self, repository_uuid: str, with_uuid: str) -> None:
        """Link all files of a repository into another, or copy them. Raise `StorageUnusable`."""
        with _told():
            await asyncio.to_thread(self._link_all, repository_uuid, with_uuid)

    async def keep(self, draft: "Draft", repository_uuid: str) -> None:
        """Move a complete file to its place durably. Raise `StorageUnusable`."""
        with _told():
            await asyncio.to_thread(_put, draft.path, self.path(repository_uuid, draft.file), self.root)

    async def remove(self, repository_uuid: str, file: str) -> None:
        """Remove a file, there or not."""
        with contextlib.suppress(OSError):  # `sweep` finds it again
            await asyncio.to_thread(self.path(repository_uuid, file).unlink)

    async def remove_all(self, repository_uuid: str) -> None:
        """Remove all files of a repository."""
        await asyncio.to_thread(shutil.rmtree, self._folder(repository_uuid), ignore_errors=True)

    async def sweep(self, known: Callable[[str], Awaitable[set[str]]], *, older_than: float = _DAY) -> None:
        """Remove old files that killed processes left: `known` returns the names to keep of a repository."""
        before = time.time() - older_than
        for folder in await asyncio.to_thread(self._folders):
            old = await asyncio.to_thread(_old_files, folder, before)
            kept = await known(f"{{{folder.name}}}") if old and folder.name != "tmp" else set()
            for file in old:
                if file.name not in kept:
                    with contextlib.suppress(OSError):
                        await asyncio.to_thread(file.unlink)

    def _link_all(self, repository_uuid: str, with_uuid: str) -> None:
        place = self._folder(with_uuid)
        for name in self.names(repository_uuid):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            link(self.path(repository_uuid, name), place / name)
        _sync_up(place, self.root)

    def _folder(self, repository_uuid: str) -> Path:
        name = str(UUID(repository_uuid))
        return self.root / name[:2] / name[2:4] / name

    def _folders(self) -> list[Path]:
        return [*self.root.glob("tmp"), *self.root.glob("??/??/*")]


def downloads_in(data: Path) -> StoredFiles:
    """Return the files for downloading in a data folder."""
    return StoredFiles(data / "downloads")


def lfs_objects_in(data: Path) -> StoredFiles:
    """Return the objects of git LFS in a data folder."""
    return StoredFiles(data / "lfs")


class Draft:
    """A file that is being written. Leaving its `with` block removes it, unless it was moved to its place."""

    def __init__(self, path: Path, file: str) -> None:
        self.path = path
        self.file = file
        """The name at its place."""
        self.size = 0
        self._hash = hashlib.sha256()
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._descriptor = -1
        self._running: asyncio.Future[None] | None = None

    @property
    def digest(self) -> str:
        """Return the SHA-256 of what is on the disk, in hexadecimal digits."""
        return self._hash.hexdigest()

    async def __aenter__(self) -> "Draft":
        with _told():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._running is not None:
            await asyncio.wait([self._running])  # a thread may still use the descriptor of a caller who has left
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self.path.unlink(missing_ok=True)

    async def write(self, piece: bytes) -> None:
        """Add a piece. Raise `StorageUnusable`, for instance when the disk is full."""
        self.size += len(piece)
        self._pieces.append(piece)
        self._waiting += len(piece)
        if self._waiting >= _AT_ONCE:
            await self._flush()

    async def complete(self) -> None:
        """Write everything to the disk. Raise as `write` does."""
        await self._flush()
        await self._in_thread(os.fsync, self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1

    async def _flush(self) -> None:
        content, self._pieces, self._waiting = b"".join(self._pieces), [], 0
        await self._in_thread(self._add, content)

    def _add(self, content: bytes) -> None:
        _write(self._descriptor, content)
        self._hash.update(content)

    async def _in_thread(self, do: Callable[..., None], *arguments: object) -> None:
        self._running = asyncio.ensure_future(asyncio.to_thread(do, *arguments))
        with _told():
            await asyncio.shield(self._running)


async def read_pieces(path: Path, start: int, end: int) -> AsyncGenerator[bytes, None]:
    """Yield the content of a file from one byte to before another. Raise `StorageUnusable` if it is gone meanwhile."""
    try:
        opened = await asyncio.to_thread(path.open, "rb")
    except OSError as exc:
        raise StorageUnusable("The file cannot be read.", f"{exc.strerror}.") from exc
    try:
        opened.seek(start)
        while start < end and (piece := await asyncio.to_thread(opened.read, min(_PIECE, end - start))):
            start += len(piece)
            yield piece
    finally:
        opened.close()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Raise `StorageUnusable`, with the system's reason, for each `OSError` of the block."""
    try:
        yield
    except OSError as exc:
        raise StorageUnusable("The file cannot be stored.", f"{exc.strerror}. Nothing was changed.") from exc


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _put(draft: Path, place: Path, root: Path) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft.rename(place)
    _sync_up(place.parent, root)


def _sync_up(folder: Path, root: Path) -> None:
    """Wait until the names in a folder, and in those up to the root, are on the disk."""
    for one in (folder, *folder.parents):
        if one.exists():
            sync(one)
        if one == root:
            break


def _old_files(folder: Path, before: float) -> list[Path]:
    with contextlib.suppress(OSError):
        return [file for file in folder.iterdir() if file.stat().st_mtime < before]
    return []
