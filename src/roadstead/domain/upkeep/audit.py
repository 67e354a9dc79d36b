"""Read and archive the audit log, and add entries that belong to no change."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

import msgspec

from roadstead.domain.host import Host
from roadstead.errors import Conflict, StorageUnavailable
from roadstead.listing import PageRequest, Slice
from roadstead.model import AuditEntry
from roadstead.storage import audit as rows


@dataclass(frozen=True, slots=True)
class Archived:
    """The archived part: how many entries of the log, the last one, and the SHA-256 of the file."""

    entries: int
    up_to: int
    sha256: str


async def latest_entries(host: Host, limit: int) -> list[AuditEntry]:
    """Return the newest entries, the newest first."""
    await _end_runs(host)
    return await rows.latest_entries(host.store.database, limit)


_SIGNING_IN = ("sign-in link made", "sign-in link used", "signed in with password")


async def latest_changes(host: Host, limit: int) -> list[AuditEntry]:
    """Return the newest entries except those of signing in, the newest first."""
    return await rows.latest_entries(host.store.database, limit, without=_SIGNING_IN)


async def page_of_entries(host: Host, wanted: PageRequest) -> Slice[AuditEntry]:
    """Return a page of the log, the newest entries first."""
    await _end_runs(host)
    return await rows.page_of_entries(host.store.database, wanted)


async def secret_will_be_shown(host: Host, subject: str) -> None:
    """Log that a shared secret is shown; called before it is, so that none is shown without an entry."""
    async with host.store.database.transaction() as tx:
        await rows.add_entry(
            tx, actor=host.operator, action="secret shown", subject=subject, details={}, now=host.now()
        )


async def _end_runs(host: Host) -> None:
    """Write the entries of repeated changes before the log is read; a log that cannot be written can be read."""
    with suppress(StorageUnavailable):
        if await rows.is_any_run_over(host.store.database, host.now()):
            async with host.store.database.transaction() as tx:
                await rows.end_runs(tx, host.now())


# Archiving


async def archive(host: Host, out: BinaryIO, *, before: datetime | None) -> Archived:
    """Write the entries before a moment, or all, the oldest first: one JSON document per line."""
    await _end_runs(host)
    digest, count = hashlib.sha256(), 0
    async with host.store.database.snapshot() as snapshot:
        up_to = await rows.last_id_before(snapshot, before)
        async for entries in rows.read_entries(snapshot, up_to):
            lines = b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
            out.write(lines)
            digest.update(lines)
            count += len(entries)
    return Archived(count, up_to, digest.hexdigest())


async def cut(host: Host, archived: Archived) -> None:
    """Remove the archived entries from the log, and log that. Raise `Conflict` if the log has changed since."""
    async with host.store.database.transaction() as tx:
        if await rows.cut(tx, archived.up_to) != archived.entries:
            raise Conflict("The audit log was changed meanwhile.", "Nothing was removed from it. Archive it again.")
        await rows.add_entry(
            tx,
            actor=host.operator,
            action="audit log cut",
            subject="audit log",
            details={"entries": archived.entries, "up_to": archived.up_to, "sha256": archived.sha256},
            now=host.now(),
        )
