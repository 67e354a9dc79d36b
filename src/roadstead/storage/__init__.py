"""Rows and the model: the only room that knows a database driver, and where every statement stands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from roadstead.errors import StorageUnusable
from roadstead.model import Caller
from roadstead.settings import Settings
from roadstead.storage.database import Database
from roadstead.storage.secrets import SecretBox, open_box


@dataclass(slots=True)
class Callers:
    """Callers by client key, as they are in one version of the database. Never stale: see `find_caller`."""

    version: object = None
    known: dict[str, Caller] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Store:
    """A database, the key to its secrets, and the callers read since it last changed."""

    database: Database
    secrets: SecretBox = field(repr=False)
    callers: Callers = field(default_factory=Callers, repr=False)


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """Open the state a host works on, with an up-to-date schema. Raises `StorageUnusable`."""
    from roadstead.storage.sqlite import SQLiteDatabase

    _make_folder(settings.data)
    _make_folder(settings.database_file.parent)
    secrets = open_box(settings.data, settings.key)
    database = SQLiteDatabase(settings.database_file)
    try:
        await database.migrate()
        yield Store(database, secrets)
    finally:
        await database.close()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise StorageUnusable(
            f"The data folder {folder} cannot be made.", f"{exc.strerror}. Choose another with --data."
        ) from exc
