"""The audit log: rows are added in the transaction of their change and never altered.

An app can repeat a change of itself, so only the first of a run is an entry immediately. The number of those that
follow within `RUN` is kept in `audit_runs`, and becomes a separate entry when the run is over. A run is one app's
changes of one linker, or of the same parts of its descriptor.

Only a cut removes entries, from the beginning of the log: the database refuses to delete those after the id that the
cut has put into `facts`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from roadstead.listing import PageRequest, Slice
from roadstead.model import AUDIT_LIST, AuditEntry
from roadstead.storage.database import Argument, Reader, Row, Transaction
from roadstead.storage.facts import keep_fact
from roadstead.storage.listing import Source, read_page
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import AUDIT_LOG, AUDIT_RUNS

RUN = timedelta(hours=1)
MOST_RUNS = 100
"""Runs of one action that an app may have, because it can rename its linkers endlessly. Updates have fewer kinds."""
_OTHERS = ""
"""The common subject of all further runs."""
PAGE = 5_000
"""Entries read at a time for an export."""
_CUT = "audit_log_cut_up_to"
"""The fact that the triggers of the migrations read."""

_COLUMNS = AUDIT_LOG.of(AuditEntry)

Details = Mapping[str, str | int | None]


async def add_entry(tx: Transaction, *, actor: str, action: str, subject: str, details: Details, now: datetime) -> None:
    """Add an entry. `details` must never contain a secret."""
    encoded = msgspec.json.encode(details).decode()
    entry = AUDIT_LOG.insert(time=to_text(now), actor=actor, action=action, subject=subject, details=encoded)
    await tx.run(*entry)


async def add_installation_entry(
    tx: Transaction, installation_id: int, *, actor: str | None, action: str, details: Details, now: datetime
) -> None:
    """Add an entry whose subject is the installation, as `workspace/app key`; without an actor the app itself acted."""
    await tx.run(
        f"{AUDIT_LOG.into} "
        "SELECT ?, COALESCE(?, 'app ' || i.app_key || ' ' || i.client_key), ?, w.slug || '/' || i.app_key, ? "
        "FROM installations i JOIN workspaces w ON w.id = i.workspace_id WHERE i.id = ?",
        to_text(now),
        actor,
        action,
        msgspec.json.encode(details).decode(),
        installation_id,
    )


async def add_entry_of_run(
    tx: Transaction, installation_id: int, *, action: str, about: str, details: Details, now: datetime
) -> None:
    """Add an entry of an app's own action, or count it if it follows another of its run."""
    encoded = msgspec.json.encode(details).decode()
    kind = await _kind(tx, installation_id, action, about, now)
    new = {
        "installation_id": installation_id,
        "action": action,
        "about": kind,
        "began_on": to_text(now),
        "last_on": to_text(now),
        "repeats": 0,
        "details": encoded,
    }
    counted = await tx.read(
        *AUDIT_RUNS.insert(
            "ON CONFLICT (installation_id, action, about) DO UPDATE SET "
            "repeats = audit_runs.repeats + 1, last_on = excluded.last_on, details = excluded.details "
            # Both bounds, because the clock may have been set back.
            "WHERE audit_runs.began_on > ? AND audit_runs.began_on <= ? RETURNING repeats",
            **new,
        ),
        to_text(now - RUN),
        to_text(now),
    )
    if counted and counted[0][0] > 0:
        return
    if not counted:
        itself = (installation_id, action, kind)
        await _end_runs(tx, "installation_id = ? AND action = ? AND about = ?", itself, now)
        await tx.run(*AUDIT_RUNS.insert(**new))
    await add_installation_entry(tx, installation_id, actor=None, action=action, details=details, now=now)


