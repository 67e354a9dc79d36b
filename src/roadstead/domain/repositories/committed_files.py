"""The files of a commit and their contents; a pointer of git LFS has that of its object."""

from functools import partial
from pathlib import Path

from roadstead.domain.host import Host
from roadstead.domain.repositories import lfs
from roadstead.domain.repositories.content import Content
from roadstead.domain.repositories.lfs import LfsObject
from roadstead.domain.repositories.reading import Reading
from roadstead.domain.repositories.source import Place, mimetype_of, pieces_of
from roadstead.domain.repositories.transfers import Transfer
from roadstead.errors import InvalidInput
from roadstead.git import blobs
from roadstead.git.trees import Entry
from roadstead.model import UNIDENTIFIED

HASH_BYTES = 40
"""Of the content of a submodule: the hash of its commit."""
_OVERHEAD = 500
"""Bytes that keeping a content takes beside it."""


async def content_of(reading: Reading, place: Place) -> Content:
    """Return the content of a file: of a link its target, of a submodule the hash of its commit.

    A pointer of git LFS has that of its object, if the repository has the object.
    """
    entry = place.entry
    tag = f"{entry.id}-{entry.mode:o}"
    if entry.kind == "submodule":
        return Content(tag, "text/plain", HASH_BYTES, lambda start, end: entry.id[start:end].encode())
    content = _short_content(reading.host, place)
    if content is None:
        size, pieces = blobs.size(place.folder, entry.id), partial(pieces_of, reading, entry.id)
        return Content(tag, mimetype_of(entry.path) or "application/octet-stream", size, pieces)
    if (pointer := _pointer_in(entry, content)) is not None and (found := await _object(reading, entry, pointer)):
        return found
    kind = mimetype_of(entry.path) or ("application/octet-stream" if b"\0" in content else "text/plain")
    return Content(tag, kind, len(content), lambda start, end: content[start:end])


async def whole(reading: Reading, place: Place, *, most: int) -> bytes | None:
    """Return what `content_of` returns if it has at most so many bytes, else nothing. Raise `HostBusy`."""
    content = await content_of(reading, place)
    if content.length > most:
        return None
    read = content.read(0, content.length)
    return read if isinstance(read, bytes) else b"".join([piece async for piece in read])


async def _object(reading: Reading, entry: Entry, pointer: LfsObject) -> Content | None:
    """Return the content of the object that a pointer of git LFS names, or `None` if the repository has no such one."""
    transfer = Transfer(reading.host, UNIDENTIFIED, reading.repository, reading.caller)
    try:
        place = await lfs.find(transfer, pointer)
    except (lfs.NoSuchLfsObject, InvalidInput):
        return None
    kind = mimetype_of(entry.path) or "application/octet-stream"
    return Content(f"{pointer.oid}-{entry.mode:o}", kind, pointer.size, partial(lfs.download, transfer, place))


def pointer_at(folder: Path, entry: Entry, size: int | None) -> LfsObject | None:
    """Return the object of git LFS that a file of this size names, if it is a pointer. Others are not read."""
    return _pointer_in(entry, blobs.content(folder, entry.id)) if size in lfs.POINTER_BYTES else None


def _pointer_in(entry: Entry, content: bytes) -> LfsObject | None:
    return None if entry.is_link else lfs.pointed_to(content)


def _short_content(host: Host, place: Place) -> bytes | None:
    """Return the content of a file, unless it is long. It is kept: what an id names in a repository never changes."""
    key, kept = (Content, place.folder, place.entry.id), host.store.memory.kept
    content: bytes | None = kept.find(key, None)
    if content is None and blobs.size(place.folder, place.entry.id) <= blobs.INLINE:
        content = blobs.content(place.folder, place.entry.id)
        kept.keep(key, None, content, len(content) + _OVERHEAD)
    return content
