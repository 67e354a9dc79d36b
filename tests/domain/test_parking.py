"""Linkers that keep running out of time are parked."""

import logging

import pytest

from roadstead.domain.linking.parking import (
    LONGEST_JUDGED,
    PARKED_AFTER,
    PARKED_SECONDS,
    LinkerRecords,
    links_by_linker,
)
from roadstead.linkify import Linker, Unfinished, compile_linkers

SLOW = Linker("slow", "A", "https://t.example/", app_key="app")
FAST = Linker("fast", "B", "https://t.example/", app_key="app")
COMPILED = compile_linkers([SLOW, FAST])
LATE = Unfinished(SLOW, "It took longer than 20 ms.", out_of_time=True)


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def _links(records: LinkerRecords) -> list[str]:
    return [link.text for link in records.without_parked(COMPILED).linkify("A B").links]


@pytest.mark.parametrize(
    ("times", "apart", "length", "limit", "parked"),
    [
        (PARKED_AFTER, 1, 100, LATE, True),
        (PARKED_AFTER - 1, 1, 100, LATE, False),
        (PARKED_AFTER * 3, PARKED_SECONDS / 3, 100, LATE, False),
        (PARKED_AFTER, 1, LONGEST_JUDGED, LATE, True),
        (PARKED_AFTER * 3, 1, LONGEST_JUDGED + 1, LATE, False),
        (PARKED_AFTER * 3, 1, 100, Unfinished(SLOW, "It matches more than 10000 times."), False),
        (PARKED_AFTER * 3, 1, 100, Unfinished(None, "Only the first 10 links were made."), False),
    ],
)
def test_linker_is_parked_when_it_keeps_running_out_of_time(
    times: int, apart: float, length: int, limit: Unfinished, parked: bool
) -> None:
    """A linker is parked after enough texts, within the time, of a length at which it should be fast;
    others are not.
    """
    clock = Clock()
    records = LinkerRecords(clock)
    for _ in range(times):
        records.add(length, {}, [limit])
        clock.now += apart
    assert _links(records) == (["B"] if parked else ["A", "B"])


def test_parked_linker_is_reported_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    """While it is parked, texts say so and count no more against it; afterwards it starts anew."""
    clock = Clock()
    records = LinkerRecords(clock)
    with caplog.at_level(logging.WARNING, "roadstead.linkify"):
        for _ in range(PARKED_AFTER):
            records.add(10, {}, [LATE])
    assert "'slow'" in caplog.text
    assert "parked for 10 minutes" in caplog.text
    unfinished = records.without_parked(COMPILED).linkify("A").unfinished
    assert [(one.linker, one.out_of_time) for one in unfinished] == [(SLOW, False)]
    assert "parked" in unfinished[0].reason
    records.add(10, {}, unfinished)
    assert (records.of(SLOW).out_of_time, records.of(SLOW).other_limits) == (PARKED_AFTER, 0)
    clock.now += PARKED_SECONDS
    assert _links(records) == ["A", "B"]
    records.add(10, {}, [LATE] * (PARKED_AFTER - 1))
    assert _links(records) == ["A", "B"]


def test_records_count_what_linkers_did() -> None:
    """Links and limits are counted by linker, until the linker is gone."""
    records = LinkerRecords(Clock())
    links = COMPILED.linkify("A B A https://example.com/").links
    records.add(10, links_by_linker(links), [LATE, Unfinished(FAST, "It matches more than 10000 times.")])
    slow, fast = records.of(SLOW), records.of(FAST)
    assert (slow.links, slow.out_of_time, slow.other_limits) == (2, 1, 0)
    assert (fast.links, fast.out_of_time, fast.other_limits) == (1, 0, 1)
    records.forget([SLOW])
    assert records.of(SLOW).links == 0
