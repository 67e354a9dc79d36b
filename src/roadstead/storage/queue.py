"""Queues: tables whose rows may be owed.

Such a table has `due_on`, the moment from which on to try, or nothing where nothing is owed; `attempts`, how many tries
have begun; `claimed_until`, how long whoever began the last one has for it; and `given_up_on`. A claim that has run out
was made by a process that is gone, and the next one that looks takes the row over. So what is owed is done at least
once, and a process that was merely slow finds out that it holds the row no longer.

No moment is further ahead than the longest pause, or the time that a claim has. One that is was written by a process
whose clock was wrong, and counts as past: else a row would wait for as long as the clock was ahead.
"""

from datetime import datetime
from typing import NamedTuple

from roadstead.model import OwedCounts
from roadstead.storage.database import Reader, Transaction
from roadstead.storage.moments import to_text


class Claim(NamedTuple):
    """A row that is ours for a while. `attempts` counts this try, too, and tells it from later ones."""

    id: int
    attempts: int


class Horizon(NamedTuple):
    """This moment, and how far ahead of it what is stored may be: the next try of a row, and the end of a claim."""

    now: datetime
    next_try: datetime
    end_of_claim: datetime


async def is_any_due(reader: Reader, table: str, horizon: Horizon) -> bool:
    """Whether there is something to claim. A look that costs no transaction."""
    return bool(await reader.read(f"SELECT 1 FROM {table} WHERE {_DUE} LIMIT 1", *_due(horizon)))


async def claim_due(tx: Transaction, table: str, *, horizon: Horizon, until: datetime, limit: int) -> list[Claim]:
    """Claim what is due, the longest first, leaving out what others are claiming at this moment."""
    rows = await tx.read(
        # Materialized: looked up again for each row, it would find others the second time.
        f"WITH due AS MATERIALIZED ("
        f"SELECT id FROM {table} WHERE {_DUE} ORDER BY due_on LIMIT ?{tx.dialect.skip_locked}) "
        f"UPDATE {table} SET claimed_until = ?, attempts = attempts + 1 "
        "WHERE id IN (SELECT id FROM due) RETURNING id, attempts",
        *_due(horizon),
        limit,
        to_text(until),
    )
    return [Claim(*row) for row in rows]


async def claim_one(tx: Transaction, table: str, row_id: int, *, horizon: Horizon, until: datetime) -> Claim | None:
    """Claim a row before it is due, or after it was given up; `None` where nothing is owed or it is claimed."""
    rows = await tx.read(
        f"UPDATE {table} SET claimed_until = ?, attempts = attempts + 1, due_on = COALESCE(due_on, ?), "
        f"given_up_on = NULL WHERE id = ? AND {OWED} AND {_FREE} RETURNING id, attempts",
        to_text(until),
        to_text(horizon.now),
        row_id,
        *_free(horizon),
    )
    return Claim(*rows[0]) if rows else None


async def is_ours(tx: Transaction, table: str, claim: Claim) -> bool:
    """Whether the claim still holds. Nobody else takes the row before the transaction has ended."""
    return bool(
        await tx.read(
            f"SELECT 1 FROM {table} WHERE id = ? AND attempts = ? AND claimed_until IS NOT NULL{tx.dialect.for_update}",
            *claim,
        )
    )


async def settle(tx: Transaction, table: str, claim: Claim) -> None:
    """Nothing is owed any more."""
    await tx.run(f"UPDATE {table} SET due_on = NULL, claimed_until = NULL WHERE id = ?", claim.id)


async def put_off(tx: Transaction, table: str, claim: Claim, due_on: datetime) -> None:
    """Try again from that moment on."""
    await tx.run(f"UPDATE {table} SET due_on = ?, claimed_until = NULL WHERE id = ?", to_text(due_on), claim.id)


async def give_up(tx: Transaction, table: str, claim: Claim, now: datetime) -> None:
    """Try no more, unless somebody asks for it."""
    await tx.run(
        f"UPDATE {table} SET due_on = NULL, claimed_until = NULL, given_up_on = ? WHERE id = ?", to_text(now), claim.id
    )


async def give_back(tx: Transaction, table: str, claim: Claim) -> None:
    """Let somebody else take the row at once."""
    if await is_ours(tx, table, claim):
        await tx.run(f"UPDATE {table} SET claimed_until = NULL WHERE id = ?", claim.id)


async def count(reader: Reader, table: str, *, due_before: datetime) -> OwedCounts:
    """`overdue` is what should have been tried before that moment."""
    rows = await reader.scan(
        f"SELECT (SELECT COUNT(*) FROM {table} WHERE due_on IS NOT NULL), "
        f"(SELECT COUNT(*) FROM {table} WHERE due_on < ?), "
        f"(SELECT COUNT(*) FROM {table} WHERE given_up_on IS NOT NULL)",
        to_text(due_before),
    )
    return OwedCounts(*rows[0])


OWED = "(due_on IS NOT NULL OR given_up_on IS NOT NULL)"
_FREE = "(claimed_until IS NULL OR claimed_until <= ? OR claimed_until > ?)"
_DUE = f"due_on IS NOT NULL AND (due_on <= ? OR due_on > ?) AND {_FREE}"


def _free(horizon: Horizon) -> tuple[str, str]:
    return to_text(horizon.now), to_text(horizon.end_of_claim)


def _due(horizon: Horizon) -> tuple[str, ...]:
    return to_text(horizon.now), to_text(horizon.next_try), *_free(horizon)
