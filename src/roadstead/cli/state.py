"""Work on the state of a host, whether or not one is running beside."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from roadstead.domain.host import Host
    from roadstead.settings import Settings

T = TypeVar("T")


def on_host(settings: "Settings", work: "Callable[[Host], Awaitable[T]]") -> T:
    """Open the state, do the work and close it again. Raises `StorageUnusable` and what the work raises."""
    import asyncio

    from roadstead.domain.host import open_host

    async def run() -> T:
        async with open_host(settings) as host:
            return await work(host)

    return asyncio.run(run())
