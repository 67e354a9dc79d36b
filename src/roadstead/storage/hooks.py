"""Hooks of repositories and workspaces."""

from typing import Any

from roadstead.listing import PageRequest, Slice
from roadstead.model.hooks import HOOK_LIST, Hook
from roadstead.pushed import Event
from roadstead.storage import Store
from roadstead.storage.database import Reader, Row, Transaction
from roadstead.storage.events import newest_pending_event
from roadstead.storage.filters import Clause
from roadstead.storage.listing import Source, read_page
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import HOOKS

_COLUMNS = f"{HOOKS.of(Hook, 'h')}, (h.secret IS NOT NULL), i.app_key"
_JOINED = "hooks h LEFT JOIN installations i ON i.id = h.installation_id"
_SELECT = f"SELECT {_COLUMNS} FROM {_JOINED}"


async def hooks_for(reader: Reader, event: Event) -> list[Hook]:
    """Return the active hooks that subscribe to an event, but for those that were added after it."""
    rows = await reader.read(
        f"{_SELECT} WHERE h.workspace_id = ? AND (h.repository_id IS NULL OR h.repository_id = ?) "
        "AND h.is_active = 1 AND h.hears_after < ? AND (i.id IS NULL OR i.state = 'installed') ORDER BY h.id",
        event.workspace_id,
        event.repository_id or 0,
        event.id,
    )
    return [hook for hook in map(_hook, rows) if event.key in hook.events]


async def find_by_id(reader: Reader, hook_id: int) -> Hook | None:
    """Return the hook of an id."""
    rows = await reader.read(f"{_SELECT} WHERE h.id = ?", hook_id)
    return _hook(rows[0]) if rows else None


async def secret_of(store: Store, hook_id: int) -> str | None:
    """Return the secret with which deliveries to a hook are signed."""
    rows = await store.database.read("SELECT secret FROM hooks WHERE id = ?", hook_id)
    return store.secrets.open(rows[0][0]) if rows and rows[0][0] is not None else None


async def page_of_hooks(
    reader: Reader, workspace_id: int, repository_id: int | None, wanted: PageRequest
) -> Slice[Hook]:
    """Return a page of the hooks of a repository, or of a workspace itself."""
    page = await read_page(reader.read, Source(_JOINED, _COLUMNS, _of(workspace_id, repository_id)), HOOK_LIST, wanted)
    return page.of([_hook(row) for row in page.items])


async def find_hook(reader: Reader, workspace_id: int, repository_id: int | None, uuid: str) -> Hook | None:
    """Return a hook of a repository, or of a workspace itself, by its UUID with braces."""
    condition = _of(workspace_id, repository_id)
    rows = await reader.read(f"{_SELECT} WHERE {condition.sql} AND h.uuid = ?", *condition.arguments, uuid)
    return _hook(rows[0]) if rows else None


async def count_hooks(
    reader: Reader, workspace_id: int, repository_id: int | None, installation_id: int | None
) -> tuple[int, int]:
    """Return how many hooks a repository has, or a workspace itself, and how many of them are an app's."""
    condition = _of(workspace_id, repository_id)
    ((number, of_app),) = await reader.read(
        f"SELECT COUNT(*), COUNT(CASE WHEN h.installation_id = ? THEN 1 END) FROM hooks h WHERE {condition.sql}",
        installation_id or 0,
        *condition.arguments,
    )
    return int(number), int(of_app)


async def add_hook(tx: Transaction, hook: Hook, secret: bytes | None) -> int:
    """Add a hook with its sealed secret; return its id. The transaction has locked the workspace."""
    belongs = {name: getattr(hook, name) for name in ("uuid", "workspace_id", "repository_id", "installation_id")}
    since = {
        "created_at": to_text(hook.created_at),
        "hears_after": await newest_pending_event(tx, hook.workspace_id),
    }
    return await tx.insert(*HOOKS.insert("RETURNING id", **belongs, **_cells(hook), **since, secret=secret))


async def change_hook(tx: Transaction, hook: Hook) -> None:
    """Store what can change of a hook, but for its secret."""
    cells = _cells(hook)
    names = ", ".join(f"{name} = ?" for name in cells)
    await tx.run(f"UPDATE hooks SET {names} WHERE id = ?", *cells.values(), hook.id)


async def change_secret(tx: Transaction, hook_id: int, secret: bytes | None) -> None:
    """Store another sealed secret of a hook, or none."""
    await tx.run("UPDATE hooks SET secret = ? WHERE id = ?", secret, hook_id)


async def delete_hook(tx: Transaction, hook_id: int) -> None:
    """Delete a hook."""
    await tx.run("DELETE FROM hooks WHERE id = ?", hook_id)


async def drop_hooks(tx: Transaction, installation_id: int) -> None:
    """Delete the hooks that an app has created."""
    await tx.run("DELETE FROM hooks WHERE installation_id = ?", installation_id)


async def drop_of_repository(tx: Transaction, repository_id: int) -> None:
    """Delete the hooks of a repository."""
    await tx.run("DELETE FROM hooks WHERE repository_id = ?", repository_id)


def _of(workspace_id: int, repository_id: int | None) -> Clause:
    if repository_id is None:
        return Clause("h.workspace_id = ? AND h.repository_id IS NULL", (workspace_id,))
    return Clause("h.workspace_id = ? AND h.repository_id = ?", (workspace_id, repository_id))


def _cells(hook: Hook) -> dict[str, Any]:
    """Return the cells that may change."""
    return {
        "url": hook.url,
        "home": hook.home,
        "description": hook.description,
        "is_active": int(hook.is_active),
        "events": " ".join(hook.events),
        "skip_cert_verification": int(hook.skip_cert_verification),
        "history_enabled": int(hook.history_enabled),
    }


def _hook(row: Row) -> Hook:
    members, (has_secret, source) = HOOKS.members(Hook, row)
    for name in ("is_active", "skip_cert_verification", "history_enabled"):
        members[name] = bool(members[name])
    events, created_at = tuple(members.pop("events").split()), from_text(members.pop("created_at"))
    return Hook(**members, events=events, created_at=created_at, has_secret=bool(has_secret), source=source)
