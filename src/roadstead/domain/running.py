"""The hosts that are running on a state, as far as this machine can tell.

Each running host keeps a separate file beside the state, and holds a lock on it. The operating system releases the lock
when the process ends, in any way, so a file without a lock was left by a dead host.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from roadstead.errors import StorageUnusable
from roadstead.settings import Settings


class RunningHost(msgspec.Struct, frozen=True):
    """A running host with all its workers.

    Its links begin with `base_url`; it listens at the address `host` and the `port`; `state` names its database;
    `workers` are the processes that answer.
    """

    pid: int
    base_url: str
    host: str
    port: int
    state: str
    workers: int = 1


def running_hosts(settings: Settings) -> list[RunningHost]:
    """Return the hosts that are running on the state of `settings`, the oldest first."""
    return _running_in(_folder(settings), _state(settings))


@contextmanager
def announced(settings: Settings) -> Iterator[list[RunningHost]]:
    """Count this process among the running hosts inside the block; yield those that were running before it.

    `settings` have the base URL. The folder of the state must exist. Raise `StorageUnusable`.
    """
    ours = RunningHost(
        pid=os.getpid(),
        base_url=settings.base_url or "",
        host=settings.host,
        port=settings.port,
        state=_state(settings),
        workers=settings.workers,
    )
    with ExitStack() as until_the_end:
        try:
            others = _enter(_folder(settings), ours, until_the_end)
        except OSError as exc:
            raise StorageUnusable(f"{_folder(settings)} cannot be used.", f"{exc.strerror}.") from exc
        yield others


def _enter(folder: Path, ours: RunningHost, until_the_end: ExitStack) -> list[RunningHost]:
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / f"{time.time_ns():020}-{os.getpid()}.json"
    with _one_at_a_time(folder):
        others = _running_in(folder, ours.state)
        _sweep(folder)
        until_the_end.callback(_remove, file)
        held = until_the_end.enter_context(file.open("xb"))
        held.write(msgspec.json.encode(ours))
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
    return others


def _folder(settings: Settings) -> Path:
    beside = settings.database_file.parent if settings.postgresql_url is None else settings.data
    return beside / "hosts"


def _state(settings: Settings) -> str:
    return settings.database_file.name if settings.postgresql_url is None else settings.database_name


def _running_in(folder: Path, state: str) -> list[RunningHost]:
    found = [_read(file) for file in sorted(folder.glob("*.json"))]
    return [one for one in found if one is not None and one.state == state]


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Make one of two hosts that start together the first."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove(file: Path) -> None:
    """Delete a file, unless its disk is read-only now: the next host that starts does it."""
    with suppress(OSError):
        file.unlink()


def _sweep(folder: Path) -> None:
    """Delete the files of dead hosts."""
    for file in folder.glob("*.json"):
        with suppress(FileNotFoundError), file.open("rb") as opened:
            if _is_free(opened):
                file.unlink(missing_ok=True)


def _read(file: Path) -> RunningHost | None:
    """Return the host of this file, or `None` if that host is dead."""
    with suppress(FileNotFoundError), file.open("rb") as opened:
        if not _is_free(opened):
            return msgspec.json.decode(opened.read(), type=RunningHost)
    return None


def _is_free(file: BinaryIO) -> bool:
    try:
        # A shared lock, so that two commands that read at the same moment do not mistake each other for a host.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
