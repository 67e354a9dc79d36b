"""Open invitations. Of the code in a link only the SHA-256 is stored: it has 256 random bits."""

from datetime import datetime

from roadstead.accounts import Invitation
from roadstead.model import Role, User, Workspace
from roadstead.storage.credentials import hash_token
from roadstead.storage.database import Reader, Row, Transaction
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import INVITATIONS, USERS, WORKSPACES
from roadstead.storage.users import user_of
from roadstead.storage.workspaces import workspace_of

_SELECT = (
    f"SELECT i.id, i.username, i.email, i.role, i.expires_on, {USERS.of(User, 'u')}, {WORKSPACES.of(Workspace, 'w')} "
    "FROM invitations i JOIN users u ON u.id = i.inviter_id LEFT JOIN workspaces w ON w.id = i.workspace_id"
)
_OF_USER = 5 + len(USERS.of(User).split(", "))


async def add_invitation(
    tx: Transaction,
    code: str,
    *,
    inviter: User,
    username: str | None,
    email: str | None,
    workspace: Workspace | None,
    role: Role | None,
    now: datetime,
    expires_on: datetime,
) -> Invitation:
    """Add an invitation, and delete those that have expired."""
    await tx.run("DELETE FROM invitations WHERE expires_on < ?", to_text(now))
    identity = await tx.insert(
        *INVITATIONS.insert(
            "RETURNING id",
            token_hash=hash_token(code),
            inviter_id=inviter.id,
            username=username,
            email=email,
            workspace_id=None if workspace is None else workspace.id,
            role=role,
            expires_on=to_text(expires_on),
        )
    )
    return Invitation(identity, inviter, username, email, workspace, role, expires_on)


async def find_invitation(reader: Reader, code: str, now: datetime, latest: datetime) -> Invitation | None:
    """Return the invitation of a code if it is valid. `latest` is when one made now expires."""
    rows = await reader.read(
        f"{_SELECT} WHERE i.token_hash = ? AND i.expires_on > ? AND i.expires_on <= ?",
        hash_token(code),
        to_text(now),
        to_text(latest),
    )
    return _invitation(rows[0]) if rows else None


async def list_invitations(reader: Reader, workspace_id: int, now: datetime) -> list[Invitation]:
    """Return the open invitations into a workspace in the order in which they were made."""
    rows = await reader.read(
        f"{_SELECT} WHERE i.workspace_id = ? AND i.expires_on > ? ORDER BY i.id", workspace_id, to_text(now)
    )
    return [_invitation(row) for row in rows]


async def delete_invitation(tx: Transaction, invitation_id: int) -> bool:
    """Delete an invitation; return whether it was still open."""
    return await tx.run("DELETE FROM invitations WHERE id = ?", invitation_id) > 0


async def delete_invitations_of(tx: Transaction, user_id: int) -> None:
    """Delete all invitations that a user made."""
    await tx.run("DELETE FROM invitations WHERE inviter_id = ?", user_id)


def _invitation(row: Row) -> Invitation:
    identity, username, email, role, expires_on = row[:5]
    workspace = workspace_of(row[_OF_USER:]) if row[_OF_USER] is not None else None
    return Invitation(identity, user_of(row[5:_OF_USER]), username, email, workspace, role, from_text(expires_on))
