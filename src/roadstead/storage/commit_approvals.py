"""Users who have approved commits."""

from datetime import datetime

from roadstead.model import User
from roadstead.model.reviews import Approval
from roadstead.storage.database import Reader, Transaction
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import COMMIT_APPROVALS, USERS
from roadstead.storage.users import user_of


async def list_approvals(reader: Reader, repository_id: int, commit_hash: str) -> list[Approval]:
    """Return who has approved a commit, the earliest first."""
    rows = await reader.read(
        f"SELECT a.approved_on, {USERS.of(User, 'u')} FROM commit_approvals a JOIN users u ON u.id = a.user_id "
        "WHERE a.repository_id = ? AND a.commit_hash = ? ORDER BY a.approved_on, u.id",
        repository_id,
        commit_hash,
    )
    return [Approval(user_of(user), from_text(approved_on)) for approved_on, *user in rows]


async def has_approvals(reader: Reader, repository_id: int) -> bool:
    """Return whether some commit of a repository was approved."""
    return bool(await reader.read("SELECT 1 FROM commit_approvals WHERE repository_id = ? LIMIT 1", repository_id))


async def keep_approval(tx: Transaction, repository_id: int, commit_hash: str, user_id: int, now: datetime) -> None:
    """Add a user's approval, unless there is one."""
    statement = COMMIT_APPROVALS.adding(COMMIT_APPROVALS.columns)
    await tx.run(f"{statement} ON CONFLICT DO NOTHING", repository_id, commit_hash, user_id, to_text(now))


async def delete_approval(tx: Transaction, repository_id: int, commit_hash: str, user_id: int) -> None:
    """Remove a user's approval, if there is one."""
    await tx.run(
        "DELETE FROM commit_approvals WHERE repository_id = ? AND commit_hash = ? AND user_id = ?",
        repository_id,
        commit_hash,
        user_id,
    )
