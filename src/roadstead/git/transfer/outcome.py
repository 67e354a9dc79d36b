"""What a push did, as the repository itself tells: its reflogs name the push, and a deleted ref is gone."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from roadstead.git.ancestry import is_ancestor
from roadstead.git.objects import NoSuchObject, commit, commit_behind
from roadstead.git.revisions import named
from roadstead.git.transfer.names import kind_and_name
from roadstead.pushed import Ref, RefChange

_END_BYTES = 64 * 1024
"""Of a reflog, where a recent entry is."""


def logged(folder: Path, push_id: str, changes: Iterable[RefChange]) -> list[RefChange]:
    """Return those changes of a push that happened, except for deletions: a deleted ref has no reflog."""
    return [change for change in changes if not change.deletes and _is_logged(folder, push_id, change)]


def refs_now(folder: Path, names: Iterable[str]) -> dict[str, Ref | None]:
    """Return branches, tags and notes as they are; `None` for one that is not there, and for another kind of ref."""
    return {name: _read(folder, name) for name in names}


def mirrored(folder: Path, name: str, target: str, commit_hash: str | None) -> Ref | None:
    """Return a ref as the mirror has it; `None` for one that is no branch, tag or note."""
    known = kind_and_name(name)
    if known is None:
        return None
    return Ref(*known, target, commit_hash, None if commit_hash is None else commit(folder, commit_hash).committer.on)


async def forced(folder: Path, changes: Iterable[RefChange]) -> set[RefChange]:
    """Return the changes after which a ref does not lead to where it was."""
    return {change for change in changes if not await _goes_forward(folder, change)}


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
