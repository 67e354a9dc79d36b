"""Imports that the start leaves out, made soon after it, so that no request has to wait for one."""

import asyncio

from roadstead import connect, linkify
from roadstead.storage import secrets

PAUSE_SECONDS = 0.02
"""Between two imports, which take some milliseconds each; those of the matcher take 30 on a slow machine."""


async def warm() -> None:
    """Import one part after the other, with pauses in which requests are answered."""
    await asyncio.sleep(PAUSE_SECONDS)
    secrets.warm()
    for package in (connect, linkify):
        for name in package.__all__:
            if name not in vars(package):
                await asyncio.sleep(PAUSE_SECONDS)
                getattr(package, name)
