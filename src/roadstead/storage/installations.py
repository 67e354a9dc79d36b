"""Workspaces, registrations, installations and the handshakes they go through."""

from collections.abc import Sequence
from datetime import datetime

from roadstead.connect import LinkerModule
from roadstead.model import Caller, Installation, Registration, Workspace
from roadstead.storage import Store
from roadstead.storage.database import Reader, Row, Transaction
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.sealing import hold_key, sealer

_INSTALLATION = """
    SELECT i.id, i.app_key, i.client_key, i.state, i.descriptor_url, i.descriptor, i.shared_secret,
           i.installed_on, i.updated_on, h.installation_id, h.previous_secret,
           w.id, w.slug, w.uuid, w.name, w.created_on
    FROM installations i
    JOIN workspaces w ON w.id = i.workspace_id
    LEFT JOIN handshakes h ON h.installation_id = i.id
"""

_CALLER = """
    SELECT i.id, i.app_key, i.shared_secret, h.installation_id, h.previous_secret
    FROM installations i LEFT JOIN handshakes h ON h.installation_id = i.id
    WHERE i.client_key = ? AND i.state = 'installed'
"""


# Facts about the host itself


async def find_fact(reader: Reader, name: str) -> str | None:
    rows = await reader.read("SELECT value FROM facts WHERE name = ?", name)
    return rows[0][0] if rows else None


async def keep_fact(tx: Transaction, name: str, value: str) -> None:
    await tx.run(
        "INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name,
        value,
    )


async def add_fact(tx: Transaction, name: str, value: str) -> None:
    """Keep a fact unless it is known already."""
    await tx.run("INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", name, value)


# Workspaces


async def find_workspace(reader: Reader, slug_or_uuid: str) -> Workspace | None:
    rows = await reader.read(
        "SELECT id, slug, uuid, name, created_on FROM workspaces WHERE slug = ? OR uuid = ?",
        slug_or_uuid,
        slug_or_uuid,
    )
    return _workspace(rows[0]) if rows else None


async def list_workspaces(reader: Reader) -> list[Workspace]:
    rows = await reader.read("SELECT id, slug, uuid, name, created_on FROM workspaces ORDER BY slug")
    return [_workspace(row) for row in rows]


async def take_workspace(tx: Transaction, *, slug: str, uuid: str, name: str, now: datetime) -> Workspace:
    """The workspace, to install into; it is made when there is none of that slug."""
    rows = await tx.read(
        "INSERT INTO workspaces (slug, uuid, name, created_on) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (slug) DO UPDATE SET slug = excluded.slug RETURNING id, slug, uuid, name, created_on",
        slug,
        uuid,
        name,
        to_text(now),
    )
    return _workspace(rows[0])


# Registrations


async def find_registration(store: Store, app_key: str, reader: Reader | None = None) -> Registration | None:
    rows = await (reader or store.database).read(
        "SELECT app_key, descriptor_url, shared_secret FROM registrations WHERE app_key = ?", app_key
    )
    return Registration(rows[0][0], rows[0][1], store.secrets.open(rows[0][2])) if rows else None


async def keep_registration(store: Store, tx: Transaction, registration: Registration, now: datetime) -> None:
    """Keep the registration; an app that is registered already keeps its secret."""
    seal = await sealer(store.secrets, tx)
    await tx.run(
        "INSERT INTO registrations (app_key, descriptor_url, shared_secret, created_on) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (app_key) DO UPDATE SET descriptor_url = excluded.descriptor_url",
        registration.app_key,
        registration.descriptor_url,
        seal(registration.shared_secret),
        to_text(now),
    )


# Installations


async def find_caller(store: Store, client_key: str) -> Caller | None:
    """The installation that a token names, with every secret it may have been signed with."""
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
    """Those whose client key or app key is among the names, uninstalled ones included; at most 50."""
    if not names:
        return []
    marks = ", ".join("?" * len(names))
    rows = await store.database.read(
        f"{_INSTALLATION} WHERE i.client_key IN ({marks}) OR i.app_key IN ({marks}) ORDER BY i.id LIMIT 50",
        *names,
        *names,
    )
    return [_installation(store, row) for row in rows]


async def find_retired_secret(store: Store, installation_id: int) -> str | None:
    """The secret that the installation had before the one it has."""
    rows = await store.database.read("SELECT secret FROM retired_secrets WHERE installation_id = ?", installation_id)
    return store.secrets.open(rows[0][0]) if rows else None


async def find_app_key(reader: Reader, descriptor_url: str) -> str | None:
    """The app that is installed from a URL."""
    rows = await reader.read("SELECT app_key FROM installations WHERE descriptor_url = ? LIMIT 1", descriptor_url)
    return rows[0][0] if rows else None


async def get_installation(store: Store, installation_id: int, reader: Reader | None = None) -> Installation | None:
    rows = await (reader or store.database).read(f"{_INSTALLATION} WHERE i.id = ?", installation_id)
    return _installation(store, rows[0]) if rows else None


