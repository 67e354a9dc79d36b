"""Access to the state of a host, whether or not one is running."""

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from roadstead.cli.output import tell

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

    return asyncio.run(run())


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
