"""Translate the errors of SQLite into errors of the domain."""

import logging
import sqlite3

from roadstead.errors import RoadsteadError, StorageBusy, StorageUnavailable, StorageUnusable
from roadstead.storage.database import AlreadyThere, ListTakesTooLong

_HELD = "Another process holds it; try again in a moment."

log = logging.getLogger("roadstead.storage")


class _Translated:
    """Translates the driver's errors. A class, because a generator would cost a third of a read by key."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, exc: BaseException | None, traceback: object) -> None:
        if exc is None:
            return
        if isinstance(exc, sqlite3.IntegrityError):
            if exc.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_UNIQUE:
                raise AlreadyThere(str(exc)) from exc
        elif isinstance(exc, sqlite3.Error):
            raise translate(exc) from exc


translated = _Translated()


def is_busy(exc: sqlite3.Error) -> bool:
    """Return whether another connection holds the database."""
    # The low byte is the primary code: SQLITE_BUSY_SNAPSHOT and other variants are busy too.
    return getattr(exc, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def translate(exc: sqlite3.Error) -> RoadsteadError:
    """Return what a request is told of the error."""
    if is_busy(exc):
        return StorageBusy("The database is busy.", _HELD)
    if getattr(exc, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
        return ListTakesTooLong()
    code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
    advice = {
        sqlite3.SQLITE_FULL: "The disk is full; make room and try again.",
        sqlite3.SQLITE_READONLY: "The data folder or the database file is read-only; make it writable.",
        sqlite3.SQLITE_IOERR: "The disk reported an error; look at the system's log.",
    }
    if code in advice:
        return StorageUnavailable("The database cannot be written or read.", advice[code])
    unusable = {
        sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened; check the data folder and its permissions.",
        sqlite3.SQLITE_CORRUPT: "The database file is damaged; restore it from a backup.",
        sqlite3.SQLITE_NOTADB: "The file is not a Roadstead database; check --data.",
    }
    if code in unusable:
        return StorageUnusable("The database cannot be used.", unusable[code])
    log.error("unexpected database error", exc_info=exc)
    return StorageUnavailable("The database reported an error.", str(exc))
