"""Commits of a repository on this machine, whose messages are linked in the lab and by `roadstead demo`."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from roadstead.git.local_commits import make_repository, read_commits, version
from roadstead.model import LocalCommit

_MESSAGES = (
    "BB-1: Open the harbour\n\nThe first stone of the pier. See RFC 2119 for what MUST means.",
    "OPS-7: Light the beacon at dusk",
    "Merge branch 'bugfix-BB-12-leaking-hull' into main",
    "[BB-17] [OPS-9] Count ships that arrive at night\n\nBoth tickets asked for it; BB-12 is related.",
    "RELEASE-2 is a name, BB-20 is a ticket\n\nOnly values that the app stored become links.",
    "Answer problems as RFC 9457 says\n\nIt replaced RFC7807.",
    "fix_BB-23: do not sink when the tide is exactly 0",
    "Pin the chart, see https://charts.example.com/BB-24/index.html\n\nAn address is a link of its own already.",
    "Undo 9BB-12 and ABB-12, which are no tickets of ours\n\nCloses OPS-12.",
)
_FIRST_ON = datetime(2026, 8, 1, 9, 30, tzinfo=UTC)


async def last_commits(repository: Path, count: int) -> list[LocalCommit]:
    """Return the last commits of the repository around a folder, newest first. Raise `GitFailed`."""
    return await asyncio.to_thread(read_commits, repository, count)


async def make_sample(folder: Path) -> Path:
    """Make a small repository in a folder, with tickets and RFCs in its messages. Raise `GitFailed`."""
    repository = folder / "harbour"
    repository.mkdir()
    await asyncio.to_thread(make_repository, repository, _MESSAGES, first_on=_FIRST_ON)
    return repository


def git_version() -> str:
    """Return the output of `git --version`. Raise `GitFailed`."""
    return version()
