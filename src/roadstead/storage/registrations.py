"""Registrations: the apps whose descriptor URL and secret the operator has fixed."""

from datetime import datetime

from roadstead.model import Registration
from roadstead.storage import Store
from roadstead.storage.database import Reader, Transaction
from roadstead.storage.moments import to_text
from roadstead.storage.sealing import sealer
from roadstead.storage.tables import REGISTRATIONS


async def find_registration(store: Store, app_key: str, reader: Reader | None = None) -> Registration | None:
    rows = await (reader or store.database).read(
        f"SELECT {REGISTRATIONS.of(Registration)} FROM registrations WHERE app_key = ?", app_key
    )
    if not rows:
        return None
    key, descriptor_url, sealed = rows[0]
    return Registration(key, descriptor_url, store.secrets.open(sealed))


async def keep_registration(store: Store, tx: Transaction, registration: Registration, now: datetime) -> None:
    """Store the registration; an app that is registered already keeps its secret."""
    seal = await sealer(store.secrets, tx)
    statement = REGISTRATIONS.insert(
        "ON CONFLICT (app_key) DO UPDATE SET descriptor_url = excluded.descriptor_url",
        app_key=registration.app_key,
        descriptor_url=registration.descriptor_url,
        shared_secret=seal(registration.shared_secret),
        created_on=to_text(now),
    )
    await tx.run(*statement)
