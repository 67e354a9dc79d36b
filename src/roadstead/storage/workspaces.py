"""Workspaces, in which apps are installed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from roadstead.model import Workspace
from roadstead.storage import Store
from roadstead.storage.database import AlreadyThere, Reader, Transaction
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import WORKSPACES

_COLUMNS = WORKSPACES.of(Workspace)


async def find_workspace(reader: Reader, slug_or_uuid: str) -> Workspace | None:
    rows = await reader.read(
        f"SELECT {_COLUMNS} FROM workspaces WHERE slug = ? OR uuid = ?", slug_or_uuid, slug_or_uuid
    )
    return workspace_of(rows[0]) if rows else None


async def find_workspace_by_id(reader: Reader, workspace_id: int) -> Workspace | None:
    """Return the workspace of an id."""
    rows = await reader.read(f"SELECT {_COLUMNS} FROM workspaces WHERE id = ?", workspace_id)
    return workspace_of(rows[0]) if rows else None


async def recall_workspace(store: Store, slug_or_uuid: str) -> Workspace | None:
    """Return the result of `find_workspace` outside a transaction, read once in each version of the cache."""
    known = await store.memory.in_force()
    workspace: Workspace | None = known.get((Workspace, slug_or_uuid))
    if workspace is None:
        workspace = await find_workspace(store.database, slug_or_uuid)
        if workspace is not None:
            known[Workspace, slug_or_uuid] = workspace
    return workspace


async def list_workspaces(reader: Reader) -> list[Workspace]:
    rows = await reader.read(f"SELECT {_COLUMNS} FROM workspaces ORDER BY slug")
    return [workspace_of(row) for row in rows]


async def add_workspace(tx: Transaction, *, slug: str, uuid: str, name: str, now: datetime) -> Workspace | None:
    """Add a workspace, or return `None` if the slug is taken."""
    cells = {"slug": slug, "uuid": uuid, "name": name, "created_on": to_text(now)}
    try:
        identity = await tx.insert(*WORKSPACES.insert("RETURNING id", **cells))
    except AlreadyThere:
        return None
    return Workspace(identity, slug, uuid, name, now)


async def take_workspace(tx: Transaction, *, slug: str, uuid: str, name: str, now: datetime) -> Workspace:
    """Return the workspace, to install into; make it if there is none of that slug."""
    known_or_new = f"ON CONFLICT (slug) DO UPDATE SET slug = excluded.slug RETURNING {_COLUMNS}"
    cells = {"slug": slug, "uuid": uuid, "name": name, "created_on": to_text(now), "made_for_app": 1}
    rows = await tx.read(*WORKSPACES.insert(known_or_new, **cells))
    return workspace_of(rows[0])


async def lock_workspace(tx: Transaction, workspace_id: int) -> None:
    """Keep other transactions from changing the workspace and its members until this one ends."""
    await tx.read(f"SELECT 1 FROM workspaces WHERE id = ?{tx.dialect.for_update}", workspace_id)


async def refer_to_workspace(tx: Transaction, workspace_id: int) -> None:
    """Lock the workspace as a foreign key does: before a row of its own, so that all lock in one order."""
    await tx.read(f"SELECT 1 FROM workspaces WHERE id = ?{tx.dialect.for_key_share}", workspace_id)


async def keep_workspace(tx: Transaction, workspace_id: int) -> None:
    """Keep a workspace whatever becomes of the installation that made it."""
    await tx.run("UPDATE workspaces SET made_for_app = 0 WHERE id = ?", workspace_id)


async def count_projects(reader: Reader, workspace_id: int) -> int:
    """Return how many projects a workspace has."""
    rows = await reader.read("SELECT project_count FROM workspaces WHERE id = ?", workspace_id)
    return int(rows[0][0]) if rows else 0


async def change_project_count(tx: Transaction, workspace_id: int, change: int) -> None:
    """Keep the number of a workspace's projects after an addition or a deletion."""
    await tx.run("UPDATE workspaces SET project_count = project_count + ? WHERE id = ?", change, workspace_id)


async def drop_empty_workspace(tx: Transaction, workspace_id: int) -> None:
    """Delete a workspace that an installation made, and that has neither present or past installations nor offers."""
    # Lock first, then look: an app may be being installed into it.
    await lock_workspace(tx, workspace_id)
    await tx.run(
        "DELETE FROM workspaces WHERE id = ? AND made_for_app = 1 "
        "AND NOT EXISTS (SELECT 1 FROM installations WHERE workspace_id = ?) "
        "AND NOT EXISTS (SELECT 1 FROM offers WHERE workspace_id = ?)",
        workspace_id,
        workspace_id,
        workspace_id,
    )


def workspace_of(row: Sequence[Any]) -> Workspace:
    """Return the workspace of a row with its columns."""
    cells = [*row]
    cells[_CREATED_ON] = from_text(cells[_CREATED_ON])
    return Workspace(*cells)


_CREATED_ON = Workspace.__match_args__.index("created_on")
