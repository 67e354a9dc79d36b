"""Rows and the model: the only room with a database driver and with SQL."""

from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roadstead.errors import StorageUnusable
from roadstead.settings import Settings, may_others_write
from roadstead.storage import migrations
from roadstead.storage.database import BUSY_SECONDS, Database
from roadstead.storage.kept import Kept
from roadstead.storage.sealing import agree_on_key, key_in_force
from roadstead.storage.secrets import SecretBox, foreign_key, keys_of, open_box


class Memory:
    """A cache of reads, which the first commit invalidates that may have changed them, by any process.

    So it is never stale: an app that another process uninstalled is refused immediately. Ask for the cache before
    reading an entry for it: a commit in between only makes the entry newer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version: int | None = None
        self._in_force: dict[Hashable, Any] = {}
        self._last_commit: object = None
        self._latest: dict[Hashable, Any] = {}
        self.kept = Kept()

    async def in_force(self) -> dict[Hashable, Any]:
        """Return the cache of callers, workspaces, and declared linkers."""
        version = await self._database.version()
        if version != self._version:
            self._in_force, self._version = {}, version
        return self._in_force

    async def latest(self) -> dict[Hashable, Any]:
        """Return the cache of everything else: any commit invalidates it, or it is empty each time."""
        commit = await self._database.last_commit()
        if commit is None or commit != self._last_commit:
            self._latest, self._last_commit = {}, commit
        return self._latest


@dataclass(frozen=True, slots=True)
class Store:
    """A database, the key to its secrets, and the cache of reads since its last change."""

    database: Database
    secrets: SecretBox = field(repr=False)
    memory: Memory = field(repr=False)


@asynccontextmanager
async def open_store(settings: Settings, *, busy_seconds: float = BUSY_SECONDS) -> AsyncIterator[Store]:
    """Open the state a host works on, with an up-to-date schema. Raises `StorageUnavailable`."""
    _make_folder(settings.data)
    database = open_database(settings, busy_seconds=busy_seconds)
    try:
        keys = keys_of(settings.data, settings.key)
        secrets = open_box(keys, first_use=await database.is_empty())
        await database.migrate()
        await agree_on_key(database, secrets)
        yield Store(database, secrets, Memory(database))
    finally:
        await database.close()


async def check_store(store: Store) -> None:
    """Check that requests can be served: the database answers, has our schema, and is sealed with a key that we have.

    Raises `StorageUnavailable`.
    """
    migrations.refuse_older(await migrations.applied(store.database))
    in_force = await key_in_force(store.database)
    if in_force is None or not store.secrets.has(in_force):
        raise foreign_key()


async def check_writable(store: Store, seconds: float) -> None:
    """Check that a change can be stored: a row is rewritten unchanged, and is on the disk.

    Raises `StorageUnavailable` with the reason if not.
    """
    async with store.database.transaction(patience=seconds) as tx:
        await migrations.touch(tx)


async def has_state(settings: Settings) -> bool:
    """Return whether there is a state to open, without making one. Raises `StorageUnavailable`."""
    if settings.postgresql_url is None and not settings.database_file.exists():
        return False
    database = open_database(settings)
    try:
        return not await database.is_empty()
    finally:
        await database.close()


def open_database(settings: Settings, *, busy_seconds: float = BUSY_SECONDS) -> Database:
    """Return the database as it is: it may have no schema yet. Raises `StorageUnusable`."""
    if settings.postgresql_url is not None:
        from roadstead.storage.postgres import PostgresDatabase

        return PostgresDatabase(settings.postgresql_url, busy_seconds=busy_seconds)
    from roadstead.storage.sqlite import SQLiteDatabase

    _make_folder(settings.database_file.parent)
    return SQLiteDatabase(settings.database_file, busy_seconds=busy_seconds)


def _make_folder(folder: Path) -> None:
    """Make the folder if it is missing, for its owner only: a user who can write to it can replace the key."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        others_may_write = may_others_write(folder)
    except OSError as exc:
        raise StorageUnusable(
            f"The data folder {folder} cannot be made.", f"{exc.strerror}. Choose another with --data."
        ) from exc
    if others_may_write:
        raise StorageUnusable(f"Users other than its owner may write to {folder}.", f"Run: chmod go-w {folder}")
