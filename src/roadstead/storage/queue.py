"""Queues: tables with rows of pending work.

Such a table has four columns: `due_on`, the earliest moment of the next try, or NULL where no work is pending;
`attempts`, the number of tries begun; `claimed_until`, the end of the running try's claim; and `given_up_on`. A claim
that has run out belonged to a process that died, and the next process that looks takes the row over. So each row is run
at least once, and a process that was merely slow finds that it has lost its claim.

No valid moment is further ahead than the longest pause, or than the length of a claim. A process with a wrong clock
wrote any moment beyond that; it counts as past, or the row would wait for as long as that clock was ahead.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from roadstead.model import QueueCounts
from roadstead.storage.database import Reader, Transaction
from roadstead.storage.moments import to_text


class Claim(NamedTuple):
    """A row that this process has claimed. `attempts` includes this try, which tells it from later ones.

    `shares` are the row's values in the columns by which the queue shares its places.
    """

    id: int
    attempts: int
    shares: tuple[str, ...] = ()


class Horizon(NamedTuple):
    """This moment, and the latest valid moments for the next attempt of a row and for the end of a claim."""

    now: datetime
    next_try: datetime
    end_of_claim: datetime


async def make_due(tx: Transaction, table: str, row_id: int, now: datetime) -> None:
    """Let any process run the row from now on, and this one immediately, when the transaction is committed."""
    await tx.run(f"UPDATE {table} SET due_on = ? WHERE id = ?", to_text(now), row_id)
    tx.wake(table)


async def is_any_due(reader: Reader, table: str, horizon: Horizon) -> bool:
    """Return whether there is a row to claim, without a transaction."""
    return bool(await reader.read(f"SELECT 1 FROM {table} WHERE {_DUE} LIMIT 1", *_due(horizon)))


async def claim_due(
    tx: Transaction,
    table: str,
    *,
    horizon: Horizon,
    until: datetime,
    limit: int,
    full: Mapping[str, Sequence[str]] | None = None,
) -> list[Claim]:
    """Claim due rows, the longest due first, skipping those that another process is claiming at this moment.

    Skip those, too, with one of the `full` values in a column by which the queue shares its places.
    """
    full = full or {}
    without = "".join(f" AND {tx.dialect.not_among.format(column=column)}" for column in full)
    rows = await tx.read(
        # Materialized: looked up again for each row, it would find others the second time.
        f"WITH due AS MATERIALIZED ("
        f"SELECT id FROM {table} WHERE {_DUE}{without} ORDER BY due_on LIMIT ?{tx.dialect.skip_locked}) "
        f"UPDATE {table} SET claimed_until = ?, attempts = attempts + 1 "
        f"WHERE id IN (SELECT id FROM due) RETURNING {', '.join(('id', 'attempts', *full))}",
        *_due(horizon),
        *(tx.pack_strings(values) for values in full.values()),
        limit,
        to_text(until),
    )
    return [Claim(identity, attempts, tuple(shares)) for identity, attempts, *shares in rows]


async def claim_one(tx: Transaction, table: str, row_id: int, *, horizon: Horizon, until: datetime) -> Claim | None:
    """Claim a row before it is due, or after it was given up; return `None` if no work is pending or another process
    has the claim.
    """
    rows = await tx.read(
        f"UPDATE {table} SET claimed_until = ?, attempts = attempts + 1, due_on = COALESCE(due_on, ?), "
        f"given_up_on = NULL WHERE id = ? AND {PENDING} AND {_FREE} RETURNING id, attempts",
        to_text(until),
        to_text(horizon.now),
        row_id,
        *_free(horizon),
    )
    return Claim(*rows[0]) if rows else None


async def is_ours(tx: Transaction, table: str, claim: Claim) -> bool:
    """Return whether the claim is still valid; if so, lock the row until the transaction ends."""
    return bool(
        await tx.read(
            f"SELECT 1 FROM {table} WHERE id = ? AND attempts = ? AND claimed_until IS NOT NULL{tx.dialect.for_update}",
            claim.id,
            claim.attempts,
        )
    )


async def settle(tx: Transaction, table: str, claim: Claim) -> None:
    """Mark the row's work as done."""
    await tx.run(f"UPDATE {table} SET due_on = NULL, claimed_until = NULL WHERE id = ?", claim.id)


async def put_off(tx: Transaction, table: str, claim: Claim, due_on: datetime) -> None:
    """Schedule the next try for `due_on`."""
    await tx.run(f"UPDATE {table} SET due_on = ?, claimed_until = NULL WHERE id = ?", to_text(due_on), claim.id)


async def give_up(tx: Transaction, table: str, claim: Claim, now: datetime) -> None:
    """Stop trying, unless an operator asks for another try."""
    await tx.run(
        f"UPDATE {table} SET due_on = NULL, claimed_until = NULL, given_up_on = ? WHERE id = ?", to_text(now), claim.id
    )


async def give_back(tx: Transaction, table: str, claim: Claim) -> None:
    """Release the claim, so that another process can claim the row immediately."""
    if await is_ours(tx, table, claim):
        await tx.run(f"UPDATE {table} SET claimed_until = NULL WHERE id = ?", claim.id)


async def return_unused(tx: Transaction, table: str, claim: Claim) -> None:
    """Release the claim of a row that was not tried."""
    if await is_ours(tx, table, claim):
        await tx.run(f"UPDATE {table} SET claimed_until = NULL, attempts = attempts - 1 WHERE id = ?", claim.id)


async def count(reader: Reader, table: str, *, due_before: datetime) -> QueueCounts:
    """Return the counts. `overdue` rows were due before that moment."""
    rows = await reader.scan(
        f"SELECT (SELECT COUNT(*) FROM {table} WHERE due_on IS NOT NULL), "
        f"(SELECT COUNT(*) FROM {table} WHERE due_on < ?), "
        f"(SELECT COUNT(*) FROM {table} WHERE given_up_on IS NOT NULL)",
        to_text(due_before),
    )
    return QueueCounts(*rows[0])


PENDING = "(due_on IS NOT NULL OR given_up_on IS NOT NULL)"
_FREE = "(claimed_until IS NULL OR claimed_until <= ? OR claimed_until > ?)"
_DUE = f"due_on IS NOT NULL AND (due_on <= ? OR due_on > ?) AND {_FREE}"


def _free(horizon: Horizon) -> tuple[str, str]:
    return to_text(horizon.now), to_text(horizon.end_of_claim)


def _due(horizon: Horizon) -> tuple[str, ...]:
    return to_text(horizon.now), to_text(horizon.next_try), *_free(horizon)
