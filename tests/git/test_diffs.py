"""Diffs and histories of paths say what git says, and none runs for longer, or says more, than is allowed."""

import asyncio
import os
import shutil
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.domain.host import open_host
from roadstead.errors import GitLimit, NotFound
from roadstead.git import close, diff_processes, diffs, path_history
from roadstead.git.diff_processes import Pool
from roadstead.git.diffs import DiffOptions
from roadstead.git.processes import Child, Limits
from roadstead.settings import Settings
from tests.git.generated import Made, histories
from tests.git.generated import repository as generated
from tests.git.plain import children, commit, git, repository, working_folder

T = TypeVar("T")


async def _closing(work: Awaitable[T]) -> T:
    try:
        return await work
    finally:
        await close()


def run(work: Awaitable[T]) -> T:
    """Run something, and end the processes that it left waiting."""
    return asyncio.run(_closing(work))


async def _text(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


def _options(options: DiffOptions) -> list[str]:
    renames = "-M" if options.renames else "--no-renames"
    return [renames, *(["-w"] if options.ignore_whitespace else [])]


def _numbers(folder: Path, old: str, new: str, options: list[str]) -> Iterator[tuple[bytes, ...]]:
    fields = iter(git(folder, "diff", "--numstat", "-z", *options, old, new).split(b"\0")[:-1])
    for field in fields:
        added, removed, path = field.split(b"\t", 2)
        yield (added, removed, *((path, path) if path else (next(fields), next(fields))))


OPTIONS = st.builds(DiffOptions, st.integers(0, 4), st.booleans(), st.booleans(), st.just(()))


@given(histories(), OPTIONS, st.integers(0, 100), st.integers(0, 100))
def test_diffs_and_diffstats(commits: list[Made], options: DiffOptions, one: int, other: int) -> None:
    """The text of a diff is `git diff`'s, byte for byte, and so are status, paths and numbers of each file."""
    with generated(commits) as made:
        old, new = (made.ids[number % len(made.ids)] for number in (one, other))
        arguments = _options(options)
        assert run(_text(diffs.patch(made.folder, old, new, options))) == git(
            made.folder, "diff", f"-U{options.context}", *arguments, old, new
        )
        found = run(diffs.diffstat(made.folder, old, new, options))
        wanted = list(_numbers(made.folder, old, new, arguments))
        assert [_shown(change) for change in found] == wanted
        said = git(made.folder, "diff", "--name-status", "-z", "--no-renames", old, new).split(b"\0")[:-1]
        status = dict(zip(said[1::2], said[0::2], strict=True))
        for change in found:
            assert (change.new or b"") in status or change.status == "removed"
            if change.status in {"added", "removed"}:
                assert status[change.new or change.old or b""] == {"added": b"A", "removed": b"D"}[change.status]


def _shown(change: diffs.FileChange) -> tuple[bytes, ...]:
    numbers = [b"-" if number is None else b"%d" % number for number in (change.lines_added, change.lines_removed)]
    return (*numbers, change.old or change.new or b"", change.new or change.old or b"")


@given(histories(), st.integers(1, 4), st.sampled_from([b"a", b"dir", b"dir/a", b":(top)a", b"*", b"-rf"]))
def test_histories_of_paths(commits: list[Made], length: int, path: bytes) -> None:
    """Commits of a file or folder are those of `git log`, page by page, and renames are followed as git does."""
    with generated(commits) as made:
        literally = {"GIT_LITERAL_PATHSPECS": "1"}
        for follow in ([], ["--follow"]):
            if follow and path == b"dir":
                continue  # git follows files only
            asked = ("log", "--format=%H", *follow, made.ids[-1], "--", os.fsdecode(path))
            wanted = git(made.folder, *asked, variables=literally).decode().split()
            found = [each.commit for each in run(_file_history(made.folder, made.ids[-1], path, bool(follow), length))]
            assert found == wanted
        asked = ("rev-list", made.ids[-1], "--", os.fsdecode(path))
        wanted = git(made.folder, *asked, variables=literally).decode().split()
        assert run(path_history.commits_of(made.folder, [made.ids[-1]], [path], length=99)) == wanted


async def _file_history(
    folder: Path, tip: str, path: bytes, renames: bool, length: int
) -> list[path_history.PathCommit]:
    found: list[path_history.PathCommit] = []
    while True:
        page = await path_history.file_history(folder, tip, path, renames=renames, skip=len(found), length=length)
        found += page
        if len(page) < length:
            return found


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = repository(tmp_path_factory.mktemp("template") / "work")
    commit(folder, one="1\n", two="2\n")
    commit(folder, "More", one="1\n1\n", three="3\n")
    return folder


@pytest.fixture
def work(template: Path, tmp_path: Path) -> Path:
    """Return a copy, which costs less than git does."""
    return shutil.copytree(template, tmp_path / "work")


def _ids(work: Path) -> list[str]:
    return git(work, "rev-list", "--reverse", "HEAD").decode().split()


def test_a_first_commit_is_compared_with_nothing(work: Path) -> None:
    """Nothing stands for an empty tree, on either side."""
    first = _ids(work)[0]
    assert [change.status for change in run(diffs.diffstat(work / ".git", None, first))] == ["added", "added"]
    assert [change.status for change in run(diffs.diffstat(work / ".git", first, None))] == ["removed", "removed"]
    assert run(_text(diffs.patch(work / ".git", None, None))) == b""


def test_paths_choose_files(work: Path) -> None:
    """With paths, only they are compared; one that looks like an option or a pattern is a name."""
    first, second = _ids(work)
    for paths in [(b"one",), (b"one", b"--stat"), (b"one", b":(glob)**", b"*")]:
        options = DiffOptions(paths=paths)
        assert [change.new for change in run(diffs.diffstat(work / ".git", first, second, options))] == [b"one"]
        text = run(_text(diffs.patch(work / ".git", first, second, options)))
        assert text == git(work, "diff", first, second, "--", "one")


def test_a_rename_has_both_paths(work: Path) -> None:
    """A renamed file is followed into the commits in which it had another name."""
    (work / "long").write_text("".join(f"{number}\n" for number in range(50)))
    first = commit(work)
    git(work, "mv", "long", "renamed")
    second = commit(work)
    (change,) = run(diffs.diffstat(work / ".git", first, second))
    assert (change.status, change.old, change.new) == ("renamed", b"long", b"renamed")
    assert (change.lines_added, change.lines_removed) == (0, 0)
    history = run(path_history.file_history(work / ".git", second, b"renamed"))
    assert history == [(second, b"renamed"), (first, b"long")]


@pytest.mark.parametrize("id_", ["0" * 40, "HEAD", "--output=/tmp/x", "-p", "", "main"])
def test_only_ids_reach_git(work: Path, id_: str, tmp_path: Path) -> None:
    """A text that is no id is not found, and is no option."""
    for asking in (
        lambda: _text(diffs.patch(work / ".git", id_, id_)),
        lambda: diffs.diffstat(work / ".git", id_, None),
        lambda: path_history.commits_of(work / ".git", [id_], [b"one"]),
        lambda: path_history.file_history(work / ".git", id_, b"one"),
    ):
        with pytest.raises(NotFound):
            run(asking())


def test_git_follows_no_replaced_commit(work: Path) -> None:
    """A user who can push `refs/replace/…` does not change what git answers to others."""
    first, second = _ids(work)
    third = commit(work, one="3")
    git(work, "replace", third, first)
    assert run(path_history.commits_of(work / ".git", [third], [b"one"])) == [third, second, first]


def test_a_large_diff_streams(work: Path) -> None:
    """A diff that is too large for one answer of a waiting process comes whole from another."""
    (work / "large").write_text("".join(f"{number}\n" for number in range(400_000)))
    first, _, third = *_ids(work), commit(work)
    assert run(_text(diffs.patch(work / ".git", first, third))) == git(work, "diff", first, third)


def test_no_file_can_end_an_answer(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text that ends an answer is random, so no commit can contain it."""
    asked: list[bytes] = []
    here = threading.get_ident()

    def note(child: Child, question: bytes, limits: Limits) -> None:
        if threading.get_ident() == here:  # hosts that other tests share ask, too
            asked.append(question)
        ask_child(child, question, limits)

    ask_child = Child.ask
    monkeypatch.setattr(Child, "ask", note)
    first, second = (_tree(work, id_) for id_ in _ids(work))

    async def ask() -> None:
        pool = Pool()
        for _ in range(2):
            await pool.ask(work / ".git", ("-p",), first, second, Limits())
        await pool.close()

    asyncio.run(ask())
    ends = {question.splitlines()[1] for question in asked}
    assert len(ends) == 2
    assert all(len(end) > 32 for end in ends)


def _tree(work: Path, id_: str) -> str:
    return git(work, "rev-parse", f"{id_}^{{tree}}").decode().strip()


def _processes(work: Path) -> list[int]:
    """Return the processes that run in a repository. Hosts of other tests have some elsewhere."""
    return [int(pid) for pid in children() if working_folder(pid) == work / ".git"]


def _children(work: Path) -> int:
    """Return how many processes run in a repository."""
    return len(_processes(work))


class _EarlyLoop(asyncio.SelectorEventLoop):
    """A loop whose timers come early, as those of uvloop, which counts whole milliseconds."""

    def call_later(self, delay: float, *arguments: Any, **options: Any) -> asyncio.TimerHandle:  # type: ignore[override]
        return super().call_later(delay / 4, *arguments, **options)


def test_a_pool_keeps_few_processes_and_none_for_long(work: Path) -> None:
    """One process answers many questions; questions at once have several; most end when they are too many, or idle."""
    first, second = (_tree(work, id_) for id_ in _ids(work))

    async def ask() -> None:
        pool, quick = Pool(most=2), Pool(seconds=1)
        before = _children(work)
        wanted = await pool.ask(work / ".git", ("-p",), first, second, Limits())
        for _ in range(3):
            assert await pool.ask(work / ".git", ("-p",), first, second, Limits()) == wanted
        assert _children(work) == before + 1
        together = [pool.ask(work / ".git", ("-p", f"-U{number % 4}"), first, second, Limits()) for number in range(9)]
        assert len(await asyncio.gather(*together)) == 9
        assert _children(work) == before + 2
        await pool.close()
        assert await quick.ask(work / ".git", ("-p",), first, second, Limits()) == wanted
        assert _children(work) == before + 1
        async with asyncio.timeout(30):
            while _children(work) > before:
                await asyncio.sleep(0.02)

    with asyncio.Runner(loop_factory=_EarlyLoop) as runner:
        runner.run(ask())


def test_a_process_is_replaced_after_packs_changed_and_after_it_died(work: Path) -> None:
    """A waiting process does not keep deleted packs; one that was killed is no failure of the next question."""
    first, second = (_tree(work, id_) for id_ in _ids(work))

    async def ask() -> None:
        pool = Pool()
        before = _children(work)
        try:
            wanted = await pool.ask(work / ".git", ("-p",), first, second, Limits())
            (waiting,) = pool._waiting.values()
            git(work, "repack", "-adq")
            assert await pool.ask(work / ".git", ("-p",), first, second, Limits()) == wanted
            assert not waiting.child.is_running
            (waiting,) = pool._waiting.values()
            await waiting.child.close()
            assert await pool.ask(work / ".git", ("-p",), first, second, Limits()) == wanted
        finally:
            await pool.close()
        assert _children(work) == before

    asyncio.run(ask())


def test_a_host_that_stops_leaves_none(work: Path, tmp_path: Path) -> None:
    """When a host closes, the processes that wait for questions end, and no repository stays open."""
    git(work, "repack", "-adq")
    first, second = _ids(work)

    async def live() -> None:
        before = _children(work)
        async with open_host(Settings.read({"data": str(tmp_path / "data")}, {})):
            await diffs.diffstat(work / ".git", first, second)
            assert _children(work) == before + 1
        assert _children(work) == before
        assert str(work / ".git") not in Path("/proc/self/maps").read_text()

    asyncio.run(live())


def test_a_question_over_its_limit_ends_the_process(work: Path) -> None:
    """An answer that is too long or takes too long ends its process, and the next question has another."""
    first, second = (_tree(work, id_) for id_ in _ids(work))

    async def ask() -> None:
        pool = Pool()
        with pytest.raises(GitLimit, match="larger"):
            await pool.ask(work / ".git", ("-p",), first, second, Limits(output=10))
        assert not _processes(work)
        answer = await pool.ask(work / ".git", ("-p",), first, second, Limits())
        (stopped,) = _processes(work)
        os.kill(stopped, signal.SIGSTOP)
        with pytest.raises(GitLimit, match="longer"):
            await pool.ask(work / ".git", ("-p",), first, second, Limits(seconds=0.05))
        assert not _processes(work)
        assert await pool.ask(work / ".git", ("-p",), first, second, Limits()) == answer
        await pool.close()

    asyncio.run(ask())


@pytest.mark.slow
def test_a_diffstat_of_a_bomb_is_bounded(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository with 10^10 paths is compared as far as allowed, and then refused."""
    tree = git(work, "hash-object", "-w", "--stdin", stdin=b"x").decode().strip()
    kind = b"100644"
    for _ in range(10):
        entries = b"".join(kind + b" %d\0" % name + bytes.fromhex(tree) for name in range(10))
        tree = git(work, "hash-object", "-w", "-t", "tree", "--stdin", stdin=entries).decode().strip()
        kind = b"40000"
    monkeypatch.setattr(diffs, "_FILES", Limits(seconds=2, output=1 << 20))
    monkeypatch.setattr(diff_processes, "POOL", Pool())
    with pytest.raises(GitLimit):
        run(diffs.diffstat(work / ".git", None, tree))
