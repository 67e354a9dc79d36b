"""The rolling hour of the rate limit."""

import pytest

from roadstead.domain.rate_limit import RateLimit
from roadstead.errors import RateLimitExceeded


def _outcome(limit: RateLimit, installation_id: int, now: float) -> int:
    """0 when the request is taken, otherwise the seconds after which another one will be."""
    try:
        limit.take(installation_id, now)
    except RateLimitExceeded as exc:
        return exc.retry_after
    return 0


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
    """Which requests of which installation, at which second, are taken, and what the others are told."""
    limit = RateLimit(2)
    assert [_outcome(limit, *request) for request in requests] == outcomes