async def _kind(tx: Transaction, installation_id: int, action: str, about: str, now: datetime) -> str:
    """Return `about`, or `_OTHERS` if a new run would exceed the app's limit for the action."""
    ((known, under_way),) = await tx.read(
        "SELECT COUNT(CASE WHEN about = ? THEN 1 END), COUNT(CASE WHEN began_on > ? AND began_on <= ? THEN 1 END) "
        "FROM audit_runs WHERE installation_id = ? AND action = ?",
        about,
        to_text(now - RUN),
        to_text(now),
        installation_id,
        action,
    )
    return about if known or under_way < MOST_RUNS else _OTHERS


async def is_any_run_over(reader: Reader, now: datetime) -> bool:
    """Return whether there is a run to end, without a transaction."""
    return bool(await reader.read(f"SELECT 1 FROM audit_runs WHERE {_OVER} LIMIT 1", *_over(now)))


async def end_runs(tx: Transaction, now: datetime) -> None:
    """Add an entry for each run that is over, with its count."""
    await _end_runs(tx, _OVER, _over(now), now)


_OVER = "(began_on <= ? OR began_on > ?)"


def _over(now: datetime) -> tuple[str, str]:
    return to_text(now - RUN), to_text(now)


async def _end_runs(tx: Transaction, which: str, arguments: Sequence[Argument], now: datetime) -> None:
    ended = await tx.read(
        f"DELETE FROM audit_runs WHERE {which} RETURNING installation_id, action, began_on, last_on, repeats, details",
        *arguments,
    )
    for installation_id, action, began_on, last_on, repeats, details in ended:
        if repeats:
            told = {**msgspec.json.decode(details), "times": repeats, "since": began_on, "until": last_on}
            await add_installation_entry(tx, installation_id, actor=None, action=action, details=told, now=now)


async def latest_entries(reader: Reader, limit: int, *, without: Sequence[str] = ()) -> list[AuditEntry]:
    """Return the newest entries, the newest first, leaving out those of the actions in `without`."""
    condition = f"WHERE action NOT IN ({', '.join('?' for _ in without)}) " if without else ""
    rows = await reader.scan(
        f"SELECT {_COLUMNS} FROM audit_log {condition}ORDER BY id DESC LIMIT ?",
        *without,
        limit,
    )
    return list(map(_entry, rows))


async def page_of_entries(reader: Reader, wanted: PageRequest) -> Slice[AuditEntry]:
    """Return a page of the log, the newest entries first."""
    page = await read_page(reader.scan, Source("audit_log", _COLUMNS), AUDIT_LIST, wanted)
    return page.of([_entry(row) for row in page.items])


# Archiving


async def last_id_before(reader: Reader, moment: datetime | None) -> int:
    """Return the id of the last entry before the first one of that moment or later; without a moment, the last id."""
    ((last_id,),) = await reader.scan(
        "SELECT COALESCE((SELECT MIN(id) - 1 FROM audit_log WHERE time >= ?), (SELECT MAX(id) FROM audit_log), 0)",
        _NEVER if moment is None else to_text(moment),
    )
    return int(last_id)


_NEVER = "\U0010ffff"
"""After every moment."""


async def read_entries(reader: Reader, up_to: int) -> AsyncIterator[list[AuditEntry]]:
    """Yield the entries up to an id, the oldest first, some thousand at a time."""
    after = 0
    while entries := [
        _entry(row)
        for row in await reader.scan(
            f"SELECT {_COLUMNS} FROM audit_log WHERE id > ? AND id <= ? ORDER BY id LIMIT ?", after, up_to, PAGE
        )
    ]:
        yield entries
        after = entries[-1].id


async def cut(tx: Transaction, up_to: int) -> int:
    """Remove the entries up to an id; return their number."""
    await keep_fact(tx, _CUT, str(up_to))
    return await tx.run_bulk("DELETE FROM audit_log WHERE id <= ?", up_to)


def _entry(row: Row) -> AuditEntry:
    identity, time, actor, action, subject, details = row
    return AuditEntry(identity, from_text(time), actor, action, subject, msgspec.json.decode(details))
