"""How many deliveries may wait: for one subscriber about one repository, and for one workspace.

What waits is kept until it was sent or given up, which takes up to a day, so a subscriber that is down would fill the
database. Beyond the limits, further deliveries are given up at once, and the log says so.
"""

from collections import Counter
from typing import NamedTuple

from roadstead.model.deliveries import NewDelivery
from roadstead.storage.database import Transaction
from roadstead.storage.deliveries import Shared, count_waiting


class Limits(NamedTuple):
    """The most deliveries that may wait."""

    lane: int = 2_000
    workspace: int = 10_000


LIMITS = Limits()


class Room:
    """Counts the deliveries that wait, with those that the transaction adds."""

    def __init__(self, tx: Transaction, limits: Limits = LIMITS) -> None:
        self._tx = tx
        self._limits = limits
        self._waiting: dict[tuple[Shared, str], int] = {}
        self._added: Counter[tuple[Shared, str]] = Counter()

    async def admit(self, delivery: NewDelivery) -> NewDelivery:
        """Return a delivery as it is to be added: given up, if too many wait before it."""
        if delivery.state != "pending":
            return delivery
        refusal = await self._refusal(delivery)
        if refusal is not None:
            return delivery._replace(state="given up", error=refusal)
        self._added.update([("lane", delivery.lane), ("workspace", delivery.workspace)])
        return delivery

    async def _refusal(self, delivery: NewDelivery) -> str | None:
        lane, workspace = self._limits
        of_workspace = await self._count("workspace", delivery.workspace, workspace)
        if of_workspace >= workspace:
            return f"Not sent: {workspace:,} deliveries of the workspace are waiting."
        # No lane has more than its workspace, so most lanes need not be counted.
        if of_workspace >= lane and await self._count("lane", delivery.lane, lane) >= lane:
            return f"Not sent: {lane:,} deliveries to this subscriber about the repository are waiting."
        return None

    async def _count(self, column: Shared, value: str, most: int) -> int:
        place = (column, value)
        if place not in self._waiting:
            self._waiting[place] = await count_waiting(self._tx, column, value, most)
        return self._waiting[place] + self._added[place]
