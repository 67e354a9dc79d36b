"""The rolling window of a rate limit."""

import pytest

from roadstead.domain.access.rate_limit import RateLimit


@pytest.mark.parametrize(
    ("requests", "outcomes"),
    [
        ([(1, 0), (1, 10), (1, 20)], [0, 0, 3580]),
        ([(1, 0), (2, 0), (1, 0), (2, 0), (1, 0)], [0, 0, 0, 0, 3600]),
        ([(1, 0), (1, 10), (1, 3599.5), (1, 3600), (1, 3609), (1, 3610)], [0, 0, 1, 0, 1, 0]),
        ([(1, 0), (1, 0), *[(1, 1800)] * 5, (1, 3600)], [0, 0, *[1800] * 5, 0]),
    ],
    ids=["full", "each for itself", "rolling", "what is refused does not count"],
)
def test_two_an_hour(requests: list[tuple[int, float]], outcomes: list[int]) -> None:
    """A request at each second is accepted, or told when there is room again."""
    moments = iter([moment for _, moment in requests])
    limit = RateLimit(2, seconds=3600, clock=lambda: next(moments))
    assert [limit.take(who) for who, _ in requests] == outcomes
