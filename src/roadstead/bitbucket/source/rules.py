"""Pages of folders, and the contents of files."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from roadstead.api.files import Content
from roadstead.bitbucket.source.model import FileVersion, Listed, facts_of
from roadstead.domain.host import Host
from roadstead.domain.rendering.markdown import LONGEST, as_it_is
from roadstead.domain.repositories import lfs
from roadstead.domain.repositories.known import html_of
from roadstead.domain.repositories.lfs import Wanted
from roadstead.domain.repositories.reading import Reading
from roadstead.domain.repositories.source import Place, mimetype_of, pieces_of
from roadstead.domain.repositories.transfers import Transfer
from roadstead.errors import InvalidInput
from roadstead.git import blobs, objects, path_history, trees
from roadstead.git.trees import Entry, NoSuchPath
from roadstead.listing import PageRequest
from roadstead.model import UNIDENTIFIED
from roadstead.query import Expression, in_order, matches
from roadstead.shapes.rendered import Rendered
from roadstead.shapes.rendered import rendered as shape

_TURN = 500
"""Files and folders that take the loop a few milliseconds."""
_HASH_BYTES = 40
_MARKDOWN = (b".md", b".markdown", b".mkd", b".mkdn", b".mdown")
_PLAIN_TEXT = (b".text", b".rst", b".textile")
_MOST_RENDERED = 4 * LONGEST
_OVERHEAD = 500
"""Bytes that keeping a content takes beside it."""
_MOST_JUDGED = 1000
"""Changes of a file that a filter or an order looks at."""


class Page(NamedTuple):
    """A page of files and folders, and whether more follows."""

    items: list[Listed]
    has_next: bool


async def page_of_folder(place: Place, wanted: PageRequest, depth: int) -> Page:
    """Return a page of what is in a folder, and in those below it to a depth.

    Raise `GitLimit` if there is too much to look at.
    """
    tree = objects.commit(place.folder, place.commit).tree
    entries = trees.walk(place.folder, tree, place.entry.path, depth=depth)
    if wanted.filter is None and wanted.sort is None:
        await _skip(entries, wanted.skip)
        return _page(_listed(place, list(islice(entries, wanted.length + 1))), wanted)
    found: list[dict[str, Any]] = []
    async for facts in _matching(place, entries, wanted.filter):
        found.append(facts)
        if wanted.sort is None and len(found) > wanted.skip + wanted.length:
            break
    ordered = found if wanted.sort is None else in_order(found, wanted.sort)
    return _page([facts["listed"] for facts in ordered[wanted.skip : wanted.skip + wanted.length + 1]], wanted)


async def changes_of(
    reading: Reading, place: Place, wanted: PageRequest, *, renames: bool
) -> tuple[list[FileVersion], bool]:
    """Return the commits of a page that changed a file, the latest first, and whether more follow.

    For a filter or an order, return the last thousand instead. Raise `HostBusy`, and `GitLimit` if it takes too long.
    """
    async with reading.process():
        if wanted.filter is not None or wanted.sort is not None:
            return await _history(place, renames, 0, _MOST_JUDGED), False
        found = await _history(place, renames, wanted.skip, wanted.length + 1)
    return found[: wanted.length], len(found) > wanted.length


async def _history(place: Place, renames: bool, skip: int, length: int) -> list[FileVersion]:
    folder, commit, entry = place
    follow = renames and entry.kind != "folder"
    found = await path_history.file_history(folder, commit, entry.path, renames=follow, skip=skip, length=length)
    return [_change(place, one.commit, entry.path if entry.kind == "folder" else one.path) for one in found]


def _change(place: Place, commit: str, path: bytes) -> FileVersion:
    made = objects.commit(place.folder, commit)
    try:
        entry = trees.entry(place.folder, made.tree, path)
    except NoSuchPath:
        return FileVersion(made, path, None)
    return FileVersion(made, path, _listed(place, [entry])[0])


def listed(place: Place) -> Listed:
    """Return a place as lists contain it."""
    return _listed(place, [place.entry])[0]


async def content_of(reading: Reading, place: Place) -> Content:
    """Return the content of a file: of a link its target, of a submodule the hash of its commit.

    A pointer of git LFS has that of its object, if the repository has the object.
    """
    entry = place.entry
    tag = f"{entry.id}-{entry.mode:o}"
    if entry.kind == "submodule":
        return Content(tag, "text/plain", _HASH_BYTES, lambda start, end: entry.id[start:end].encode())
    content = _short_content(reading.host, place)
    if content is None:
        size, pieces = blobs.size(place.folder, entry.id), partial(pieces_of, reading, entry.id)
        return Content(tag, mimetype_of(entry.path) or "application/octet-stream", size, pieces)
    if (pointer := _pointer(entry, content)) is not None and (found := await _object(reading, entry, pointer)):
        return found
    kind = mimetype_of(entry.path) or ("application/octet-stream" if b"\0" in content else "text/plain")
    return Content(tag, kind, len(content), lambda start, end: content[start:end])


async def _object(reading: Reading, entry: Entry, pointer: Wanted) -> Content | None:
    """Return the content of the object that a pointer of git LFS names, or `None` if the repository has no such one."""
    transfer = Transfer(reading.host, UNIDENTIFIED, reading.repository, reading.caller)
    try:
        place = await lfs.find(transfer, pointer)
    except (lfs.NoSuchObject, InvalidInput):
        return None
    kind = mimetype_of(entry.path) or "application/octet-stream"
    return Content(f"{pointer.oid}-{entry.mode:o}", kind, pointer.size, partial(lfs.download, transfer, place))


def _pointer(entry: Entry, content: bytes) -> Wanted | None:
    return None if entry.is_link else lfs.pointed_to(content)


async def rendered(reading: Reading, place: Place) -> Rendered:
    """Return the text of a file with its HTML: Markdown with links, or paragraphs of plain text.

    Raise `InvalidInput` for a file that is no such text, and as `Renderer.render` does.
    """
    name = place.entry.path.lower()
    is_named = place.entry.kind == "file" and not place.entry.is_link and name.endswith((*_MARKDOWN, *_PLAIN_TEXT))
    content = _short_content(reading.host, place) if is_named else None
    if content is None or len(content) > _MOST_RENDERED or b"\0" in content:
        wrong = "It is no text, too long, or its name does not say Markdown, reStructuredText, Textile or text."
        raise InvalidInput("This cannot be rendered.", wrong, fields={"format": [wrong]})
    text = content.decode("utf-8", "replace")
    if name.endswith(_PLAIN_TEXT):
        return shape(text, as_it_is(text), "plaintext")
    return shape(text, (await html_of(reading, [text]))[text])


def _short_content(host: Host, place: Place) -> bytes | None:
    """Return the content of a file, unless it is long. It is kept: what an id names in a repository never changes."""
    key, kept = (Content, place.folder, place.entry.id), host.store.memory.kept
    content: bytes | None = kept.find(key, None)
    if content is None and blobs.size(place.folder, place.entry.id) <= blobs.INLINE:
        content = blobs.content(place.folder, place.entry.id)
        kept.keep(key, None, content, len(content) + _OVERHEAD)
    return content


def _page(items: list[Listed], wanted: PageRequest) -> Page:
    """Return a page whose list has one item more than fits if there is more."""
    return Page(items[: wanted.length], len(items) > wanted.length)


async def _skip(entries: Iterator[Entry], number: int) -> None:
    """Skip some entries, and let others run meanwhile."""
    while number > 0 and (skipped := sum(1 for _ in islice(entries, min(number, _TURN)))):
        number -= skipped
        await asyncio.sleep(0)


async def _matching(
    place: Place, entries: Iterator[Entry], expression: Expression | None
) -> AsyncIterator[dict[str, Any]]:
    while batch := list(islice(entries, _TURN)):
        for facts in map(facts_of, _listed(place, batch)):
            if expression is None or matches(expression, facts):
                yield facts
        await asyncio.sleep(0)


def _listed(place: Place, entries: list[Entry]) -> list[Listed]:
    sizes = trees.sizes(place.folder, entries)
    found = [Listed(entry, _HASH_BYTES if size is None else size) for entry, size in zip(entries, sizes, strict=True)]
    return [_with_object(place, one) if one.size in lfs.POINTER_BYTES else one for one in found]


def _with_object(place: Place, listed: Listed) -> Listed:
    """Return a file that is as long as a pointer of git LFS with the size of its object, if it is one."""
    pointer = _pointer(listed.entry, blobs.content(place.folder, listed.entry.id))
    return listed if pointer is None else Listed(listed.entry, pointer.size, is_lfs=True)
