"""Pages of folders, the history of a file, and its text with HTML."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Any, NamedTuple

from roadstead.bitbucket.source.model import FileVersion, Listed, facts_of
from roadstead.domain.rendering.markdown import LONGEST, as_it_is
from roadstead.domain.repositories.committed_files import HASH_BYTES, pointer_at, whole
from roadstead.domain.repositories.known import html_of
from roadstead.domain.repositories.reading import Reading
from roadstead.domain.repositories.source import Place
from roadstead.errors import InvalidInput
from roadstead.git import objects, path_history, trees
from roadstead.git.trees import Entry, NoSuchPath
from roadstead.listing import PageRequest
from roadstead.query import Expression, in_order, matches
from roadstead.shapes.rendered import Rendered
from roadstead.shapes.rendered import rendered as shape

_TURN = 500
"""Files and folders that take the loop a few milliseconds."""
_MARKDOWN = (b".md", b".markdown", b".mkd", b".mkdn", b".mdown")
_PLAIN_TEXT = (b".text", b".rst", b".textile")
_MOST_RENDERED = 4 * LONGEST
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
    entries = trees.walk(place.folder, place.entry.id, place.entry.path, depth=depth)
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


async def rendered(reading: Reading, place: Place) -> Rendered:
    """Return the text of a file with its HTML: Markdown with links, or paragraphs of plain text.

    Of a pointer of git LFS it is that of its object. Raise `InvalidInput` for a file that is no such text, `HostBusy`,
    and as `Renderer.render` does.
    """
    name = place.entry.path.lower()
    is_named = place.entry.kind == "file" and not place.entry.is_link and name.endswith((*_MARKDOWN, *_PLAIN_TEXT))
    content = await whole(reading, place, most=_MOST_RENDERED) if is_named else None
    if content is None or b"\0" in content:
        wrong = "It is no text, too long, or its name does not say Markdown, reStructuredText, Textile or text."
        raise InvalidInput("This cannot be rendered.", wrong, fields={"format": [wrong]})
    text = content.decode("utf-8", "replace")
    if name.endswith(_PLAIN_TEXT):
        return shape(text, as_it_is(text), "plaintext")
    return shape(text, (await html_of(reading, [text]))[text])


def _page(items: list[Listed], wanted: PageRequest) -> Page:
    """Return a page of items, which are one more than fits if more follow."""
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
    return [_with_size(place, entry, size) for entry, size in zip(entries, sizes, strict=True)]


def _with_size(place: Place, entry: Entry, size: int | None) -> Listed:
    """Return a file with its size: a pointer of git LFS with that of its object."""
    pointer = pointer_at(place.folder, entry, size)
    if pointer is not None:
        return Listed(entry, pointer.size, is_lfs=True)
    return Listed(entry, HASH_BYTES if size is None else size)
