"""Maintenance in the background: some time after a push, one repository at a time on a machine, and the trash."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from roadstead.errors import RoadsteadError
from roadstead.git import locks
from roadstead.git.folders import sweep
from roadstead.git.maintenance import maintain

log = logging.getLogger("roadstead")

_PAUSE = 1.0


class Caretaker:
    """Maintains repositories that have `changed`, as long as it runs. `root` is the folder of all repositories.

    `maintained` is called after each.
    """

    def __init__(
        self, root: Path, *, delay: float = 45, maintained: Callable[[Path], None] = lambda folder: None
    ) -> None:
        self._root = root
        self._delay = delay
        self._maintained = maintained
        self._due: dict[Path, float] = {}
        self._news = asyncio.Event()

    def changed(self, folder: Path) -> None:
        """Note that a repository has changed. One that is noted already is maintained no later."""
        self._due.setdefault(folder, asyncio.get_running_loop().time() + self._delay)
        self._news.set()

    async def run(self) -> None:
        """Maintain what is due, until this is cancelled."""
        while True:
            folder = await self._next()
            try:
                await self._maintain(folder)
                self._maintained(folder)
            except (RoadsteadError, OSError) as exc:
                if folder.exists():
                    log.warning("The repository in %s could not be maintained: %s", folder, exc)

    async def _next(self) -> Path:
        while not self._due:
            self._news.clear()
            await self._news.wait()
        folder, moment = next(iter(self._due.items()))
        await asyncio.sleep(moment - asyncio.get_running_loop().time())
        del self._due[folder]
        return folder

    async def _maintain(self, folder: Path) -> None:
        while True:
            with locks.alone(self._root) as lock:
                if lock is not None:
                    if not await maintain(folder):
                        self.changed(folder)  # it was pushed to while it was to be pruned
                    await sweep(self._root)
                    return
            await asyncio.sleep(_PAUSE)  # another process maintains one
