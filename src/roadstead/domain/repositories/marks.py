"""A mark beside the repositories: the number of the latest event of a push.

If the database lacks this event, it is older than the repositories. That is so after a restore, because a back-up
copies the database first.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from roadstead.domain.host import Host
from roadstead.errors import GitFailed, HostBusy
from roadstead.git import locks
from roadstead.storage.events import newest_event


async def keep_mark(host: Host, event: int) -> None:
    """Mark an event, unless a later one is marked. A disk that takes no mark does not undo a push."""
    async with _marking(host) as marked:
        if event > marked:
            _mark(host, event)


async def is_behind_mark(host: Host) -> bool:
    """Return whether the database lacks the event that is marked."""
    return _marked(host) > await newest_event(host.store.database)


async def mark_copied(target: Host, newest: int) -> None:
    """Mark a copy as up to date, whose events have numbers of their own; `newest` was the latest when it was taken.

    A push that has come since stays marked, because the copy lacks it.
    """
    async with _marking(target) as marked:
        if marked <= newest:
            _mark(target, await newest_event(target.store.database))


async def mark_newest(host: Host) -> None:
    """Mark the newest event that the database has, also in place of a later one."""
    async with _marking(host):
        _mark(host, await newest_event(host.store.database))


@asynccontextmanager
async def _marking(host: Host) -> AsyncIterator[int]:
    """Yield the mark, which no other process changes meanwhile: there may be several hosts, and they have workers.

    A disk that takes no lock takes no mark, either.
    """
    async with AsyncExitStack() as held:
        with suppress(GitFailed, HostBusy):
            await held.enter_async_context(locks.wait_for(locks.alone, _place(host).parent))
        yield _marked(host)


def _mark(host: Host, event: int) -> None:
    place = _place(host)
    made = place.with_name(f"{place.name}.{os.getpid()}")
    with suppress(OSError):
        made.write_text(f"{event}\n", "ascii")
        made.replace(place)  # written in place, a full disk or a killed host would leave no mark


def _marked(host: Host) -> int:
    try:
        return int(_place(host).read_text("ascii"))
    except (OSError, ValueError):
        return 0


def _place(host: Host) -> Path:
    return host.settings.data / "git" / "latest-event"