async def find_installation(
    store: Store, workspace_id: int, app_key: str, reader: Reader | None = None
) -> Installation | None:
    """The app's row in the workspace, uninstalled ones included."""
    rows = await (reader or store.database).read(
        f"{_INSTALLATION} WHERE i.workspace_id = ? AND i.app_key = ?", workspace_id, app_key
    )
    return _installation(store, rows[0]) if rows else None


async def list_descriptors(reader: Reader, workspace_id: int) -> list[tuple[int, str, str]]:
    """Id, app key and descriptor of every installation in force in a workspace, the oldest first."""
    rows = await reader.read(
        "SELECT id, app_key, descriptor FROM installations WHERE workspace_id = ? AND state = 'installed' "
        "ORDER BY installed_on, id",
        workspace_id,
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def list_installations(
    store: Store, *, app_key: str | None = None, workspace_id: int | None = None
) -> list[Installation]:
    """What is installed, or being installed, oldest first."""
    rows = await store.database.read(
        f"{_INSTALLATION} WHERE i.state = 'installed' AND i.app_key = COALESCE(?, i.app_key) "
        "AND i.workspace_id = COALESCE(?, i.workspace_id) ORDER BY i.installed_on, i.id",
        app_key,
        workspace_id,
    )
    return [_installation(store, row) for row in rows]


async def hold_installation(tx: Transaction, installation_id: int) -> None:
    """Hold the installation against other changes until the transaction ends."""
    await tx.read(f"SELECT 1 FROM installations WHERE id = ?{tx.dialect.for_update}", installation_id)


async def hold_with_key(tx: Transaction, installation_id: int) -> None:
    """Hold the installation, and the key that seals its secrets, against other changes until the transaction ends."""
    await hold_key(tx)
    await hold_installation(tx, installation_id)


async def list_handshakes(reader: Reader) -> list[int]:
    """The installations whose handshake has not ended."""
    return [row[0] for row in await reader.read("SELECT installation_id FROM handshakes")]


async def begin_handshake(
    tx: Transaction,
    *,
    workspace: Workspace,
    app_key: str,
    client_key: str,
    descriptor_url: str,
    descriptor: str,
    linkers: Sequence[LinkerModule],
    sealed_secret: bytes,
    now: datetime,
) -> int:
    """Put the new state in force and remember the old one. Returns the installation's id."""
    moment = to_text(now)
    rows = await tx.read(
        "SELECT id, state, descriptor_url, descriptor, shared_secret FROM installations "
        f"WHERE workspace_id = ? AND app_key = ?{tx.dialect.for_update}",
        workspace.id,
        app_key,
    )
    if rows:
        identity, *previous = rows[0]
        await tx.run(
            "UPDATE installations SET state = 'installed', descriptor_url = ?, descriptor = ?, shared_secret = ? "
            "WHERE id = ?",
            descriptor_url,
            descriptor,
            sealed_secret,
            identity,
        )
    else:
        previous = ["none", "", "", None]
        identity = await tx.insert(
            "INSERT INTO installations (workspace_id, app_key, client_key, state, descriptor_url, descriptor, "
            "shared_secret, installed_on, updated_on) VALUES (?, ?, ?, 'installed', ?, ?, ?, ?, ?) RETURNING id",
            workspace.id,
            app_key,
            client_key,
            descriptor_url,
            descriptor,
            sealed_secret,
            moment,
            moment,
        )
    await tx.run(
        "INSERT INTO handshakes (installation_id, started_on, previous_state, previous_descriptor_url, "
        "previous_descriptor, previous_secret) VALUES (?, ?, ?, ?, ?, ?)",
        identity,
        moment,
        *previous,
    )
    await declare_linkers(tx, identity, linkers)
    return int(identity)


async def finish_handshake(tx: Transaction, installation_id: int, now: datetime) -> None:
    """The app accepted: forget what was before, linkers that the descriptor no longer declares included.

    Its secret alone is kept, which opens nothing any more. The transaction holds the installation and the key.
    """
    await tx.run(
        "INSERT INTO retired_secrets (installation_id, secret) SELECT installation_id, previous_secret "
        "FROM handshakes WHERE installation_id = ? AND previous_secret IS NOT NULL "
        "ON CONFLICT (installation_id) DO UPDATE SET secret = excluded.secret",
        installation_id,
    )
    await tx.run(
        "UPDATE installations SET updated_on = ?, installed_on = CASE (SELECT previous_state FROM handshakes "
        "WHERE installation_id = ?) WHEN 'uninstalled' THEN ? ELSE installed_on END WHERE id = ?",
        to_text(now),
        installation_id,
        to_text(now),
        installation_id,
    )
    await tx.run("DELETE FROM handshakes WHERE installation_id = ?", installation_id)
    await drop_undeclared_linkers(tx, installation_id)


async def previous_descriptor(tx: Transaction, installation_id: int) -> tuple[str, str] | None:
    """State and descriptor text to go back to, or `None` when no handshake is under way."""
    rows = await tx.read(
        "SELECT previous_state, previous_descriptor FROM handshakes WHERE installation_id = ?",
        installation_id,
    )
    return (rows[0][0], rows[0][1]) if rows else None


async def undo_handshake(tx: Transaction, installation_id: int, linkers: Sequence[LinkerModule]) -> None:
    """Go back to what was before the handshake; `linkers` are those of the previous descriptor.

    A workspace that was made for nothing else goes too. The transaction holds the installation and the key.
    """
    rows = await tx.read(
        "SELECT previous_state, previous_descriptor_url, previous_descriptor, previous_secret FROM handshakes "
        "WHERE installation_id = ?",
        installation_id,
    )
    if not rows:
        return
    state, url, descriptor, secret = rows[0]
    if state == "none":
        ((workspace_id,),) = await tx.read("SELECT workspace_id FROM installations WHERE id = ?", installation_id)
        await tx.run_bulk("DELETE FROM installations WHERE id = ?", installation_id)
        await drop_empty_workspace(tx, workspace_id)
        return
    await tx.run(
        "UPDATE installations SET state = ?, descriptor_url = ?, descriptor = ?, shared_secret = ? WHERE id = ?",
        state,
        url,
        descriptor,
        secret,
        installation_id,
    )
    await tx.run("DELETE FROM handshakes WHERE installation_id = ?", installation_id)
    await declare_linkers(tx, installation_id, linkers)
    await drop_undeclared_linkers(tx, installation_id)


async def drop_empty_workspace(tx: Transaction, workspace_id: int) -> None:
    """Delete a workspace in which nothing is installed or was ever, and nothing is offered."""
    # First held, then looked at: an app may be being installed into it.
    await tx.read(f"SELECT 1 FROM workspaces WHERE id = ?{tx.dialect.for_update}", workspace_id)
    await tx.run(
        "DELETE FROM workspaces WHERE id = ? AND NOT EXISTS (SELECT 1 FROM installations WHERE workspace_id = ?) "
        "AND NOT EXISTS (SELECT 1 FROM offers WHERE workspace_id = ?)",
        workspace_id,
        workspace_id,
        workspace_id,
    )


async def update_descriptor(
    tx: Transaction,
    installation_id: int,
    *,
    descriptor_url: str,
    descriptor: str,
    linkers: Sequence[LinkerModule],
    now: datetime,
) -> None:
    """Put another descriptor in force; values of linkers that it keeps are kept."""
    await tx.run(
        "UPDATE installations SET descriptor_url = ?, descriptor = ?, updated_on = ? WHERE id = ?",
        descriptor_url,
        descriptor,
        to_text(now),
        installation_id,
    )
    await declare_linkers(tx, installation_id, linkers)
    await drop_undeclared_linkers(tx, installation_id)


async def mark_uninstalled(tx: Transaction, installation_id: int, now: datetime) -> None:
    """Take the app out. Its secret stays, to sign the next installation with; its linkers and tokens go.

    A handshake that is under way can only go back to that, too.
    """
    await tx.run(
        "UPDATE installations SET state = 'uninstalled', updated_on = ? WHERE id = ?",
        to_text(now),
        installation_id,
    )
    await tx.run(
        "UPDATE handshakes SET previous_state = 'uninstalled' "
        "WHERE installation_id = ? AND previous_state = 'installed'",
        installation_id,
    )
    await tx.run("DELETE FROM access_tokens WHERE installation_id = ?", installation_id)
    await tx.run_bulk("DELETE FROM linkers WHERE installation_id = ?", installation_id)


async def declare_linkers(tx: Transaction, installation_id: int, linkers: Sequence[LinkerModule]) -> None:
    """Make the linkers those of a descriptor. Others lose their place but keep their values for now."""
    await tx.run(
        "UPDATE linkers SET position = NULL, revision = revision + 1 WHERE installation_id = ?",
        installation_id,
    )
    for position, linker in enumerate(linkers):
        await tx.run(
            "INSERT INTO linkers (installation_id, key, position, regex, url) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (installation_id, key) DO UPDATE SET "
            "position = excluded.position, regex = excluded.regex, url = excluded.url",
            installation_id,
            linker.key,
            position,
            linker.regex,
            linker.url,
        )


async def drop_undeclared_linkers(tx: Transaction, installation_id: int) -> None:
    await tx.run_bulk("DELETE FROM linkers WHERE installation_id = ? AND position IS NULL", installation_id)


def _workspace(row: Row) -> Workspace:
    return Workspace(row[0], row[1], row[2], row[3], from_text(row[4]))


def _installation(store: Store, row: Row) -> Installation:
    (
        identity,
        app_key,
        client_key,
        state,
        url,
        descriptor,
        secret,
        installed_on,
        updated_on,
        handshake,
        previous,
    ) = row[:11]
    return Installation(
        id=identity,
        workspace=_workspace(row[11:]),
        app_key=app_key,
        client_key=client_key,
        state=state,
        descriptor_url=url,
        descriptor=descriptor,
        shared_secret=store.secrets.open(secret),
        installed_on=from_text(installed_on),
        updated_on=from_text(updated_on),
        handshake_under_way=handshake is not None,
        previous_secret=None if previous is None else store.secrets.open(previous),
    )
