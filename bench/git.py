"""Reads of git repositories, in processor time of this process and its children, beside a cold `git` for the same.

Long-lived processes are ended in each round, so their time counts.
"""

import asyncio
import resource
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path

from bench import git_over_http, git_repositories, git_transfers
from bench.figures import Figure
from bench.scratch import scratch_folder
from roadstead.git import ancestry, blobs, close, diffs, history, last_commits, objects, path_history, revisions, trees
from roadstead.git.environment import environment, program
from roadstead.git.maintenance import maintain

COMMITS, FILES, CHANGED = 100_000, 50_000, 500
PAGES = 1_000
ROUNDS, TIMES = 3, 50
_FORMAT = "--format=%H%x00%P%x00%T%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B%x1e"

Read = Callable[[], Coroutine[None, None, object]]


def figures(commits: int = COMMITS, files: int = FILES) -> Iterator[Figure | str]:
    """Yield each read relative to git's, then what has a target of its own."""
    with scratch_folder() as folder:
        deep = git_repositories.long_history(folder / "deep.git", commits)
        wide = git_repositories.many_files(folder / "wide.git", files, CHANGED)
        yield f"{commits:,} commits of 2,000 files; {files:,} files"
        yield from asyncio.run(_all(_figures(deep, wide)))
    yield from git_over_http.figures()
    yield from git_transfers.figures()


async def _all(found: AsyncIterator[Figure]) -> list[Figure]:
    return [figure async for figure in found]


async def _figures(deep: Path, wide: Path) -> AsyncIterator[Figure]:
    tip = _tip(deep)
    tree = objects.commit(deep, tip).tree
    near = revisions.find(deep, "side") or tip
    yield await _cheaper("30 commits", _page(deep, tip), _git(deep, "log", "-z", "-n30", _FORMAT, tip))
    yield await _cheaper("a tree of 100 with sizes", _listing(deep, tree), _git(deep, "ls-tree", "-l", f"{tip}:src"))
    readme = f"{tip}:{git_repositories.README.decode()}"
    yield await _cheaper("a file of 6 KB by its path", _file(deep, tip), _git(deep, "cat-file", "blob", readme))
    yield await _cheaper("a near merge base", _base(deep, tip, near), _git(deep, "merge-base", tip, near))
    yield await _cheaper(
        "the patch of a commit", _patch(deep, tip), _git(deep, "diff-tree", "-p", "-M", f"{tip}~1", tip), 4
    )
    yield await _diffstat(wide)
    async for figure in _pages(deep, tip):
        yield figure
    async for figure in _histories(deep, tip):
        yield figure


async def _diffstat(wide: Path) -> Figure:
    tip = _tip(wide)
    old, new = objects.commit(wide, tip).parents[0], tip

    async def read() -> object:
        return await diffs.diffstat(wide, old, new)

    return await _cheaper(
        f"a diffstat of {CHANGED} files", read, _git(wide, "diff-tree", "-r", "-M", "--numstat", old, new)
    )


async def _pages(deep: Path, tip: str) -> AsyncIterator[Figure]:
    page = await history.page(deep, [tip])
    for _ in range(PAGES - 2):
        page = await history.page(deep, [tip], after=page.next)
    last = page.next

    async def read() -> object:
        return await history.page(deep, [tip], after=last)

    first, thousandth = await _cost(_page(deep, tip)), await _cost(read)
    yield Figure(f"page {PAGES:,} beside page 1", thousandth / first, "x", "most", 1.5)
    yield Figure("`next` of that page", len(last or ""), "bytes")


async def _histories(deep: Path, tip: str) -> AsyncIterator[Figure]:
    names = [entry.path.removeprefix(b"src/") for entry in trees.entries(deep, objects.commit(deep, tip).tree, b"src")]

    async def last() -> object:
        return await last_commits.last_commits(deep, tip, b"src", names)

    def streamed() -> None:
        _until_all_are_found(deep, tip, len(names))

    ours, gits = await _in_turns(last, streamed, 10, 3)
    yield Figure("last commits of 100, beside a streamed log", ours / gits, "x", "most", 0.25)
    await maintain(deep)
    rare = b"src/m077/file_1977.py"

    async def path() -> object:
        return await path_history.commits_of(deep, [tip], [rare])

    cold = _git(deep, "rev-list", "-n30", tip, "--", rare.decode())
    ours, gits = await _in_turns(path, cold, 3, 3)
    yield Figure("a rare path, beside git with bloom filters", ours / gits, "x", "most", 1.2)


def _tip(folder: Path) -> str:
    found = revisions.find(folder, "main")
    assert found is not None
    return found


def _page(folder: Path, tip: str) -> Read:
    async def read() -> object:
        return await history.page(folder, [tip])

    return read


def _listing(folder: Path, tree: str) -> Read:
    async def read() -> object:
        found = trees.entries(folder, tree, b"src")
        return found, trees.sizes(folder, found)

    return read


def _file(folder: Path, tip: str) -> Read:
    async def read() -> object:
        entry = trees.entry(folder, objects.commit(folder, tip).tree, git_repositories.README)
        return blobs.content(folder, entry.id)

    return read


def _base(folder: Path, one: str, other: str) -> Read:
    async def read() -> object:
        return await ancestry.merge_base(folder, one, other)

    return read


def _patch(folder: Path, tip: str) -> Read:
    async def read() -> object:
        parent = objects.commit(folder, tip).parents[0]
        return [piece async for piece in diffs.patch(folder, parent, tip)]

    return read


def _git(folder: Path, *arguments: str) -> Callable[[], None]:
    def ask() -> None:
        command = [program(), f"--git-dir={folder}", *arguments]
        subprocess.run(command, env=environment(), stdout=subprocess.PIPE, check=True)

    return ask


def _until_all_are_found(folder: Path, tip: str, count: int) -> None:
    """Read a log until it has named something in each folder, as hosts do without a walk of their own."""
    command = [
        program(),
        f"--git-dir={folder}",
        "log",
        "--format=",
        "--name-only",
        "-c",
        "--no-renames",
        tip,
        "--",
        "src",
    ]
    found: set[bytes] = set()
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE) as log:
        assert log.stdout is not None
        for line in log.stdout:
            found.update(line.split(b"/")[1:2])
            if len(found) == count:
                break
        log.kill()


async def _cheaper(what: str, read: Read, cold: Callable[[], None], target: float | None = None) -> Figure:
    ours, gits = await _in_turns(read, cold, TIMES, TIMES // 5)
    note = f"{ours * 1000:.2f} ms, git {gits * 1000:.1f} ms"
    return Figure(what, gits / ours, "x cheaper", "least", target, note)


async def _in_turns(read: Read, cold: Callable[[], None], reads: int, colds: int) -> tuple[float, float]:
    """Return the processor time of a read and of a cold git's in seconds, each in its best round."""
    ours, gits = [], []
    for _ in range(ROUNDS):
        ours.append(await _cost(read, reads))
        gits.append(await _cost_of(cold, colds))
    return min(ours), min(gits)


async def _cost(read: Read, times: int = TIMES) -> float:
    """Return the processor time of a read in seconds, when its repository is open."""
    await read()
    began = _processor_time()
    for _ in range(times):
        await read()
    await close()
    return (_processor_time() - began) / times


async def _cost_of(cold: Callable[[], None], times: int) -> float:
    began = _processor_time()
    for _ in range(times):
        cold()
    return (_processor_time() - began) / times


def _processor_time() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
