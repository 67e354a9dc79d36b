"""Guesses at tokens: the wrong ones are slowed, and the right one always works."""

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from roadstead.domain.access.credentials import create_user_with_token
from roadstead.domain.access.guesses import MOST_OF_ONE, MOST_OF_PAIR
from tests.live import LiveHost, live_host


@pytest.fixture(scope="module")
def guessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHost]:
    with live_host(tmp_path_factory.mktemp("guessed")) as running:
        yield running


def _basic(name: str, token: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{token}'.encode()).decode()}"


def _statuses(host: LiveHost, *sent: str) -> list[int]:
    with httpx.Client(base_url=host.url) as client:
        return [client.get("/2.0/user", headers={"Authorization": one}).status_code for one in sent]


def test_guessing_a_token_is_slowed_and_the_right_one_works(guessed: LiveHost) -> None:
    """With Basic for each user; another user's token counts as wrong, too. Beyond a number for the whole address, every
    wrong token gets a 429 that says when to go on. Right tokens work all the time.
    """
    _, ann = guessed.work(lambda host: create_user_with_token(host, "ann"))
    _, ben = guessed.work(lambda host: create_user_with_token(host, "ben"))
    wrong = [_basic("ann", "rst_guess"), _basic("ann", ben)] * MOST_OF_PAIR
    assert _statuses(guessed, *wrong) == [401] * MOST_OF_PAIR + [429] * MOST_OF_PAIR
    right = [_basic("ann", ann), _basic("ben", ben), f"Bearer {ann}"]
    assert _statuses(guessed, *right, _basic("ben", "rst_guess")) == [200, 200, 200, 401]
    bearers = [f"Bearer rst_{number}" for number in range(MOST_OF_ONE - MOST_OF_PAIR - 1)]
    assert _statuses(guessed, *bearers) == [401] * len(bearers)
    assert _statuses(guessed, "Bearer roa_x", "Bearer x", _basic("cleo", "x"), *right) == [429] * 3 + [200] * 3
    refused = httpx.get(f"{guessed.url}/2.0/user", headers={"Authorization": "Bearer x"})
    assert 0 < int(refused.headers["Retry-After"]) <= 300
    assert refused.json()["error"]["message"] == "There were too many wrong tokens."


def test_behind_a_proxy_each_client_is_counted_for_itself(tmp_path: Path) -> None:
    """One who guesses there uses up the attempts of the address that the proxy adds, whatever the client wrote before
    it, and not those of all others.
    """
    with live_host(tmp_path, base_url="https://roadstead.example") as host, httpx.Client(base_url=host.url) as client:

        def guess(forwarded: str) -> int:
            headers = {"Authorization": "Bearer x", "X-Forwarded-For": forwarded}
            return client.get("/2.0/user", headers=headers).status_code

        statuses = [guess(f"198.51.100.{number}, 203.0.113.1") for number in range(MOST_OF_ONE + 1)]
        assert statuses == [401] * MOST_OF_ONE + [429]
        assert guess("203.0.113.2") == 401
