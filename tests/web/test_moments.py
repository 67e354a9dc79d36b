"""Moments in words. A browser, which keeps them current while a page is open, uses the same words."""

from datetime import UTC, datetime, timedelta

import pytest

from roadstead.web.moments import before_or_after, exact, relative

NOW = datetime(2026, 11, 29, 16, 24, 28, tzinfo=UTC)
IN_WORDS = [
    (0, "now"),
    (4, "now"),
    (5, "5 s ago"),
    (59.9, "59 s ago"),
    (60, "1 min ago"),
    (3_599, "59 min ago"),
    (3_600, "1 h ago"),
    (86_399, "23 h ago"),
    (86_400, "1 day ago"),
    (29 * 86_400, "29 days ago"),
    (30 * 86_400, "2026-10-30"),
    (-3, "now"),
    (-90, "in 1 min"),
    (-2 * 86_400, "in 2 days"),
    (-40 * 86_400, "2027-01-08"),
]


@pytest.mark.parametrize(("seconds", "words"), IN_WORDS)
def test_a_moment_is_told_by_its_distance(seconds: float, words: str) -> None:
    """In its largest unit, before and after; a distant one by its date."""
    assert relative(NOW - timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "at the time of"), (0.4, "at the time of"), (1, "1 s before"), (179, "3 min before"), (-5_500, "2 h after")],
)
def test_two_moments_are_told_apart(seconds: float, words: str) -> None:
    """To the nearest whole unit."""
    assert before_or_after(NOW - timedelta(seconds=seconds), NOW) == words


def test_the_exact_time_is_in_utc() -> None:
    """A moment in any zone is shown in UTC."""
    assert exact(NOW.astimezone()) == "2026-11-29 16:24:28 UTC"
