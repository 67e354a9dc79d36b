"""Pages of commits, in the order of `git log`.

libgit2's own walk by date reads the whole history before its first commit. Here a page reads its own commits and their
parents. What is in the queue then, the frontier, is where the next page begins, so every page costs the same.

Commits that are reachable from some tips and not from others are walked from the beginning at each page, because any of
those that were found can turn out to be excluded later. git walks a range that is too long for that.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from roadstead.git.commit_range import range_of
from roadstead.git.frontier import Frontier, not_ours
from roadstead.git.graph import Queue, Reached
from roadstead.git.objects import Commit, commit_of, data_of
from roadstead.git.opened import repository
from roadstead.git.processes import run

_DIGITS = 20
MOST_BYTES = 1 << 20
"""Of the commits of a page, which ends early where messages are long: a hundred of a megabyte made 500 MB of JSON."""


class Page(NamedTuple):
    """Some commits, and the text that leads to the next page; `None` at the end.

    `next` is as long as the history is wide there: 27 characters for each branch that is still open, and at most 2,700
    more where many commits are of the same second.
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

    `after` is the `next` of the page before, for the same `include` and `exclude`. Where commits have wrong dates, a
    commit that is not in `include` can be on two pages. Raise `NoSuchObject`, and `InvalidInput` for a bad `after`.
    """
    tips, left_out = list(dict.fromkeys(include)), list(exclude)
    if left_out:
        return await _page_of_range(folder, tips, left_out, length, _number(after))
    if after is None:
        return _page_of_history(folder, Frontier(tips), (), length)
    begin = Frontier.of(after)
    return _page_of_history(folder, begin, set(tips).difference(begin.open), length)


def _page_of_history(folder: Path, begin: Frontier, shown_tips: Iterable[str], length: int) -> Page:
    queue = Queue(repository(folder))
    for id_ in (*begin.shown, *shown_tips):
        queue.leave_out(id_)
    for tip in begin.open:
        queue.add(tip)
    visited: list[Reached] = []
    size = 0
    while queue and len(visited) < length and size < MOST_BYTES:
        visited.append(queue.pop())
        size += len(visited[-1].data)
        for parent in visited[-1].links.parents:
            queue.add(parent)
    next_ = _next(begin, visited, queue).text() if queue else None
    return Page([commit_of(latest.id, latest.data) for latest in visited], next_)


def _next(begin: Frontier, visited: Sequence[Reached], queue: Queue) -> Frontier:
    open_ = [reached.id for reached in queue.left()]
    if len(begin.open) == 1 and not begin.shown and all(len(each.links.parents) == 1 for each in visited):
        return Frontier(open_)  # one line of commits never leads back
    same_second = [each.id for each in visited if each.order == visited[-1].order == queue.left()[0].order]
    stays = [*begin.shown, *same_second] if len(same_second) == len(visited) else same_second
    return Frontier(open_, stays)


def _number(after: str | None) -> int:
    if after is None:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) < _DIGITS):
        raise not_ours()
    return int(after)


async def _page_of_range(folder: Path, include: list[str], exclude: list[str], length: int, skip: int) -> Page:
    ids = range_of(folder, include, exclude)
    if ids is None:
        ids = await _rev_list(folder, include, exclude, f"--skip={skip}", f"--max-count={length + 1}")
    else:
        ids = ids[skip : skip + length + 1]
    found = first_of(folder, ids[:length])
    return Page(found, str(skip + len(found)) if len(ids) > len(found) else None)


def first_of(folder: Path, ids: Iterable[str]) -> list[Commit]:
    """Return the first of some commits, as many as fit into `MOST_BYTES`. Raise `NoSuchObject`."""
    found: list[Commit] = []
    size = 0
    for id_ in ids:
        if size >= MOST_BYTES:
            break
        data = data_of(repository(folder), "commit", id_)
        found.append(commit_of(id_, data))
        size += len(data)
    return found


async def _rev_list(folder: Path, include: Sequence[str], exclude: Sequence[str], *options: str) -> list[str]:
    tips = [*include, *(f"^{id_}" for id_ in exclude)]
    stdin = "".join(f"{tip}\n" for tip in tips).encode()
    return (await run(folder, "rev-list", *options, "--stdin", stdin=stdin)).decode().split()
