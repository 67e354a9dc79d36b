"""Statuses of commits."""

from roadstead.listing import PageRequest, Slice
from roadstead.model.statuses import STATUS_LIST, CommitStatus
from roadstead.storage.database import Reader, Row, Transaction
from roadstead.storage.filters import Clause
from roadstead.storage.listing import Source, read_page
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import COMMIT_STATUSES

_COLUMNS = COMMIT_STATUSES.of(CommitStatus, "s")
_OF_COMMIT = "s.repository_id = ? AND s.commit_hash = ?"


async def page_of_statuses(
    reader: Reader, repository_id: int, commit_hash: str, refname: str | None, wanted: PageRequest
) -> Slice[CommitStatus]:
    """Return a page of the statuses of a commit; with a `refname`, those of that ref and of none."""
    condition = Clause(_OF_COMMIT, (repository_id, commit_hash))
    if refname is not None:
        condition = Clause(f"{_OF_COMMIT} AND (s.refname IS NULL OR s.refname = ?)", (*condition.arguments, refname))
    page = await read_page(reader.read, Source("commit_statuses s", _COLUMNS, condition), STATUS_LIST, wanted)
    return page.of([_status(row) for row in page.items])


async def find_status(reader: Reader, repository_id: int, commit_hash: str, key: str) -> CommitStatus | None:
    """Return the status of a key."""
    rows = await reader.read(
        f"SELECT {_COLUMNS} FROM commit_statuses s WHERE {_OF_COMMIT} AND s.key = ?", repository_id, commit_hash, key
    )
    return _status(rows[0]) if rows else None


async def find_last_status(reader: Reader, repository_id: int) -> CommitStatus | None:
    """Return the last status that was created in a repository."""
    rows = await reader.read(
        f"SELECT {_COLUMNS} FROM commit_statuses s WHERE s.repository_id = ? ORDER BY s.id DESC LIMIT 1", repository_id
    )
    return _status(rows[0]) if rows else None


async def count_statuses(reader: Reader, repository_id: int, commit_hash: str) -> int:
    """Return how many statuses a commit has."""
    ((number,),) = await reader.read(
        f"SELECT COUNT(*) FROM commit_statuses s WHERE {_OF_COMMIT}", repository_id, commit_hash
    )
    return int(number)


async def add_status(tx: Transaction, repository_id: int, status: CommitStatus) -> int:
    """Add a status under a key that is free; return its id."""
    return await tx.insert(
        *COMMIT_STATUSES.insert(
            "RETURNING id",
            repository_id=repository_id,
            commit_hash=status.commit_hash,
            key=status.key,
            created_on=to_text(status.created_on),
            **_cells(status),
        )
    )


async def change_status(tx: Transaction, status: CommitStatus) -> None:
    """Store what can change of a status."""
    cells = _cells(status)
    names = ", ".join(f"{name} = ?" for name in cells)
    await tx.run(f"UPDATE commit_statuses SET {names} WHERE id = ?", *cells.values(), status.id)


def _cells(status: CommitStatus) -> dict[str, str | None]:
    """Return the cells that may change."""
    texts = {name: getattr(status, name) for name in ("state", "name", "description", "url", "refname")}
    return {**texts, "updated_on": to_text(status.updated_on)}


def _status(row: Row) -> CommitStatus:
    members, _ = COMMIT_STATUSES.members(CommitStatus, row)
    members.update((name, from_text(members[name])) for name in ("created_on", "updated_on"))
    return CommitStatus(**members)
