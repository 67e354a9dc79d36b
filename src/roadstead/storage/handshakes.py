"""Handshakes: the previous state of an installation until its app has accepted the new one, and its previous secret."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from roadstead.model import Workspace
from roadstead.storage import Store, installations
from roadstead.storage.database import Reader, Transaction
from roadstead.storage.installations import Offered
from roadstead.storage.linkers import declare_linkers, drop_undeclared_linkers
from roadstead.storage.moments import to_text
from roadstead.storage.tables import HANDSHAKES, RETIRED_SECRETS
from roadstead.storage.workspaces import drop_empty_workspace

if TYPE_CHECKING:
    from roadstead.connect import LinkerModule


async def list_handshakes(reader: Reader) -> list[int]:
    """Return the installations whose handshake has not ended."""
    return [row[0] for row in await reader.read("SELECT installation_id FROM handshakes")]


async def find_retired_secret(store: Store, installation_id: int) -> str | None:
    """Return the previous secret of the installation."""
    rows = await store.database.read("SELECT secret FROM retired_secrets WHERE installation_id = ?", installation_id)
    return store.secrets.open(rows[0][0]) if rows else None


async def begin_handshake(
    tx: Transaction,
    *,
    workspace: Workspace,
    app_key: str,
    client_key: str,
    descriptor_url: str,
    descriptor: str,
    linkers: "Sequence[LinkerModule]",
    sealed_secret: bytes,
    now: datetime,
) -> int:
    """Put the new state in force and store the old one. Return the installation's id."""
    offered = Offered("installed", descriptor_url, descriptor, sealed_secret)
    identity, before = await installations.offer_installation(tx, workspace, app_key, client_key, offered, now)
    statement = HANDSHAKES.insert(
        installation_id=identity,
        started_on=to_text(now),
        previous_state=before.state,
        previous_descriptor_url=before.descriptor_url,
        previous_descriptor=before.descriptor,
        previous_secret=before.shared_secret,
    )
    await tx.run(*statement)
    await declare_linkers(tx, identity, linkers)
    return identity


async def finish_handshake(tx: Transaction, installation_id: int, now: datetime) -> Offered | None:
    """End the handshake, because the app accepted. Return the previous state, or `None` without a handshake.

    Of the previous state only the secret is kept, which gives no access any more; linkers that the descriptor no longer
    declares are deleted. The transaction has locked the installation and the key.
    """
    before = await find_previous(tx, installation_id)
    if before is None:
        return None
    if before.shared_secret is not None:
        await _retire(tx, installation_id, before.shared_secret)
    await installations.mark_accepted(tx, installation_id, now, anew=before.state == "uninstalled")
    await _end(tx, installation_id)
    await drop_undeclared_linkers(tx, installation_id)
    return before


async def undo_handshake(tx: Transaction, installation_id: int, linkers: "Sequence[LinkerModule]") -> None:
    """Restore the state before the handshake; `linkers` are those of the previous descriptor.

    A workspace that was made for nothing else is deleted. The transaction has locked the installation and the key.
    """
    before = await find_previous(tx, installation_id)
    if before is None:
        return
    if before.state == "none":
        await drop_empty_workspace(tx, await installations.delete_installation(tx, installation_id))
        return
    await installations.put_in_force(tx, installation_id, before)
    await _end(tx, installation_id)
    await declare_linkers(tx, installation_id, linkers)
    await drop_undeclared_linkers(tx, installation_id)


async def find_previous(tx: Transaction, installation_id: int) -> Offered | None:
    """Return what a handshake goes back to, or `None` when no handshake is under way."""
    rows = await tx.read(
        "SELECT previous_state, previous_descriptor_url, previous_descriptor, previous_secret FROM handshakes "
        "WHERE installation_id = ?",
        installation_id,
    )
    return Offered(*rows[0]) if rows else None


async def go_back_to_uninstalled(tx: Transaction, installation_id: int) -> None:
    """Make a running handshake end in an uninstalled app, with any outcome."""
    await tx.run(
        "UPDATE handshakes SET previous_state = 'uninstalled' "
        "WHERE installation_id = ? AND previous_state = 'installed'",
        installation_id,
    )


async def _retire(tx: Transaction, installation_id: int, sealed_secret: bytes) -> None:
    replace = "ON CONFLICT (installation_id) DO UPDATE SET secret = excluded.secret"
    await tx.run(*RETIRED_SECRETS.insert(replace, installation_id=installation_id, secret=sealed_secret))


async def _end(tx: Transaction, installation_id: int) -> None:
    await tx.run("DELETE FROM handshakes WHERE installation_id = ?", installation_id)
