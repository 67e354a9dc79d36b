"""Wrong secrets, counted for an account at an address, for an account, and for an address."""

from collections.abc import Iterable

import pytest

from roadstead.domain.access.guesses import MOST_OF_ONE, MOST_OF_PAIR, Guesses

WRONG = [("ann", "a")] * MOST_OF_PAIR
OF_MANY = [(f"user-{number}", "a") for number in range(MOST_OF_ONE)]
FROM_MANY = [("ann", f"a-{number}") for number in range(MOST_OF_ONE)]
KNOWN = ("ann", "a")


def _guessed(guesses: Guesses, wrong: Iterable[tuple[str | None, str]]) -> Guesses:
    for account, address in wrong:
        assert guesses.count("password", account, address) == 0
    return guesses


@pytest.mark.parametrize(
    ("wrong", "known", "waits", "goes_on"),
    [
        (WRONG, None, [("ann", "a")], [("ann", "b"), ("ben", "a"), ("ben", "b")]),
        (OF_MANY, None, [("ann", "a"), (None, "a")], [("ann", "b"), (None, "b")]),
        (FROM_MANY, None, [("ann", "a"), ("ann", "new")], [("ben", "a-1"), (None, "a-1")]),
        (OF_MANY, KNOWN, [("ben", "a")], [KNOWN]),
        (FROM_MANY, KNOWN, [("ann", "new")], [KNOWN]),
        (WRONG, KNOWN, [KNOWN], [("ann", "b"), ("ben", "a")]),
        ([(None, "a")] * MOST_OF_ONE, None, [(None, "a")], [(None, "b")]),
        (WRONG[1:], None, [], [("ann", "a")]),
        ([("x" * 100, "a")] * MOST_OF_PAIR, None, [("x" * 200, "a")], [("x", "a")]),
    ],
    ids=[
        "one account",
        "one address",
        "one account from many addresses",
        "many at a known address",
        "many elsewhere",
        "at the known address",
        "tokens without a name",
        "few enough",
        "long names",
    ],
)
def test_who_waits_and_who_does_not(
    wrong: list[tuple[str | None, str]],
    known: tuple[str, str] | None,
    waits: list[tuple[str | None, str]],
    goes_on: list[tuple[str | None, str]],
) -> None:
    """After those wrong passwords some callers have to wait for at most the window, and others do not."""
    guesses = Guesses()
    if known:
        guesses.know("password", *known)
    _guessed(guesses, wrong)
    assert all(0 < guesses.wait("password", *one) <= 300 for one in waits)
    assert [guesses.wait("password", *one) for one in goes_on] == [0] * len(goes_on)
    assert guesses.wait("token", "ann", "a") == 0


def test_a_wrong_secret_that_has_to_wait_does_not_count() -> None:
    """So the wait ends after the window, however many are sent during it, and other accounts do not wait for it."""
    moment = 0.0
    guesses = _guessed(Guesses(clock=lambda: moment), WRONG)
    for moment in (100.0, 200.0, 299.0):
        assert guesses.count("password", "ann", "a") == 300 - moment
    for _ in range(MOST_OF_ONE):
        guesses.count("password", "ann", "a")
    assert guesses.wait("password", "ben", "a") == 0
    moment = 300.0
    assert guesses.count("password", "ann", "a") == 0


def test_what_strangers_make_up_is_not_kept_without_end() -> None:
    """Of more accounts and addresses than a limit, the one of which nothing came for longest is forgotten."""
    others = [(f"user-{number}", f"b-{number}") for number in range(19)]
    guesses = _guessed(Guesses(most_keys=20), [*WRONG[1:], *others, *WRONG[:1], ("ben", "c")])
    assert guesses.wait("password", "ann", "a") > 0
    _guessed(guesses, others)
    assert guesses.wait("password", "ann", "a") == 0


def test_known_addresses_are_not_kept_without_end() -> None:
    """Of more than a limit, the first is forgotten, and then waits like any other."""
    guesses = _guessed(Guesses(most_keys=2), OF_MANY)
    for account in ("ann", "ben", "cleo"):
        guesses.know("password", account, "a")
    assert [guesses.wait("password", account, "a") > 0 for account in ("ann", "ben", "cleo")] == [True, False, False]
