"""Moments in words, on the server and in a browser, which keeps them true while a page is open."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

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
    """In its largest unit, before and after; one that is far away by its date."""
    assert relative(NOW - timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "at the time of"), (0.4, "at the time of"), (1, "1 s before"), (179, "3 min before"), (-5_500, "2 h after")],
)
def test_two_moments_are_told_apart(seconds: float, words: str) -> None:
    """To the nearest whole unit."""
    assert before_or_after(NOW - timedelta(seconds=seconds), NOW) == words


def test_the_exact_time_is_in_utc() -> None:
    """Whatever zone the moment is written in."""
    assert exact(NOW.astimezone()) == "2026-11-29 16:24:28 UTC"


@pytest.mark.browser
def test_a_browser_tells_moments_as_the_server_does(tab: Page) -> None:
    """Every ten seconds each is told anew, in the same words."""
    tab.clock.install(time=NOW)
    tab.goto("/")
    tab.clock.set_fixed_time(NOW)
    tab.evaluate(
        """([now, cases]) => document.querySelector("main").innerHTML = cases.map(([seconds]) =>
            `<time class="relative" datetime="${new Date(now - seconds * 1000).toISOString()}"></time>`).join(" ")""",
        [NOW.timestamp() * 1000, [list(case) for case in IN_WORDS]],
    )
    tab.clock.run_for(10_000)
    expect(tab.locator("time.relative")).to_have_text([words for _, words in IN_WORDS])
