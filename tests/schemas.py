"""Databases whose schema was made once and is copied: to run all migrations takes longer than most tests."""

import asyncio
import secrets
import shutil
import sqlite3
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache
from pathlib import Path

from roadstead.settings import Settings
from roadstead.storage import open_database
from roadstead.storage.secrets import keys_of, open_box


def make_schema(settings: Settings) -> None:
    """Run all migrations on an empty database."""

    async def migrate() -> None:
        database = open_database(settings)
        try:
            await database.migrate()
        finally:
            await database.close()

    with ThreadPoolExecutor(1) as thread:  # this one may have a running loop, that of a browser
        thread.submit(asyncio.run, migrate()).result()


def begin(settings: Settings) -> None:
    """Begin the state of a host on SQLite, as the first start does: its schema, an operator of its own, and a key."""
    file = settings.database_file
    if settings.database_url is not None or file.exists():
        return
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    open_box(keys_of(settings.data, settings.key), first_use=True)
    file.touch(mode=0o600)
    file.write_bytes(_schema())
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous=OFF")
        identity = f"{{{uuid.uuid4()}}}", secrets.token_hex(12)
        database.execute("UPDATE users SET uuid = ?, account_id = ? WHERE id = 1", identity)


@cache
def _schema() -> bytes:
    """Return a SQLite file that has nothing but the schema and its first rows."""
    folder = Path(tempfile.mkdtemp(prefix="roadstead-schema-"))
    try:
        settings = Settings(data=folder)
        make_schema(settings)
        return settings.database_file.read_bytes()
    finally:
        shutil.rmtree(folder)
