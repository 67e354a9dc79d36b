"""At the start of a host: refuse to serve a database whose repositories are elsewhere."""

import os

from roadstead.domain.host import Host
from roadstead.errors import StorageUnusable
from roadstead.storage.repositories import are_there_any


async def require_repositories(host: Host) -> None:
    """Raise `StorageUnusable` if the database has repositories, and the data folder has none.

    Such a host would answer 503 for all of them, and keep new ones where the other hosts do not look.
    """
    place = host.settings.data / "git"
    if not _has_entries(os.fspath(place)) and await are_there_any(host.store.database):
        raise StorageUnusable(
            "The database has repositories, and the data folder has none.",
            f"Restore {place}, or mount it from where the first host keeps it; likewise lfs and downloads beside it. "
            "To serve without them, delete them: roadstead repo delete",
        )


def _has_entries(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except OSError:
        return False
