"""Contents of files: small ones at once, large ones from a process, as fast as the reader takes them."""

from collections.abc import AsyncGenerator
from pathlib import Path

from roadstead.git.objects import NoSuchObject, data_of, header_of
from roadstead.git.opened import repository
from roadstead.git.processes import Child, Limits

INLINE = 1 << 20
"""Bytes that take the loop some milliseconds."""


def size(folder: Path, blob: str) -> int:
    """Return the size of a file's content, without reading it. Raise `NoSuchObject`."""
    kind, length = header_of(repository(folder), blob)
    if kind != "blob":
        raise NoSuchObject("file", blob)
    return length


def content(folder: Path, blob: str) -> bytes:
    """Return the content of a file, of which the caller knows that it is small. Raise `NoSuchObject`."""
    return data_of(repository(folder), "blob", blob)


async def pieces(folder: Path, blob: str, *, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
    """Yield the content of a file from one byte to before another. Raise `NoSuchObject`, `GitFailed`."""
    length = size(folder, blob)
    stop = length if end is None else min(end, length)
    if length <= INLINE:
        yield content(folder, blob)[start:stop]
        return
    async with Child(folder, "cat-file", "blob", "--end-of-options", blob, limits=Limits(output=length)) as git:
        at = 0
        async for piece in git.pieces():
            yield piece[max(start - at, 0) : max(stop - at, 0)]
            at += len(piece)
            if at >= stop:
                return
        await git.end()
