"""Ending background work when a process stops."""

import asyncio
from collections.abc import Set


async def finish(tasks: Set["asyncio.Task[None]"], seconds: float) -> None:
    """Wait for the tasks, and cancel what takes longer. Each leaves the set when it has ended."""
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
