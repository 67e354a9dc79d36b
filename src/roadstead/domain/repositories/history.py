"""Pages of commits: those that are reachable from some and not from others, and that change a path.

A page gives the caller the `Place` of the next. It has the open ends of the history, so each page costs what the first
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
"""Ids in a place. An address with so many has some 2 KB."""
_MOST_REVISIONS = 1000
"""Revisions in a request. To look up so many takes the loop some 20 ms."""
_CHARACTERS = 26
"""Of `after` for each id, rounded down."""


class Place(msgspec.Struct, frozen=True):
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
    next: Place | None


class _Packed(msgspec.Struct, array_like=True):
    """A place as the address of a page has it, with ids one after the other."""

    include: bytes | None
    exclude: bytes
    path: bytes
    skip: int
    after: str


def beginning(
    reading: Reading, include: Iterable[str] | None, exclude: Iterable[str], path: bytes, *, skip: int = 0
) -> Place:
    """Return the place of the first page of a request. Raise `NoSuchCommit` and `InvalidInput`."""
    included, excluded = dict.fromkeys(include or ()), dict.fromkeys(exclude)
    if len(included) + len(excluded) > _MOST_REVISIONS:
        raise InvalidInput(f"At most {_MOST_REVISIONS} revisions are taken in `include` and `exclude` together.")
    tips = None if include is None else _hashes(reading.folder, included)
    return Place(tips, _hashes(reading.folder, excluded), path, skip)


def _hashes(folder: Path, revisions: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(find_hash(folder, revision) for revision in revisions))


def text_of(place: Place) -> str:
    """Return a place as a text for an address. Raise `InvalidInput` for one that has too many commits."""
    include, exclude = place.include or (), place.exclude
    if len(include) + len(exclude) > MOST_IDS:
        raise InvalidInput(
            "There is more than one page, and too many commits were named to continue.",
            f"Name at most {MOST_IDS} in `include` and `exclude` together, or ask for a longer page.",
        )
    included = None if place.include is None else bytes_of(include)
    packed = _Packed(included, bytes_of(exclude), place.path, place.skip, place.after)
    return to_text(msgspec.msgpack.encode(packed))


def place_of(text: str) -> Place:
    """Return the place that `text_of` made a text of. Raise `InvalidInput` for any other text."""
    try:
        packed = msgspec.msgpack.decode(from_text(text), type=_Packed)
    except (ValueError, msgspec.DecodeError) as exc:
        raise not_ours() from exc
    include = None if packed.include is None else ids_in(packed.include)
    place = Place(include, ids_in(packed.exclude), packed.path, packed.skip, packed.after)
    if not 0 <= place.skip < 1 << 31 or len(place.include or ()) + len(place.exclude) > MOST_IDS:
        raise not_ours()
    return place


async def page(reading: Reading, place: Place, length: int) -> Page:
    """Return the commits at a place, the latest first, as `git log` orders them: fewer where messages are long.

    Raise `NoSuchObject`, `GitLimit` and `HostBusy`.
    """
    place = await with_tips(reading, place)
    if place.include == () or not is_possible(place.path):
        return Page([], None)
    if place.exclude and not place.path and place.include is not None:
        return await _page_of_range(reading, place, length)
    if place.include is None or place.path or (place.skip and not place.after):
        return await _page_by_number(reading, place, length)
    found = await history.page(reading.folder, place.include, length=length, after=place.after or None)
    return Page(found.commits, _following(place, len(found.commits), found.next) if found.next else None)


def _following(place: Place, length: int, after: str) -> Place:
    """Return the place after a page of some commits. It has no open ends if these are too many for an address."""
    fits = len(place.include or ()) + len(after) // _CHARACTERS <= MOST_IDS
    return msgspec.structs.replace(place, skip=place.skip + length, after=after if fits else "")


async def with_tips(reading: Reading, place: Place) -> Place:
    """Return a place that names the commits of all branches and tags where it named none, if they are not too many."""
    if place.include is not None:
        return place
    tips = await list_tips(reading.host.store.database, reading.repository.id, MOST_IDS + 1)
    if len(tips) > MOST_IDS:
        return place
    return msgspec.structs.replace(place, include=tuple(dict.fromkeys(tips)))


async def _page_of_range(reading: Reading, place: Place, length: int) -> Page:
    """Return a page of commits without excluded ones. Mostly they are so few that git need not run."""
    async with reading.process():
        found = await history.page(
            reading.folder, place.include or (), place.exclude, length=length, after=str(place.skip)
        )
    return Page(found.commits, _following(place, len(found.commits), "") if found.next else None)


async def _page_by_number(reading: Reading, place: Place, length: int) -> Page:
    folder, paths = reading.folder, [place.path] if place.path else []
    async with reading.process():
        ids = await path_history.commits_of(
            folder, place.include, paths, exclude=place.exclude, skip=place.skip, length=length + 1
        )
    commits = history.first_of(folder, ids[:length])
    return Page(commits, _following(place, len(commits), "") if len(ids) > len(commits) else None)
