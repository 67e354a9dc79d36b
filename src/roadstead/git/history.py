"""Pages of commits, in the order of `git log`.

libgit2's own walk by date reads the whole history before its first commit. Here a page reads its own commits and their
parents. What is in the queue then, the frontier, is where the next page begins, so every page costs the same.

Commits that are reachable from some tips and not from others are walked from the beginning at each page, because any of
those that were found can turn out to be excluded later. A range that is too long for that is git's to walk.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from roadstead.errors import InvalidInput
from roadstead.git.commit_range import range_of
from roadstead.git.graph import Queue
from roadstead.git.objects import Commit, commit, commit_of
from roadstead.git.opened import repository
from roadstead.git.processes import run

_ID = 20


class Page(NamedTuple):
    """Some commits, and what leads to those that follow; nothing at the end.

    `next` is as long as the history is wide there: 27 characters for each branch that is still open.
    """

    commits: list[Commit]
    next: str | None


async def page(
    folder: Path,
    include: Iterable[str],
    exclude: Iterable[str] = (),
    *,
    length: int = 30,
    after: str | None = None,
) -> Page:
    """Return the commits that are reachable from `include` and not from `exclude`, all of them ids of commits.

    `after` is the `next` of the page before, of the same question. Where clocks went wrong, a commit can be on two
    pages. Raise `NoSuchObject`, and `InvalidInput` for an `after` that is none.
    """
    left_out = list(exclude)
    if left_out:
        return await _page_of_range(folder, list(include), left_out, length, _number(after))
    return _page_of_history(folder, include if after is None else _frontier(after), length)


def _page_of_history(folder: Path, tips: Iterable[str], length: int) -> Page:
    queue = Queue(repository(folder))
    for tip in tips:
        queue.add(tip)
    commits: list[Commit] = []
    while queue and len(commits) < length:
        latest = queue.pop()
        commits.append(commit_of(latest.id, latest.data))
        for parent in latest.links.parents:
            queue.add(parent)
    return Page(commits, _text([reached.id for reached in queue.left()]) if queue else None)


def _text(frontier: Sequence[str]) -> str:
    return b64encode(bytes.fromhex("".join(frontier)), b"-_").decode().rstrip("=")


def _frontier(after: str) -> list[str]:
    try:
        data = b64decode(after + "=" * (-len(after) % 4), b"-_", validate=True)
    except ValueError as exc:
        raise _not_ours() from exc
    if not data or len(data) % _ID:
        raise _not_ours()
    return [data[at : at + _ID].hex() for at in range(0, len(data), _ID)]


def _number(after: str | None) -> int:
    if after is None:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) < _ID):
        raise _not_ours()
    return int(after)


def _not_ours() -> InvalidInput:
    return InvalidInput("This is no page of the list.", "Follow the address in `next`, unchanged.")


async def _page_of_range(folder: Path, include: list[str], exclude: list[str], length: int, skip: int) -> Page:
    ids = range_of(folder, include, exclude)
    if ids is None:
        ids = await _asked(folder, include, exclude, f"--skip={skip}", f"--max-count={length + 1}")
    else:
        ids = ids[skip : skip + length + 1]
    return Page([commit(folder, id_) for id_ in ids[:length]], str(skip + length) if len(ids) > length else None)


async def _asked(folder: Path, include: Sequence[str], exclude: Sequence[str], *options: str) -> list[str]:
    tips = [*include, *(f"^{id_}" for id_ in exclude)]
    stdin = "".join(f"{tip}\n" for tip in tips).encode()
    return (await run(folder, "rev-list", *options, "--stdin", stdin=stdin)).decode().split()
