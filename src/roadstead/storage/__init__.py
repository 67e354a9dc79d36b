"""Rows and the model: the only room that knows a database driver, and where every statement stands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from roadstead.errors import StorageUnusable
from roadstead.settings import Settings
from roadstead.storage.database import Database
from roadstead.storage.secrets import SecretBox, open_box


@dataclass(frozen=True, slots=True)
class Store:
    """A database and the key to its secrets."""

    database: Database
    secrets: SecretBox = field(repr=False)


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
