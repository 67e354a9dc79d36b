"""Pages of commits: those that are reachable from some and not from others, and that change a path.

A page gives the caller the start of the next, which has the open ends of the history. So each page costs what the first
costs. If there are too many open ends for an address, git skips the commits of earlier pages.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from roadstead.domain.repositories.commits import find_hash, is_possible
from roadstead.domain.repositories.reading import Reading
from roadstead.errors import InvalidInput
from roadstead.git import history, path_history
from roadstead.git.frontier import bytes_of, from_text, ids_in, not_ours, to_text
from roadstead.git.objects import Commit
from roadstead.storage.refs import list_tips

MOST_IDS = 60
"""Ids in the start of a page. An address with so many has some 2 KB."""
_MOST_REVISIONS = 1000
"""Revisions in a request. To look up so many takes the loop some 20 ms."""
_CHARACTERS = 26
"""Of `after` for each id, rounded down."""


class PageStart(msgspec.Struct, frozen=True):
    """Where a page begins: after `skip` of the commits that are reachable from `include` and not from `exclude`.

    Without `include` these are all branches and tags. A `path` is that of a file or folder that the commits change.
    `after` has the open ends of the history there, if they are few.
    """

    include: tuple[str, ...] | None
    exclude: tuple[str, ...] = ()
    path: bytes = b""
    skip: int = 0
    after: str = ""


class Page(NamedTuple):
    """Some commits, and where the next page begins; `None` at the end."""

    commits: list[Commit]
    next: PageStart | None


class _Packed(msgspec.Struct, array_like=True):
    """The start of a page in an address, with ids one after the other."""

    include: bytes | None
    exclude: bytes
    path: bytes
    skip: int
    after: str


def beginning(
    reading: Reading, include: Iterable[str] | None, exclude: Iterable[str], path: bytes, *, skip: int = 0
) -> PageStart:
    """Return the start of the first page of a request. Raise `NoSuchCommit` and `InvalidInput`."""
    included, excluded = dict.fromkeys(include or ()), dict.fromkeys(exclude)
    if len(included) + len(excluded) > _MOST_REVISIONS:
        raise InvalidInput(f"At most {_MOST_REVISIONS} revisions are taken in `include` and `exclude` together.")
    tips = None if include is None else _hashes(reading.folder, included)
    return PageStart(tips, _hashes(reading.folder, excluded), path, skip)


def _hashes(folder: Path, revisions: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(find_hash(folder, revision) for revision in revisions))


def text_of(start: PageStart) -> str:
    """Return the start of a page as a text for an address. Raise `InvalidInput` if it has too many ids."""
    include, exclude = start.include or (), start.exclude
    if len(include) + len(exclude) > MOST_IDS:
        raise InvalidInput(
            "There is more than one page, and too many commits were named to continue.",
            f"Name at most {MOST_IDS} in `include` and `exclude` together, or ask for a longer page.",
        )
    included = None if start.include is None else bytes_of(include)
    packed = _Packed(included, bytes_of(exclude), start.path, start.skip, start.after)
    return to_text(msgspec.msgpack.encode(packed))


def start_of(text: str) -> PageStart:
    """Return the start that `text_of` made a text of. Raise `InvalidInput` for any other text."""
    try:
        packed = msgspec.msgpack.decode(from_text(text), type=_Packed)
    except (ValueError, msgspec.DecodeError) as exc:
        raise not_ours() from exc
    include = None if packed.include is None else ids_in(packed.include)
    start = PageStart(include, ids_in(packed.exclude), packed.path, packed.skip, packed.after)
    if not 0 <= start.skip < 1 << 31 or len(start.include or ()) + len(start.exclude) > MOST_IDS:
        raise not_ours()
    return start


async def page(reading: Reading, start: PageStart, length: int) -> Page:
    """Return a page of commits, the latest first, as `git log` orders them: fewer where messages are long.

    Raise `NoSuchObject`, `GitLimit` and `HostBusy`.
    """
    start = await with_tips(reading, start)
    if start.include == () or not is_possible(start.path):
        return Page([], None)
    if start.exclude and not start.path and start.include is not None:
        return await _page_of_range(reading, start, length)
    if start.include is None or start.path or (start.skip and not start.after):
        return await _page_by_number(reading, start, length)
    found = await history.page(reading.folder, start.include, length=length, after=start.after or None)
    return Page(found.commits, _following(start, len(found.commits), found.next) if found.next else None)


def _following(start: PageStart, length: int, after: str) -> PageStart:
    """Return the start of the page after some commits, without open ends if they are too many for an address."""
    fits = len(start.include or ()) + len(after) // _CHARACTERS <= MOST_IDS
    return msgspec.structs.replace(start, skip=start.skip + length, after=after if fits else "")


async def with_tips(reading: Reading, start: PageStart) -> PageStart:
    """Return the start of a page, with the commits of all branches and tags if it names none and they are few."""
    if start.include is not None:
        return start
    tips = await list_tips(reading.host.store.database, reading.repository.id, MOST_IDS + 1)
    if len(tips) > MOST_IDS:
        return start
    return msgspec.structs.replace(start, include=tuple(dict.fromkeys(tips)))


async def _page_of_range(reading: Reading, start: PageStart, length: int) -> Page:
    """Return a page of commits without excluded ones. Mostly they are so few that git need not run."""
    async with reading.process():
        found = await history.page(
            reading.folder, start.include or (), start.exclude, length=length, after=str(start.skip)
        )
    return Page(found.commits, _following(start, len(found.commits), "") if found.next else None)


async def _page_by_number(reading: Reading, start: PageStart, length: int) -> Page:
    folder, paths = reading.folder, [start.path] if start.path else []
    async with reading.process():
        ids = await path_history.commits_of(
            folder, start.include, paths, exclude=start.exclude, skip=start.skip, length=length + 1
        )
    commits = history.first_of(folder, ids[:length])
    return Page(commits, _following(start, len(commits), "") if len(ids) > len(commits) else None)
