"""Lifecycle calls that were promised to apps, and how many of these they have not got."""

from dataclasses import dataclass
from datetime import timedelta

from roadstead.domain.host import Host
from roadstead.storage import lifecycle as calls

OVERDUE_AFTER = timedelta(minutes=1)
"""A call that is being made has had its answer by then, or none."""


@dataclass(frozen=True, slots=True)
class OwedCalls:
    """How many calls wait to be made, how many of these for too long, and how many failed and are not made again."""

    waiting: int
    overdue: int
    given_up: int


async def count_owed_calls(host: Host) -> OwedCalls:
    """Count them. Raises `StorageUnavailable`."""
    return OwedCalls(*await calls.count_farewells(host.store.database, promised_before=host.now() - OVERDUE_AFTER))
