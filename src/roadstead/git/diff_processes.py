"""Processes of `git diff-tree` that are kept for the next diff: it then costs a ninth of what a new process costs."""

import asyncio
import contextlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from roadstead.git import closing
from roadstead.git.opened import packs_of
from roadstead.git.processes import Child, Limits

_Key = tuple[Path, tuple[str, ...]]


class _Waiting(NamedTuple):
    child: Child
    packs: int


class Pool(threading.local):
    """Processes of `git diff-tree` of the present thread, each for a repository and some options.

    A process that was unused for some seconds ends. One that answers is not in the pool, so another request for its
    repository starts a second process; the one that ends its answer last is kept.
    """

    def __init__(self, *, most: int = 12, seconds: float = 60) -> None:
        self._most = most
        self._seconds = seconds
        self._waiting: OrderedDict[_Key, _Waiting] = OrderedDict()
        self._ending: set[asyncio.Task[None]] = set()

    async def ask(self, folder: Path, options: tuple[str, ...], old: str, new: str, limits: Limits) -> bytes:
        """Return how two trees differ. Raise `GitLimit`, or `GitFailed`."""
        async with self._taken(folder, options) as child:
            end = f"end-{secrets.token_hex(16)}\n".encode()  # git repeats a line that is no id
            child.ask(f"{old} {new}\n".encode() + end, limits)
            answer = bytearray()
            while not answer.endswith(end):
                piece = await child.read()
                if not piece:
                    raise await child.failure()
                answer += piece
            return bytes(answer[answer.index(b"\n") + 1 : -len(end)])

    async def close(self) -> None:
        """End all processes that wait."""
        while self._waiting:
            _, waiting = self._waiting.popitem()
            await waiting.child.close()

    @contextlib.asynccontextmanager
    async def _taken(self, folder: Path, options: tuple[str, ...]) -> AsyncIterator[Child]:
        packs = packs_of(folder)
        waiting = self._waiting.pop((folder, options), None)
        if waiting is not None and (waiting.packs != packs or not waiting.child.is_running):
            await waiting.child.close()
            waiting = None
        child = waiting.child if waiting else Child(folder, "diff-tree", "--stdin", *options, stays=True)
        try:
            yield child
        except BaseException:
            await child.close()
            raise
        await self._put_back((folder, options), child, packs)

    async def _put_back(self, key: _Key, child: Child, packs: int) -> None:
        other = self._waiting.pop(key, None)
        unused = self._waiting[key] = _Waiting(child, packs)
        oldest = self._waiting.popitem(last=False)[1] if len(self._waiting) > self._most else None
        for superfluous in (other, oldest):
            if superfluous is not None:
                await superfluous.child.close()
        asyncio.get_running_loop().call_later(self._seconds, self._end_idle, key, unused)

    def _end_idle(self, key: _Key, unused: _Waiting) -> None:
        """End a process that has answered no question since. No clock is asked: that of the loop may be ahead of it."""
        if self._waiting.get(key) is unused:
            del self._waiting[key]
            task = asyncio.get_running_loop().create_task(unused.child.close())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)


POOL = Pool()
"""The pool of this process, for each of its threads."""
closing.append(POOL.close)
