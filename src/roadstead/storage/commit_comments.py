"""Comments on commits."""

from datetime import datetime

from roadstead.listing import PageRequest, Slice
from roadstead.model import User
from roadstead.model.reviews import COMMENT_LIST, CommitComment, Inline
from roadstead.storage.database import Reader, Row, Transaction
from roadstead.storage.filters import Clause
from roadstead.storage.listing import Source, read_page
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import COMMIT_COMMENTS, USERS
from roadstead.storage.users import user_of

_COLUMNS = f"{COMMIT_COMMENTS.of(CommitComment, 'c')}, {COMMIT_COMMENTS.of(Inline, 'c')}, {USERS.of(User, 'u')}"
_JOINED = "commit_comments c LEFT JOIN users u ON u.id = c.user_id"
_OF_COMMIT = "c.repository_id = ? AND c.commit_hash = ?"


async def page_of_comments(
    reader: Reader, repository_id: int, commit_hash: str, wanted: PageRequest
) -> Slice[CommitComment]:
    """Return a page of the comments on a commit."""
    source = Source(_JOINED, f"{_COLUMNS}, (c.is_deleted = 1)", Clause(_OF_COMMIT, (repository_id, commit_hash)))
    page = await read_page(reader.read, source, COMMENT_LIST, wanted)
    return page.of([_comment(row[:-1]) for row in page.items])


async def find_comment(reader: Reader, repository_id: int, commit_hash: str, comment_id: int) -> CommitComment | None:
    """Return a comment on a commit."""
    rows = await reader.read(
        f"SELECT {_COLUMNS} FROM {_JOINED} WHERE {_OF_COMMIT} AND c.id = ?", repository_id, commit_hash, comment_id
    )
    return _comment(rows[0]) if rows else None


async def find_last_comment(reader: Reader, repository_id: int) -> CommitComment | None:
    """Return the last comment on any commit of a repository that is not deleted."""
    rows = await reader.read(
        f"SELECT {_COLUMNS} FROM {_JOINED} WHERE c.repository_id = ? AND c.is_deleted = 0 ORDER BY c.id DESC LIMIT 1",
        repository_id,
    )
    return _comment(rows[0]) if rows else None


async def find_commit_of(reader: Reader, repository_id: int, comment_id: int) -> str | None:
    """Return the commit that a comment of a repository is on."""
    rows = await reader.read(
        "SELECT commit_hash FROM commit_comments WHERE repository_id = ? AND id = ?", repository_id, comment_id
    )
    return rows[0][0] if rows else None


async def add_comment(tx: Transaction, repository_id: int, comment: CommitComment) -> int:
    """Add a comment; return its id."""
    inline = comment.inline
    cells = {
        "repository_id": repository_id,
        "commit_hash": comment.commit_hash,
        "user_id": comment.user and comment.user.id,
        "installation_id": comment.installation_id,
        "parent_id": comment.parent_id,
        "content": comment.content,
        "is_deleted": 0,
        "created_on": to_text(comment.created_on),
        "updated_on": to_text(comment.updated_on),
        **({name: getattr(inline, name) for name in Inline.__match_args__} if inline else {}),
    }
    return await tx.insert(*COMMIT_COMMENTS.insert("RETURNING id", **cells))


async def change_comment(tx: Transaction, repository_id: int, comment_id: int, content: str, now: datetime) -> None:
    """Change the text of a comment."""
    await tx.run(
        "UPDATE commit_comments SET content = ?, updated_on = ? WHERE repository_id = ? AND id = ?",
        content,
        to_text(now),
        repository_id,
        comment_id,
    )


async def blank_comment(tx: Transaction, repository_id: int, comment_id: int, now: datetime) -> None:
    """Mark a comment as deleted, and forget its text."""
    await tx.run(
        "UPDATE commit_comments SET content = '', is_deleted = 1, updated_on = ? WHERE repository_id = ? AND id = ?",
        to_text(now),
        repository_id,
        comment_id,
    )


async def delete_unanswered(tx: Transaction, repository_id: int, comment_id: int) -> int | None:
    """Delete a comment that is marked as deleted, unless there is a reply to it. Return its parent if it is gone."""
    rows = await tx.read(
        "SELECT parent_id FROM commit_comments WHERE repository_id = ? AND id = ? AND is_deleted = 1 AND NOT EXISTS "
        "(SELECT 1 FROM commit_comments r WHERE r.repository_id = ? AND r.parent_id = ?)",
        repository_id,
        comment_id,
        repository_id,
        comment_id,
    )
    if not rows:
        return None
    await tx.run("DELETE FROM commit_comments WHERE repository_id = ? AND id = ?", repository_id, comment_id)
    parent: int | None = rows[0][0]
    return parent


def _comment(row: Row) -> CommitComment:
    members, rest = COMMIT_COMMENTS.members(CommitComment, row)
    place, user = COMMIT_COMMENTS.members(Inline, rest)
    members["is_deleted"] = bool(members["is_deleted"])
    members.update((name, from_text(members[name])) for name in ("created_on", "updated_on"))
    inline = None if place["path"] is None else Inline(**place)
    return CommitComment(**members, inline=inline, user=None if user[0] is None else user_of(user))
