"""Looking at the audit log, and the entries that go with no change."""

from roadstead.domain.host import Host
from roadstead.model import AuditEntry
from roadstead.storage import audit as rows


async def latest_entries(host: Host, limit: int) -> list[AuditEntry]:
    """The newest first."""
    return await rows.latest_entries(host.store.database, limit)


_SIGNING_IN = ("sign-in link made", "sign-in link used")


async def latest_changes(host: Host, limit: int) -> list[AuditEntry]:
    """Return the newest entries that tell of more than signing in, the newest first."""
    return await rows.latest_entries(host.store.database, limit, without=_SIGNING_IN)


async def page_of_entries(host: Host, number: int, length: int) -> tuple[list[AuditEntry], int]:
    """One page of the log, the newest first, and how many entries there are."""
    entries = await rows.latest_entries(host.store.database, length, (number - 1) * length)
    return entries, await rows.count_entries(host.store.database)


async def secret_will_be_shown(host: Host, subject: str) -> None:
    """To be called before the operator is shown a shared secret, so that none is shown without an entry."""
    async with host.store.database.transaction() as tx:
        await rows.add_entry(
            tx, actor=host.operator, action="secret shown", subject=subject, details={}, now=host.now()
        )
