"""OAuth consumers of workspaces. Of a secret only the SHA-256 is stored: it has 256 random bits."""

from datetime import datetime

from roadstead.model import Consumer, User, Workspace
from roadstead.storage.credentials import hash_token
from roadstead.storage.database import Reader, Row, Transaction
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import CONSUMERS, USERS, WORKSPACES
from roadstead.storage.users import user_of
from roadstead.storage.workspaces import workspace_of

_SELECT = (
    f"SELECT {CONSUMERS.of(Consumer, 'c')}, {WORKSPACES.of(Workspace, 'w')}, {USERS.of(User, 'u')} FROM consumers c "
    "JOIN workspaces w ON w.id = c.workspace_id JOIN users u ON u.id = c.owner_id"
)


async def add_consumer(
    tx: Transaction,
    *,
    key: str,
    secret: str,
    workspace: Workspace,
    owner: User,
    name: str,
    callback_url: str,
    scopes: tuple[str, ...],
    description: str,
    url: str,
    now: datetime,
) -> Consumer:
    identity = await tx.insert(
        *CONSUMERS.insert(
            "RETURNING id",
            key=key,
            secret_hash=hash_token(secret),
            workspace_id=workspace.id,
            owner_id=owner.id,
            name=name,
            callback_url=callback_url,
            scopes=" ".join(scopes),
            created_on=to_text(now),
            description=description,
            url=url,
        )
    )
    return Consumer(identity, key, name, callback_url, scopes, now, description, url, workspace, owner)


async def find_consumer(reader: Reader, key: str) -> Consumer | None:
    return _first(await reader.read(f"{_SELECT} WHERE c.key = ?", key))


async def find_in_workspace(reader: Reader, workspace_id: int, key: str) -> Consumer | None:
    return _first(await reader.read(f"{_SELECT} WHERE c.workspace_id = ? AND c.key = ?", workspace_id, key))


async def find_by_secret(reader: Reader, key: str, secret: str) -> Consumer | None:
    """Return the consumer of that key, if the secret is its own. A wrong key takes as long as a wrong secret."""
    return _first(await reader.read(f"{_SELECT} WHERE c.key = ? AND c.secret_hash = ?", key, hash_token(secret)))


async def list_consumers(reader: Reader, workspace_id: int) -> list[Consumer]:
    return [
        _consumer(row) for row in await reader.read(f"{_SELECT} WHERE c.workspace_id = ? ORDER BY c.id", workspace_id)
    ]


async def lock_consumer(tx: Transaction, consumer: Consumer) -> bool:
    """Keep a consumer from being changed or deleted until the transaction ends; return whether it still is as given,
    but for what users only read of it.
    """
    rows = await tx.read(f"SELECT callback_url, scopes FROM consumers WHERE id = ?{tx.dialect.for_update}", consumer.id)
    return [tuple(row) for row in rows] == [(consumer.callback_url, " ".join(consumer.scopes))]


async def change_consumer(tx: Transaction, consumer: Consumer) -> None:
    """Store what can change of a consumer."""
    await tx.run(
        "UPDATE consumers SET name = ?, callback_url = ?, scopes = ?, description = ?, url = ? WHERE id = ?",
        consumer.name,
        consumer.callback_url,
        " ".join(consumer.scopes),
        consumer.description,
        consumer.url,
        consumer.id,
    )


async def delete_consumer(tx: Transaction, workspace_id: int, key: str) -> bool:
    """Delete a consumer with its grants and tokens; return whether there was one."""
    return await tx.run("DELETE FROM consumers WHERE workspace_id = ? AND key = ?", workspace_id, key) > 0


def _first(rows: list[Row]) -> Consumer | None:
    return _consumer(rows[0]) if rows else None


def _consumer(row: Row) -> Consumer:
    own, others = CONSUMERS.members(Consumer, row)
    workspace, user = WORKSPACES.members(Workspace, others)
    own |= {"scopes": tuple(own["scopes"].split()), "created_on": from_text(own["created_on"])}
    return Consumer(**own, workspace=workspace_of(tuple(workspace.values())), owner=user_of(user))
