"""What a push did, read from the repository: reflogs name the push, and a deleted ref is gone."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from roadstead.errors import GitFailed
from roadstead.git.ancestry import is_ancestor
from roadstead.git.disk import sync_all
from roadstead.git.objects import NoSuchObject, commit, commit_behind
from roadstead.git.ref_names import kind_and_name
from roadstead.git.revisions import named
from roadstead.pushed import Ref, RefChange
from roadstead.turns import by_turns

_END_BYTES = 64 * 1024
"""Of a reflog, where a recent entry is."""


async def make_durable(folder: Path, changes: Iterable[RefChange]) -> None:
    """Wait until changes of refs are on the disk: git waits for the content of their files, not for the names."""
    names = {change.ref.rpartition("/")[0] async for change in by_turns(changes)}
    places = {place for name in names for place in (folder / name, *(folder / name).parents)}
    try:
        await sync_all(place for place in places if place.is_relative_to(folder))
    except OSError as exc:
        raise GitFailed("A branch or tag cannot be stored.", f"{exc.strerror}.") from exc


async def logged(folder: Path, push_id: str, changes: Iterable[RefChange]) -> list[RefChange]:
    """Return those changes of a push that happened, except for deletions: a deleted ref has no reflog."""
    kept = (change for change in changes if not change.deletes)
    return [change async for change in by_turns(kept) if _is_logged(folder, push_id, change)]


async def refs_now(folder: Path, names: Iterable[str]) -> dict[str, Ref | None]:
    """Return branches, tags and notes as they are; `None` for one that is not there, and for another kind of ref."""
    return {name: _read(folder, name) async for name in by_turns(names)}


async def refs_again(folder: Path, before: Mapping[str, Ref | None]) -> dict[str, Ref | None]:
    """Return refs as they are now. Read again only those that have changed since they were read as `before`."""
    return {
        name: ref if named(folder, name) == (ref and ref.target) else _read(folder, name)
        async for name, ref in by_turns(before.items())
    }


def mirrored(folder: Path, name: str, target: str, commit_hash: str | None) -> Ref | None:
    """Return a ref as the mirror has it; `None` for one that is no branch, tag or note."""
    known = kind_and_name(name)
    if known is None:
        return None
    return Ref(*known, target, commit_hash, None if commit_hash is None else commit(folder, commit_hash).committer.on)


async def forced(folder: Path, changes: Iterable[RefChange]) -> set[RefChange]:
    """Return the changes after which the old commit is no longer reachable from its ref."""
    return {change async for change in by_turns(changes) if not await _goes_forward(folder, change)}


async def _goes_forward(folder: Path, change: RefChange) -> bool:
    if change.creates or change.deletes:
        return True
    try:
        return await is_ancestor(folder, change.old, change.new)
    except NoSuchObject:  # it is a tag, or the push was refused and its objects are gone
        return False


def _read(folder: Path, ref: str) -> Ref | None:
    target = named(folder, ref)
    return None if target is None else mirrored(folder, ref, target, commit_behind(folder, target))


def _is_logged(folder: Path, push_id: str, change: RefChange) -> bool:
    with (
        suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError),
        (folder / "logs" / change.ref).open("rb") as log,
    ):
        size = log.seek(0, 2)
        log.seek(max(0, size - _END_BYTES))
        if _has_entry(log.read(), push_id, change):
            return True
        log.seek(0)
        return size > _END_BYTES and _has_entry(log.read(), push_id, change)
    return False


def _has_entry(log: bytes, push_id: str, change: RefChange) -> bool:
    begin, named = f"{change.old} {change.new} ".encode(), f"<{push_id}>".encode()
    return any(line.startswith(begin) and named in line for line in log.split(b"\n"))
