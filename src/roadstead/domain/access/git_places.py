"""Places for work that runs git, such as a clone, a push or a comparison: as many at a time as the machine bears.

A caller that finds no place waits for one, and is refused after a while. One caller never has all places, and all
callers without a credential together never have more than half.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Hashable
from contextlib import aclosing, asynccontextmanager

from roadstead.domain.access.shares import Shares
from roadstead.errors import HostBusy
from roadstead.model import Identity

MOST = 24
"""At a time, in one process."""
SHARE = 8
"""Of one caller, for work that waits for the caller's client, as a clone does."""
COMPUTING_SHARE = 4
"""Of one caller, for work that mostly takes processors: more at a time ends little sooner, and slows down others."""
WAIT_SECONDS = 30.0


def account_of(identity: Identity) -> Hashable | None:
    """Return the key of a caller's share: the account, also that of an access token, and the app that acts for it."""
    user, installation = identity.user, identity.installation_id
    return None if user is None and installation is None else (user and user.id, installation)


def is_stranger(caller: Hashable) -> bool:
    """Return whether a share belongs to an address without a credential: only an address is a text."""
    return isinstance(caller, str)


class GitPlaces:
    """The places of one process for one kind of work, which `what` names in a sentence."""

    def __init__(
        self, most: int = MOST, share: int = SHARE, seconds: float = WAIT_SECONDS, what: str = "transfers of git"
    ) -> None:
        self._what = what
        self._places = Shares(most, share)
        self._strangers = 0
        self._most_strangers = (most + 1) // 2
        self._seconds = seconds
        self._waiting: dict[asyncio.Future[None], Hashable] = {}

    @asynccontextmanager
    async def place(self, caller: Hashable) -> AsyncIterator[None]:
        """Hold a place while the block runs. Raise `HostBusy` when there is none for too long."""
        if not self._take(caller):
            await self._wait(caller)
        try:
            yield
        finally:
            self._give_back(caller)

    async def pieces(self, caller: Hashable, made: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        """Yield what a generator makes, and hold a place until it is closed. Raise `HostBusy`."""
        async with self.place(caller), aclosing(made):
            async for piece in made:
                yield piece

    def _take(self, caller: Hashable) -> bool:
        """Take a place if there is one for the caller, and return whether there was."""
        stranger = is_stranger(caller)
        if (stranger and self._strangers >= self._most_strangers) or self._places.take(caller) is not None:
            return False
        self._strangers += stranger
        return True

    def _give_back(self, caller: Hashable) -> None:
        self._strangers -= is_stranger(caller)
        self._places.give_back(caller)
        self._pass_on()

    async def _wait(self, caller: Hashable) -> None:
        place = asyncio.get_running_loop().create_future()
        self._waiting[place] = caller
        try:
            async with asyncio.timeout(self._seconds):
                await place
        except BaseException as exc:
            if self._waiting.pop(place, None) is None and not place.cancelled():
                self._give_back(caller)  # it came at this very moment
            if isinstance(exc, TimeoutError):
                raise HostBusy(f"Roadstead has as many {self._what} as it can have.", "Try again later.") from exc
            raise

    def _pass_on(self) -> None:
        """Give free places to those who have waited longest, as far as their shares allow."""
        for place, caller in list(self._waiting.items()):
            if not place.done() and self._take(caller):
                del self._waiting[place]
                place.set_result(None)
