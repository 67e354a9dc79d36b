"""Access to the state of a host, whether or not one is running."""

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from roadstead.cli.output import tell
from roadstead.errors import NotFound

if TYPE_CHECKING:
    from roadstead.domain.host import Host
    from roadstead.settings import Settings

T = TypeVar("T")


def on_host(settings: "Settings", work: "Callable[[Host], Awaitable[T]]") -> T:
    """Open the state, run `work` and close the state. Raises `StorageUnusable`, and what `work` raises."""
    import asyncio

    from roadstead.domain.host import open_host

    async def run() -> T:
        async with open_host(settings, operator=f"{_user()} (command line)") as host:
            return await work(host)

    try:
        return asyncio.run(run())
    except NotFound as missing:
        raise _in_full(missing) from None


def _in_full(missing: NotFound) -> NotFound:
    """Return what an operator is told: the cloud's answer leaves open whether the caller may see the repository."""
    from roadstead.domain.repositories.access import NoSuchRepository

    if not isinstance(missing, NoSuchRepository):
        return missing
    return NotFound("There is no such repository.", "List those of a workspace with: roadstead repo list WORKSPACE")


def mention_absent_host(settings: "Settings", base_url: str) -> None:
    """Tell the user when no host is running on the state.

    Hosts on a PostgreSQL database may run on other machines, so nothing is said about these.
    """
    from roadstead.domain.running import running_hosts

    if settings.postgresql_url is None and not running_hosts(settings):
        tell(f"No host is running, so nothing answers at {base_url}. Start one with: roadstead serve")


def _user() -> str:
    """Return the operating system's name for the user, regardless of LOGNAME, or else the user's number."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
