"""The state of a host, for commands that look at it before they open it."""

from pathlib import Path

from roadstead.settings import Settings
from roadstead.storage import has_state, sqlite
from roadstead.storage.secrets import KEY_FILE


async def was_made(settings: Settings) -> bool:
    """Return whether a host has used the database. Raise `StorageUnavailable`."""
    return await has_state(settings)


def key_file(settings: Settings) -> Path:
    """Return where the key for secrets is, unless the setting `key` has it."""
    return settings.data / KEY_FILE


def unsafe_sqlite(settings: Settings, writers: int) -> str | None:
    """Return the version of SQLite if this many processes that write can damage the database with it."""
    safe = settings.postgresql_url is not None or writers <= 1 or not sqlite.has_wal_reset_race()
    return None if safe else sqlite.VERSION
