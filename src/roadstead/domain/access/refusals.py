"""Requests refused for lack of room: each is counted, and the log reports them at a limited rate.

The first is a line in the log; later ones for the same reason are one line every `PAUSE_SECONDS`, so that no client can
fill the log.
"""

import asyncio
import logging
from collections import Counter
from typing import Literal

from roadstead.domain.telemetry.metrics import Metrics
from roadstead.domain.traffic import request_id

PAUSE_SECONDS = 10.0

Reason = Literal["requests", "address", "installation", "bodies", "guesses", "room"]

_SENTENCES: dict[Reason, str] = {
    "requests": "Requests refused, because as many are running as this process takes at a time",
    "address": "Requests refused, because their address has as many running as one address may",
    "installation": "Requests refused, because their app has as many running as one app may",
    "bodies": "Requests refused, because running requests have as many bytes of bodies as they may",
    "guesses": "Requests refused, because too many wrong secrets came from their address, or for their account",
    "room": "Connections closed, because they had waited longest for their clients and others needed the room",
}

log = logging.getLogger("roadstead.admission")


class Refusals:
    """Counts and reports the refusals of one process."""

    def __init__(self, metrics: Metrics, pause: float = PAUSE_SECONDS) -> None:
        self._metrics = metrics
        self._pause = pause
        self._unsaid: Counter[Reason] = Counter()
        self._latest: dict[Reason, tuple[str, str]] = {}
        self._pauses: dict[Reason, asyncio.TimerHandle] = {}

    def add(self, status: int, reason: Reason, caller: str, request: str) -> None:
        """Count a request that was refused; `caller` is an address, or names an app, and `request` is its id."""
        self._metrics.refused[str(status), reason] += 1
        self._report(reason, caller, request)

    def closed(self, reason: Literal["room", "not_taken"], caller: str) -> None:
        """Count a connection that was closed while a request or an answer was incomplete."""
        self._metrics.closed[reason] += 1
        if reason == "room":
            self._report(reason, caller, "")

    def _report(self, reason: Reason, caller: str, request: str) -> None:
        self._unsaid[reason] += 1
        self._latest[reason] = caller, request
        if reason not in self._pauses:
            self._say(reason)

    def _say(self, reason: Reason) -> None:
        """Write the unreported refusals, if any, and then write nothing for a while."""
        number = self._unsaid.pop(reason, 0)
        if not number:
            del self._pauses[reason]
            return
        caller, request = self._latest[reason]
        # The line names this request, not the one that runs now or that began the pause.
        before = request_id.CURRENT.set(request)
        log.warning("%s: %d. The last came from %s.", _SENTENCES[reason], number, caller)
        request_id.CURRENT.reset(before)
        self._pauses[reason] = asyncio.get_running_loop().call_later(self._pause, self._say, reason)
