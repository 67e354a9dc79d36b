"""Recording of calls in both directions, so that app developers can see what was sent and answered."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from roadstead.domain.traffic.answered import Answered
from roadstead.domain.traffic.batches import Batches, a_few_at_a_time
from roadstead.domain.traffic.records import Records
from roadstead.outbound.calls import Sent
from roadstead.storage import Store
from roadstead.storage.requests import add_requests

MOST_WAITING = 1_000
"""Queued calls at most."""
BATCH = 40
PAUSE_SECONDS = 0.5
"""Between two batches, as long as calls arrive."""
PATIENCE_SECONDS = 1.0
"""How long a batch waits for its turn beside other writers. Then it is queued again, and tried after the pause."""
_AT_ONCE = 20
"""Rows made before other requests get their turn: a millisecond's worth."""

log = logging.getLogger("roadstead.recording")


class Recorder(Batches[tuple[Any, ...] | Sent]):
    """Keeps the last `keep` calls of all processes on the same database; none if that is 0.

    A call to this host is added as the fields of `Answered`, a call of this host as `Sent`.
    """

    def __init__(self, store: Store, *, keep: int, clock: Callable[[], float]) -> None:
        super().__init__(most=MOST_WAITING if keep else 0, batch=BATCH, pause=PAUSE_SECONDS, log=log, done="recorded")
        self._store = store
        self._clock = clock
        self._keep = keep

    async def write_items(self, items: Sequence[tuple[Any, ...] | Sent]) -> None:
        """Make records of calls, and store them."""
        records = Records(self._store, self._clock())
        made = []
        async for calls in a_few_at_a_time(items, _AT_ONCE):
            for call in calls:
                if isinstance(call, Sent):
                    made.append(await records.of_sent(call))
                else:
                    made.append(await records.of_received(Answered._make(call)))
        async with self._store.database.transaction(patience=PATIENCE_SECONDS) as tx:
            await add_requests(tx, made, keep=self._keep)
