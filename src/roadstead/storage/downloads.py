"""Files for downloading: what the database knows of them."""

from collections.abc import Mapping
from datetime import datetime

from roadstead.listing import PageRequest, Slice
from roadstead.model import User
from roadstead.model.downloads import DOWNLOAD_LIST, Download
from roadstead.storage.database import Reader, Row, Transaction
from roadstead.storage.filters import Clause
from roadstead.storage.listing import Source, read_page
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import DOWNLOADS, USERS
from roadstead.storage.users import user_of

_COLUMNS = f"{DOWNLOADS.of(Download, 'd')}, r.uuid, {USERS.of(User, 'u')}"
_JOINED = "downloads d JOIN repositories r ON r.id = d.repository_id LEFT JOIN users u ON u.id = d.user_id"


async def page_of_downloads(reader: Reader, repository_id: int, wanted: PageRequest) -> Slice[Download]:
    """Return a page of the files of a repository, the newest first."""
    source = Source(_JOINED, _COLUMNS, Clause("d.repository_id = ?", (repository_id,)))
    page = await read_page(reader.scan, source, DOWNLOAD_LIST, wanted)
    return page.of([_download(row) for row in page.items])


async def find_download(reader: Reader, repository_id: int, name: str) -> Download | None:
    """Return the file of a name."""
    rows = await reader.read(
        f"SELECT {_COLUMNS} FROM {_JOINED} WHERE d.repository_id = ? AND d.name = ?", repository_id, name
    )
    return _download(rows[0]) if rows else None


async def find_by_id(reader: Reader, download_id: int) -> Download | None:
    """Return the file of an id."""
    rows = await reader.read(f"SELECT {_COLUMNS} FROM {_JOINED} WHERE d.id = ?", download_id)
    return _download(rows[0]) if rows else None


async def list_files(reader: Reader, repository_uuid: str) -> set[str]:
    """Return the names that the files of a repository have on the machine."""
    rows = await reader.scan(
        "SELECT d.file FROM downloads d JOIN repositories r ON r.id = d.repository_id WHERE r.uuid = ?", repository_uuid
    )
    return {file for (file,) in rows}


async def add_download(
    tx: Transaction, repository_id: int, name: str, file: str, size: int, user_id: int | None, now: datetime
) -> None:
    """Add a file under a name that is free."""
    cells = {"name": name, "file": file, "size": size, "downloads": 0, "created_on": to_text(now)}
    await tx.run(*DOWNLOADS.insert(repository_id=repository_id, user_id=user_id, **cells))


async def count_downloads(tx: Transaction, by_id: Mapping[int, int]) -> None:
    """Add to the numbers of downloads."""
    for download_id, number in sorted(by_id.items()):
        await tx.run("UPDATE downloads SET downloads = downloads + ? WHERE id = ?", number, download_id)


async def delete_download(tx: Transaction, download_id: int) -> None:
    """Delete a file from the list."""
    await tx.run("DELETE FROM downloads WHERE id = ?", download_id)


def _download(row: Row) -> Download:
    members, (uuid, *user) = DOWNLOADS.members(Download, row)
    members["created_on"] = from_text(members["created_on"])
    return Download(**members, repository_uuid=uuid, user=None if user[0] is None else user_of(user))
