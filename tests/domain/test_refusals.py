"""The log's lines about refusals for lack of room."""

import asyncio
import logging

import pytest

from roadstead.domain.access.refusals import Refusals
from roadstead.domain.telemetry.metrics import Metrics
from roadstead.domain.traffic import request_id
from tests.log import is_of_this_thread, records_of_this_thread


def test_a_flood_of_refusals_is_a_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    """The first is logged immediately, the next together after a pause, for each reason; and all are counted."""
    metrics = Metrics()

    async def refuse() -> None:
        counted = Refusals(metrics, pause=0)
        for number in range(100):
            counted.add(503, "requests", f"203.0.113.{number}", "")
        counted.add(429, "installation", "installation 7", "")
        for _ in range(5):
            await asyncio.sleep(0)
        counted.closed("room", "203.0.113.9")
        counted.closed("not_taken", "203.0.113.9")
        counted.add(503, "requests", "203.0.113.200", "")

    asyncio.run(refuse())
    said = [record.getMessage().partition(", because")[2] for record in records_of_this_thread(caplog)]
    assert [sentence.rpartition(": ")[2] for sentence in said] == [
        "1. The last came from 203.0.113.0.",
        "1. The last came from installation 7.",
        "99. The last came from 203.0.113.99.",
        "1. The last came from 203.0.113.9.",
        "1. The last came from 203.0.113.200.",
    ]
    assert metrics.refused == {("503", "requests"): 101, ("429", "installation"): 1}
    assert metrics.closed == {"room": 1, "not_taken": 1}


def test_a_line_has_the_id_of_the_request_that_it_is_about(caplog: pytest.LogCaptureFixture) -> None:
    """Not of the one within which it is written, nor of that which began the pause; a closed connection has none."""
    found: list[str] = []

    def note(record: logging.LogRecord) -> bool:
        if is_of_this_thread(record):
            found.append(request_id.CURRENT.get())
        return True

    caplog.handler.addFilter(note)

    async def refuse() -> None:
        counted = Refusals(Metrics(), pause=0)
        request_id.CURRENT.set("within")
        for named in ("first", "second", "third"):
            counted.add(503, "requests", "203.0.113.1", named)
        counted.closed("room", "203.0.113.9")
        for _ in range(5):
            await asyncio.sleep(0)
        assert request_id.CURRENT.get() == "within"

    asyncio.run(refuse())
    caplog.handler.removeFilter(note)  # all tests have the same handler
    assert found == ["first", "", "third"]
