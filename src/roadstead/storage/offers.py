"""Offers to apps in handshakes that were undone, although the app may have accepted."""

from datetime import datetime

from roadstead.model import Installation, Offer, Workspace
from roadstead.storage import Store
from roadstead.storage.database import Row, Transaction
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import OFFERS, WORKSPACES
from roadstead.storage.workspaces import workspace_of

MOST_KEPT = 3
"""Offers to one app in one workspace, the newest. The next `installed` call may have to be signed with each."""

_OFFER = f"""
    SELECT {OFFERS.of(Offer, "o")}, o.secret, {WORKSPACES.of(Workspace, "w")}
    FROM offers o JOIN workspaces w ON w.id = o.workspace_id
"""


async def keep_offer(tx: Transaction, installation: Installation, now: datetime) -> None:
    """Store the offer of an installation's handshake. The transaction has locked the installation and the key."""
    await tx.run(
        f"{OFFERS.into} "
        "SELECT workspace_id, app_key, client_key, descriptor_url, descriptor, shared_secret, ? "
        "FROM installations WHERE id = ?",
        to_text(now),
        installation.id,
    )
    await tx.run(
        "DELETE FROM offers WHERE client_key = ? AND id NOT IN "
        "(SELECT id FROM offers WHERE client_key = ? ORDER BY id DESC LIMIT ?)",
        installation.client_key,
        installation.client_key,
        MOST_KEPT,
    )


async def find_offers(store: Store, client_key: str) -> list[Offer]:
    """Return the offers to the app of a client key, the newest first."""
    rows = await store.database.read(f"{_OFFER} WHERE o.client_key = ? ORDER BY o.id DESC", client_key)
    return [_offer(store, row) for row in rows]


async def list_offers(store: Store) -> list[Offer]:
    """Return the offers to all apps, the newest first."""
    return [_offer(store, row) for row in await store.database.read(f"{_OFFER} ORDER BY o.id DESC")]


async def take_offer(tx: Transaction, offer: Offer) -> bool:
    """Delete an offer and those before it; return whether it still existed."""
    there = await tx.run("DELETE FROM offers WHERE id = ?", offer.id) > 0
    await tx.run("DELETE FROM offers WHERE client_key = ? AND id < ?", offer.client_key, offer.id)
    return there


async def drop_offers(tx: Transaction, client_key: str) -> None:
    """Delete every offer to the app of a client key."""
    await tx.run("DELETE FROM offers WHERE client_key = ?", client_key)


def _offer(store: Store, row: Row) -> Offer:
    members, (secret, *workspace) = OFFERS.members(Offer, row)
    members["offered_on"] = from_text(members["offered_on"])
    return Offer(**members, workspace=workspace_of(workspace), shared_secret=store.secrets.open(secret))
