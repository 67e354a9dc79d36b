"""One caller's share of common capacity: running requests, bytes of bodies, connections.

Counts of one process, without a clock and without I/O.
"""

from collections.abc import Hashable
from enum import Enum
from typing import Any, Generic, TypeVar

C = TypeVar("C", bound=Hashable)


class Shortage(Enum):
    """What is used up: the caller's share, or the total."""

    SHARE = "share"
    ALL = "all"


class Shares:
    """An amount: `most` for all callers together, `share` of it for each."""

    __slots__ = ("_taken", "held", "most", "share")

    def __init__(self, most: int, share: int) -> None:
        self.most = most
        self.share = share
        self.held = 0
        self._taken: dict[Hashable, int] = {}

    def take(self, caller: Hashable, amount: int = 1) -> Shortage | None:
        """Take some for a caller and return `None`, or take nothing and return what is used up."""
        taken = self._taken.get(caller, 0) + amount
        if taken > self.share:
            return Shortage.SHARE
        if self.held + amount > self.most:
            return Shortage.ALL
        self._taken[caller] = taken
        self.held += amount
        return None

    def give_back(self, caller: Hashable, amount: int = 1) -> None:
        """Give back an amount that was taken for a caller."""
        self.held -= amount
        left = self._taken[caller] - amount
        if left:
            self._taken[caller] = left
        else:
            del self._taken[caller]


class Address(Generic[C]):
    """An address, and its connections and requests.

    `waiting` are the connections that wait for their client, the one that has waited longest first: for a request, for
    the rest of one, or until an answer is read. `unsent` is how many bytes of answers wait in each of them. `requests`
    is the number of running ones.
    """

    __slots__ = ("connections", "name", "requests", "unsent", "waiting")

    def __init__(self, name: str) -> None:
        self.name = name
        self.connections = 0
        self.requests = 0
        self.waiting: dict[C, None] = {}
        self.unsent: dict[C, int] = {}

    def wait(self, connection: C) -> None:
        """Let a connection wait for its client from now on."""
        self.waiting.pop(connection, None)
        self.waiting[connection] = None

    def wait_on(self, connection: C) -> None:
        """Restart the waiting time of a connection, because its client has acted."""
        if connection in self.waiting:
            self.wait(connection)


class Places:
    """Places for requests: `most` at a time, and a new one only for an address with fewer than `share` running."""

    __slots__ = ("held", "most", "share")

    def __init__(self, most: int, share: int) -> None:
        self.most = most
        self.share = share
        self.held = 0

    def take(self, address: Address[Any]) -> Shortage | None:
        """Take a place for a request and return `None`, or return what is used up."""
        if address.requests >= self.share:
            return Shortage.SHARE
        if self.held >= self.most:
            return Shortage.ALL
        self.held += 1
        address.requests += 1
        return None

    def give_back(self, address: Address[Any]) -> None:
        """Give back the place of a request."""
        self.held -= 1
        address.requests -= 1


class Crowd(Generic[C]):
    """The connections of a process, by their address.

    There is always room for one more. If `most` are open, or half of these from one address, the connection that has
    waited longest for its client is closed for it: at that address, or at the address with the most. The same applies
    to `most_unsent` bytes of unread answers.
    """

    def __init__(self, most: int, most_unsent: int) -> None:
        self.most = most
        self.share = most // 2
        self.most_unsent = most_unsent
        self.connections = 0
        self._unsent = 0
        self._addresses: dict[str, Address[C]] = {}

    def address(self, name: str) -> Address[C]:
        """Return the address of that name. It is kept until it has no connection and no request."""
        address = self._addresses.get(name)
        if address is None:
            address = self._addresses[name] = Address(name)
        return address

    def add(self, connection: C, name: str) -> tuple[Address[C], C | None]:
        """Add a connection, which waits for its client; return its address, and the connection to close for it."""
        address = self.address(name)
        address.connections += 1
        self.connections += 1
        address.waiting[connection] = None
        if address.connections > self.share:
            return address, next(iter(address.waiting))
        if self.connections > self.most:
            crowded = max(self._addresses.values(), key=_waiting_of_all)
            return address, next(iter(crowded.waiting))
        return address, None

    def remove(self, connection: C, address: Address[C]) -> None:
        """Remove a connection."""
        self._unsent -= address.unsent.pop(connection, 0)
        address.waiting.pop(connection, None)
        address.connections -= 1
        self.connections -= 1
        self.forget_if_empty(address)

    def forget_if_empty(self, address: Address[C]) -> None:
        """Remove an address that has neither a connection nor a request."""
        if not address.connections and not address.requests and self._addresses.get(address.name) is address:
            del self._addresses[address.name]

    def not_taken(self, connection: C, address: Address[C], size: int) -> C | None:
        """Note that so many bytes are unread; return the connection to close because they are too many."""
        self._unsent += size - address.unsent.pop(connection, 0)
        address.unsent[connection] = size
        if self._unsent <= self.most_unsent:
            return None
        slowest = max(self._addresses.values(), key=_unsent_of_all)
        return next(iter(slowest.unsent))

    def taken(self, connection: C, address: Address[C]) -> None:
        """Note that the client has read everything."""
        self._unsent -= address.unsent.pop(connection, 0)
        address.wait_on(connection)


def _waiting_of_all(address: Address[C]) -> int:
    """Return how crowded an address is; one without a connection that can be closed is not."""
    return address.connections if address.waiting else 0


def _unsent_of_all(address: Address[C]) -> int:
    return sum(address.unsent.values())
