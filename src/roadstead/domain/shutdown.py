"""Ending background work when a process stops."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Set
from contextlib import asynccontextmanager
from typing import Any


async def finish(tasks: Set["asyncio.Task[None]"], seconds: float) -> None:
    """Wait for the tasks, and cancel what takes longer. Each leaves the set when it has ended."""
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


@asynccontextmanager
async def meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do the work in the background, and cancel it when the block ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
