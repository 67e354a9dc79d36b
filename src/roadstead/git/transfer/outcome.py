"""What a push did, as the repository itself tells: its reflogs name the push, and a deleted ref is gone."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pygit2

from roadstead.git.transfer.names import kind_and_name
from roadstead.pushed import Ref, RefChange

_END_BYTES = 64 * 1024
"""Of a reflog, where a recent entry is."""


def logged(folder: Path, push_id: str, changes: Iterable[RefChange]) -> list[RefChange]:
    """Return those changes of a push that happened, except for deletions: a deleted ref has no reflog."""
    return [change for change in changes if not change.deletes and _is_logged(folder, push_id, change)]


def refs_now(folder: Path, names: Sequence[str]) -> dict[str, Ref | None]:
    """Return branches, tags and notes as they are; `None` for one that is not there, and for another kind of ref."""
    opened = pygit2.Repository(str(folder))
    try:
        return {name: _read(opened, name) for name in names}
    finally:
        opened.free()


def forced(folder: Path, changes: Iterable[RefChange]) -> set[RefChange]:
    """Return the changes after which a ref no longer leads to the commit that it was at. May take long."""
    opened = pygit2.Repository(str(folder))
    try:
        return {change for change in changes if not _goes_forward(opened, change)}
    finally:
        opened.free()


def point_head(folder: Path, ref: str) -> None:
    """Make a branch the one that a clone checks out."""
    opened = pygit2.Repository(str(folder))
    try:
        opened.set_head(ref)
    finally:
        opened.free()


def _goes_forward(opened: pygit2.Repository, change: RefChange) -> bool:
    if change.creates or change.deletes:
        return True
    try:
        return bool(opened.descendant_of(change.new, change.old))
    except (KeyError, ValueError, pygit2.GitError):  # a tag of something else than a commit
        return False


def _read(opened: pygit2.Repository, ref: str) -> Ref | None:
    named = kind_and_name(ref)
    if named is None:
        return None
    try:
        target = str(opened.lookup_reference(ref).target)
    except (KeyError, ValueError):
        return None
    return Ref(*named, target, *_commit(opened, target))


def _commit(opened: pygit2.Repository, target: str) -> tuple[str | None, datetime | None]:
    try:
        commit = opened[target].peel(pygit2.Commit)
    except (ValueError, pygit2.GitError):  # a tag of something else
        return None, None
    return str(commit.id), _moment(commit.commit_time)


def _moment(seconds: int) -> datetime | None:
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(seconds, UTC)
    return None


def _is_logged(folder: Path, push_id: str, change: RefChange) -> bool:
    with suppress(FileNotFoundError, NotADirectoryError), (folder / "logs" / change.ref).open("rb") as log:
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
