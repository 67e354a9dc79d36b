"""Recording of calls in both directions, so that app developers can see what was sent and answered.

While a call runs, only references are queued. Redaction and writing happen afterwards, in batches small enough to cost
a busy host little time. Calls beyond that rate are dropped, the oldest first; those left at the end of a burst are
written. No fault here disturbs a call: while others keep the database busy, calls stay in memory, and no request waits
for recording.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, MutableMapping, Sequence
from contextvars import Context
from typing import Any

from roadstead.domain.traffic import request_id
from roadstead.domain.traffic.records import BODY, Headers, Received, Records
from roadstead.domain.traffic.redaction import RAW_BYTES
from roadstead.errors import RoadsteadError, StorageBusy
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


class Recorder:
    """Keeps the last `keep` calls of all processes on the same database; none if that is 0."""

    def __init__(self, store: Store, *, keep: int, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._keep = keep
        # Of a call to this host, the fields of `Received`: a plain tuple is made in half the time.
        self._waiting: deque[tuple[Any, ...] | Sent] = deque(maxlen=min(keep, MOST_WAITING))
        self._batches: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self._closing = asyncio.Event()
        self._failing = False
        self._calls_to_us = 0
        self._calls_of_ours = 0
        self._taken = 0

    def received(
        self,
        started: float,
        scope: MutableMapping[str, Any],
        identity: object,
        status: int,
        headers: Headers,
        body: bytes,
    ) -> None:
        """Record a call to this host that has been answered. `started` is a reading of `time.perf_counter`."""
        self._calls_to_us += 1
        self._waiting.append(
            (
                started,
                time.perf_counter(),
                scope["method"],
                scope["raw_path"],
                scope["query_string"],
                scope["headers"],
                scope.get(BODY, b""),
                identity,
                status,
                headers,
                body[:RAW_BYTES],
                len(body),
                scope[request_id.IN_SCOPE],
            )
        )
        if self._batches is None:
            self._begin()

    def sent(self, call: Sent) -> None:
        """Record a finished call of the host to an app."""
        self._calls_of_ours += 1
        self._waiting.append(call)
        if self._batches is None:
            self._begin()

    @property
    def left_out(self) -> int:
        """Return how many calls were not kept: they made room for later ones, or could not be written."""
        if not self._keep:
            return 0
        return self._calls_to_us + self._calls_of_ours - self._taken - len(self._waiting)

    async def write(self) -> None:
        """Write all queued calls, and wait for a running write."""
        due = len(self._waiting)
        while await self._write_batch() and (due := due - BATCH) > 0:
            pass

    async def close(self) -> None:
        """Write the remaining calls. Those that cannot be written now are lost."""
        self._closing.set()
        if self._batches is not None:
            await self._batches
        while await self._write_batch() and self._waiting:
            pass

    def _begin(self) -> None:
        if self._keep:
            # In no request's context, because its log messages concern many.
            self._batches = asyncio.create_task(self._write_in_batches(), context=Context())

    async def _write_in_batches(self) -> None:
        try:
            while self._waiting and not self._closing.is_set():
                seen = None
                while seen != self._calls_to_us:
                    seen = self._calls_to_us
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._closing.wait(), PAUSE_SECONDS)
                    await self._write_batch()
                await self.write()
        except Exception:
            log.exception("requests were not recorded")
        finally:
            self._batches = None

    async def _write_batch(self) -> bool:
        """Write the oldest queued calls. Return whether that succeeded, or there was nothing to write."""
        async with self._writing:
            calls = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if not calls:
                return True
            self._taken += len(calls)
            try:
                await self._write_rows(calls)
            except RoadsteadError as exc:
                self._taken -= len(calls)
                if isinstance(exc, StorageBusy):
                    self._put_back(calls)
                if not self._failing:
                    log.warning("requests cannot be recorded now: %s %s", exc.message, exc.detail)
                self._failing = True
            else:
                self._failing = False
            return not self._failing

    def _put_back(self, calls: Sequence[tuple[Any, ...] | Sent]) -> None:
        """Queue calls again, before later ones, as far as there is room; the oldest are lost."""
        room = (self._waiting.maxlen or 0) - len(self._waiting)
        self._waiting.extendleft(reversed(calls[max(len(calls) - room, 0) :]))

    async def _write_rows(self, calls: Sequence[tuple[Any, ...] | Sent]) -> None:
        records = Records(self._store, self._clock())
        made = []
        for number, call in enumerate(calls, 1):
            if isinstance(call, Sent):
                made.append(await records.of_sent(call))
            else:
                made.append(await records.of_received(Received._make(call)))
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        async with self._store.database.transaction(patience=PATIENCE_SECONDS) as tx:
            await add_requests(tx, made, keep=self._keep)
