"""Installations: one app in one workspace, and its callers.

The previous state of an installation during its handshake is in `storage/handshakes.py`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from roadstead.model import Caller, Installation, Workspace
from roadstead.storage import Store
from roadstead.storage.database import Reader, Row, Transaction
from roadstead.storage.events import newest_pending_event
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.sealing import hold_key
from roadstead.storage.tables import INSTALLATIONS, WORKSPACES
from roadstead.storage.workspaces import lock_workspace, workspace_of

_INSTALLATION = f"""
    SELECT {INSTALLATIONS.of(Installation, "i")}, h.installation_id, h.previous_secret, {WORKSPACES.of(Workspace, "w")}
    FROM installations i
    JOIN workspaces w ON w.id = i.workspace_id
    LEFT JOIN handshakes h ON h.installation_id = i.id
"""

_MOST_NAMED = 50

_CALLER = """
    SELECT i.id, i.app_key, i.shared_secret, h.installation_id, h.previous_secret
    FROM installations i LEFT JOIN handshakes h ON h.installation_id = i.id
    WHERE i.client_key = ? AND i.state = 'installed'
"""


class Offered(NamedTuple):
    """A handshake's changes of an installation. The `shared_secret` is sealed; without an installation, none."""

    state: str
    descriptor_url: str
    descriptor: str
    shared_secret: bytes | None


# Looking


async def find_caller(store: Store, client_key: str) -> Caller | None:
    """Return the installation that a token names, with every secret it may have been signed with."""
    known = await store.memory.in_force()
    caller: Caller | None = known.get(client_key)
    if caller is None:
        rows = await store.database.read(_CALLER, client_key)
        if rows:
            caller = known[client_key] = _caller(store, client_key, rows[0])
    return caller


def _caller(store: Store, client_key: str, row: Row) -> Caller:
    identity, app_key, sealed, handshake, previous = row
    secret = store.secrets.open(sealed)
    secrets = (secret,) if previous is None else (secret, store.secrets.open(previous))
    return Caller(identity, app_key, client_key, secrets, handshake is not None)


async def find_named_installations(store: Store, names: Sequence[str]) -> list[Installation]:
    """Return those whose client key or app key is among the names, uninstalled ones included; at most `_MOST_NAMED`."""
    if not names:
        return []
    marks = ", ".join("?" * len(names))
    rows = await store.database.read(
        f"{_INSTALLATION} WHERE i.client_key IN ({marks}) OR i.app_key IN ({marks}) ORDER BY i.id LIMIT ?",
        *names,
        *names,
        _MOST_NAMED,
    )
    return [_installation(store, row) for row in rows]


async def find_app_key(reader: Reader, descriptor_url: str) -> str | None:
    """Return the app that is installed from a URL."""
    rows = await reader.read("SELECT app_key FROM installations WHERE descriptor_url = ? LIMIT 1", descriptor_url)
    return rows[0][0] if rows else None


async def get_installation(store: Store, installation_id: int, reader: Reader | None = None) -> Installation | None:
    rows = await (reader or store.database).read(f"{_INSTALLATION} WHERE i.id = ?", installation_id)
    return _installation(store, rows[0]) if rows else None


async def find_installation(
    store: Store, workspace_id: int, app_key: str, reader: Reader | None = None
) -> Installation | None:
    """Return the app's row in the workspace, also of an uninstalled app."""
    rows = await (reader or store.database).read(
        f"{_INSTALLATION} WHERE i.workspace_id = ? AND i.app_key = ?", workspace_id, app_key
    )
    return _installation(store, rows[0]) if rows else None


