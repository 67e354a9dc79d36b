"""Compare what the database, the events and git say of repositories.

A push may go on meanwhile. So what differs is read again while nothing else changes the repository.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from roadstead.domain.host import Host
from roadstead.domain.repositories.commits import folder_of
from roadstead.domain.repositories.folders import folders_of
from roadstead.domain.repositories.mirroring import refs_of
from roadstead.domain.repositories.stored_files import lfs_objects_in
from roadstead.errors import GitFailed, HostBusy
from roadstead.git import locks
from roadstead.git.processes import MOST_MEMORY, Limits, run
from roadstead.model import Repository
from roadstead.pushed import Event, Ref
from roadstead.storage.events import list_events
from roadstead.storage.refs import list_refs
from roadstead.storage.repositories import list_all

_LONG = Limits(seconds=24 * 3600, output=1 << 20, memory=MOST_MEMORY)
_MOST_SHOWN = 20
"""Faults of one kind in one repository."""
_WAIT_SECONDS = 10.0
_OTHER_DATE = re.compile(r"commit date for commit \w+ in commit-graph is \d+ != (\d+)")
_LATEST_DATE = 2**34 - 1
"""For which a graph of commits has room, in the year 2514. Anyone can push a later one."""


class Checked(NamedTuple):
    """A repository, and its faults in words. A folder without a repository has its place as the name."""

    name: str
    faults: Sequence[str]


async def check_repositories(host: Host, only: Repository | None = None) -> AsyncIterator[Checked]:
    """Yield what was found of all repositories, and of folders that belong to none; or of one repository alone."""
    repositories = await list_all(host.store.database) if only is None else [only]
    for repository in repositories:
        yield Checked(repository.full_name, [fault async for fault in _faults(host, repository)])
    if only is None:
        folders, known = folders_of(host), {one.uuid.strip("{}") for one in repositories}
        for uuid in sorted({*folders.uuids()} - known):
            yield Checked(str(folders.path(uuid)), ["It belongs to no repository in the database."])


async def _faults(host: Host, repository: Repository) -> AsyncIterator[str]:
    folder = folder_of(host, repository)
    if not folder.is_dir():
        yield f"Its folder is missing: {folder}"
        return
    for fault in (*await _faults_of_git(folder), *await asyncio.to_thread(_faults_of_objects, host, repository)):
        yield fault
    try:
        if not await _differences(host, repository, folder):
            return
        async with locks.wait_for(locks.alone, folder, _WAIT_SECONDS):
            differences = await _differences(host, repository, folder)
    except HostBusy:
        differences = ["Its refs could not be compared, because pushes to it went on all the time."]
    except GitFailed as exc:
        differences = [f"Its refs cannot be read: {exc.message}"]
    for fault in differences:
        yield fault


async def _faults_of_git(folder: Path) -> list[str]:
    """Return what git's own check says."""
    options = ("--full", "--no-dangling", "--no-progress")
    try:
        await run(folder, "fsck", *options, limits=_LONG)
    except GitFailed as exc:
        said = [line for line in exc.detail.splitlines() if not _is_of_late_commit(line)]
        return [f"git: {line}" for line in said[:_MOST_SHOWN]]
    return []


def _is_of_late_commit(line: str) -> bool:
    """Return whether git says no more than that a graph of commits has another date than a commit of a late year."""
    found = _OTHER_DATE.fullmatch(line)
    return found is not None and int(found[1]) > _LATEST_DATE


def _faults_of_objects(host: Host, repository: Repository) -> list[str]:
    """Return which objects of LFS are not what their names say."""
    files = lfs_objects_in(host.settings.data)
    damaged = [name for name in sorted(files.names(repository.uuid)) if files.digest(repository.uuid, name) != name]
    return _first(f"The LFS object {name} is damaged: its content has another SHA-256." for name in damaged)


async def _differences(host: Host, repository: Repository, folder: Path) -> list[str]:
    there = {_name(ref): ref for ref in await refs_of(folder)}
    mirror = {_name(ref): ref for ref in await list_refs(host.store.database, repository.id)}
    events = await list_events(host.store.database, repository.id)
    return [*_first(_of_mirror(there, mirror)), *_first(_of_events(there, events))]


def _of_mirror(there: dict[str, Ref], mirror: dict[str, Ref]) -> Iterator[str]:
    for name in sorted(there.keys() | mirror.keys()):
        if there.get(name) != mirror.get(name):
            yield f"{name} is {_target(there, name)}, and in the database {_target(mirror, name)}."


def _of_events(there: dict[str, Ref], events: Sequence[Event]) -> Iterator[str]:
    """Compare each ref with the last event about it. Refs that came with an import or a fork have none."""
    told = {
        f"{change['kind']} {change['name']}": change["new"]
        for event in events
        if event.key == "repo:push"
        for change in event.payload["changes"]
    }
    for name, target in sorted(told.items()):
        if (there[name].target if name in there else None) != target:
            yield f"{name} is {_target(there, name)}, and by its last event {target or 'deleted'}."


def _first(faults: Iterable[str]) -> list[str]:
    """Return some faults, and how many more there are."""
    every = list(faults)
    more = len(every) - _MOST_SHOWN
    return [*every[:_MOST_SHOWN], *([f"… and {more} more like these"] if more > 0 else [])]


def _name(ref: Ref) -> str:
    return f"{ref.kind} {ref.name}"


def _target(refs: dict[str, Ref], name: str) -> str:
    return refs[name].target if name in refs else "not there"
