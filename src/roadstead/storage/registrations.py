"""Registrations: the apps whose descriptor URL and secret the operator has fixed."""

from datetime import datetime

from roadstead.model import Registration
from roadstead.storage import Store
from roadstead.storage.database import Reader, Transaction
from roadstead.storage.moments import to_text
from roadstead.storage.sealing import sealer


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
