"""Wrong secrets, counted in this process so that guessing is slow.

They are counted in three ways: of one account from one address, of one account from all addresses, and of one address
for all accounts. An account that was once named with its right password from an address is known there: only its own
wrong passwords from there count against it, so that no one else locks its user out.
"""

import time
from collections.abc import Callable, Hashable, Iterator
from typing import Literal

from roadstead.domain.access.rate_limit import MOST_KEYS, RateLimit

Secret = Literal["password", "token", "sign-in code", "consumer secret"]
"""Each kind is counted for itself: wrong tokens do not keep a user from the sign-in page."""

WINDOW_SECONDS = 300
MOST_OF_PAIR = 10
"""Wrong secrets of one account from one address, within the window."""
MOST_OF_ONE = 100
"""Wrong secrets of one account from all addresses, or of one address for all accounts, within the window."""
_LONGEST = 64
"""How many characters of an account's name are kept: strangers send names of any length."""


class Guesses:
    """Counts wrong secrets, and says how long a caller has to wait before the next."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, most_keys: int = MOST_KEYS) -> None:
        self._of_pairs = RateLimit(MOST_OF_PAIR, WINDOW_SECONDS, clock=clock, most_keys=most_keys)
        self._of_one = RateLimit(MOST_OF_ONE, WINDOW_SECONDS, clock=clock, most_keys=most_keys)
        self._reports = RateLimit(1, WINDOW_SECONDS, clock=clock)
        self._most_keys = most_keys
        self._known: dict[Hashable, None] = {}

    def wait(self, kind: Secret, account: str | None, address: str) -> int:
        """Return 0, or the seconds until this caller may send another secret."""
        return max(limit.wait(key) for limit, key in self._counted(kind, account, address))

    def count(self, kind: Secret, account: str | None, address: str) -> int:
        """Count a wrong secret and return 0, or return the seconds to wait; then it does not count.

        So one address adds a bounded number of accounts to what is remembered.
        """
        wait = self.wait(kind, account, address)
        if not wait:
            for limit, key in self._counted(kind, account, address):
                limit.take(key)
        return wait

    def know(self, kind: Secret, account: str, address: str) -> None:
        """Remember that the account's right secret came from this address."""
        self._known[kind, account[:_LONGEST], address] = None
        if len(self._known) > self._most_keys:
            del self._known[next(iter(self._known))]

    def is_news(self, kind: Secret) -> bool:
        """Return whether no refusal of this kind was reported within the window."""
        return not self._reports.take(kind)

    def _counted(self, kind: Secret, account: str | None, address: str) -> Iterator[tuple[RateLimit, Hashable]]:
        """Yield the limits that apply to a caller, each with its key."""
        named = None if account is None else account[:_LONGEST]
        if named is not None:
            yield self._of_pairs, (kind, named, address)
        if (kind, named, address) in self._known:
            return
        if named is not None:
            yield self._of_one, (kind, "account", named)
        yield self._of_one, (kind, "address", address)