async def list_descriptors(reader: Reader, workspace_id: int) -> list[tuple[int, str, str]]:
    """Return id, app key and descriptor of every installation in force in a workspace, the oldest first."""
    rows = await reader.read(
        "SELECT id, app_key, descriptor FROM installations WHERE workspace_id = ? AND state = 'installed' "
        "ORDER BY installed_on, id",
        workspace_id,
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def list_hearing(reader: Reader, workspace_id: int, event_id: int) -> list[tuple[int, str]]:
    """Return id and descriptor of every installation in force in a workspace, but for those added after an event."""
    rows = await reader.read(
        "SELECT id, descriptor FROM installations WHERE workspace_id = ? AND state = 'installed' AND hears_after < ? "
        "ORDER BY installed_on, id",
        workspace_id,
        event_id,
    )
    return [(row[0], row[1]) for row in rows]


async def list_installations(
    store: Store, *, app_key: str | None = None, workspace_id: int | None = None
) -> list[Installation]:
    """Return the installed apps, and those being installed, oldest first."""
    rows = await store.database.read(
        f"{_INSTALLATION} WHERE i.state = 'installed' AND i.app_key = COALESCE(?, i.app_key) "
        "AND i.workspace_id = COALESCE(?, i.workspace_id) ORDER BY i.installed_on, i.id",
        app_key,
        workspace_id,
    )
    return [_installation(store, row) for row in rows]


def _installation(store: Store, row: Row) -> Installation:
    members, (handshake, previous, *workspace) = INSTALLATIONS.members(Installation, row)
    members["shared_secret"] = store.secrets.open(members["shared_secret"])
    members["installed_on"] = from_text(members["installed_on"])
    members["updated_on"] = from_text(members["updated_on"])
    return Installation(
        **members,
        workspace=workspace_of(workspace),
        handshake_under_way=handshake is not None,
        previous_secret=None if previous is None else store.secrets.open(previous),
    )


# Changing


async def hold_installation(tx: Transaction, installation_id: int) -> None:
    """Lock the installation against other changes until the transaction ends."""
    await tx.read(f"SELECT 1 FROM installations WHERE id = ?{tx.dialect.for_update}", installation_id)


async def hold_with_key(tx: Transaction, installation_id: int) -> None:
    """Lock the installation, and the key that seals its secrets, against other changes until the transaction ends."""
    await hold_key(tx)
    await hold_installation(tx, installation_id)


async def offer_installation(
    tx: Transaction, workspace: Workspace, app_key: str, client_key: str, offered: Offered, now: datetime
) -> tuple[int, Offered]:
    """Put the offer in force. Return the installation's id, and the previous state."""
    rows = await tx.read(
        f"SELECT id, {INSTALLATIONS.of(Offered)} FROM installations "
        f"WHERE workspace_id = ? AND app_key = ?{tx.dialect.for_update}",
        workspace.id,
        app_key,
    )
    if rows:
        identity, *cells = rows[0]
        before = Offered(*cells)
        await put_in_force(tx, identity, offered)
        if before.state != "installed":
            await _hear_from_now(tx, identity, workspace.id)
        return identity, before
    statement = INSTALLATIONS.insert(
        "RETURNING id",
        workspace_id=workspace.id,
        app_key=app_key,
        client_key=client_key,
        **offered._asdict(),
        installed_on=to_text(now),
        updated_on=to_text(now),
    )
    identity = await tx.insert(*statement)
    await _hear_from_now(tx, identity, workspace.id)
    return identity, Offered("none", "", "", None)


async def _hear_from_now(tx: Transaction, installation_id: int, workspace_id: int) -> None:
    """Let an app that was added be told of later events only. Wait for changes whose events are not committed yet."""
    await lock_workspace(tx, workspace_id)
    newest = await newest_pending_event(tx, workspace_id)
    await tx.run("UPDATE installations SET hears_after = ? WHERE id = ?", newest, installation_id)


async def put_in_force(tx: Transaction, installation_id: int, offered: Offered) -> None:
    """Put an offer in force, a new or an earlier one."""
    await tx.run(
        "UPDATE installations SET state = ?, descriptor_url = ?, descriptor = ?, shared_secret = ? WHERE id = ?",
        *offered,
        installation_id,
    )


async def mark_accepted(tx: Transaction, installation_id: int, now: datetime, *, anew: bool) -> None:
    """Note when the app accepted; `anew`, it was uninstalled before, and is installed since now."""
    await tx.run(
        "UPDATE installations SET updated_on = ?, installed_on = CASE WHEN ? THEN ? ELSE installed_on END WHERE id = ?",
        to_text(now),
        anew,
        to_text(now),
        installation_id,
    )


async def update_descriptor(
    tx: Transaction, installation_id: int, *, descriptor_url: str, descriptor: str, now: datetime
) -> None:
    """Put another descriptor in force."""
    await tx.run(
        "UPDATE installations SET descriptor_url = ?, descriptor = ?, updated_on = ? WHERE id = ?",
        descriptor_url,
        descriptor,
        to_text(now),
        installation_id,
    )


async def mark_uninstalled(tx: Transaction, installation_id: int, now: datetime) -> None:
    """Mark the app as uninstalled. Its secret stays, to sign the next installation with."""
    await tx.run(
        "UPDATE installations SET state = 'uninstalled', updated_on = ? WHERE id = ?", to_text(now), installation_id
    )


async def delete_installation(tx: Transaction, installation_id: int) -> int:
    """Delete an installation that the app has not accepted; return the id of its workspace."""
    ((workspace_id,),) = await tx.read("SELECT workspace_id FROM installations WHERE id = ?", installation_id)
    await tx.run_bulk("DELETE FROM installations WHERE id = ?", installation_id)
    return int(workspace_id)
