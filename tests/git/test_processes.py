"""Runs of git: what they are given, and that each ends, in time and with all that it started."""

import asyncio
import contextlib
import os
import subprocess
import threading
import time
from collections import UserList
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from roadstead.errors import GitFailed, GitLimit, HostBusy
from roadstead.git import processes
from roadstead.git.diff_processes import Pool
from roadstead.git.environment import SETTINGS, environment, program
from roadstead.git.processes import USUAL, Child, Limits, run
from roadstead.git.transfer import programs
from roadstead.git.transfer.piped import Piped
from tests.git.plain import commit, git, is_left, repository

QUICK = Limits(seconds=2)
"""Long enough for a shell to begin on a busy machine."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return repository(tmp_path / "work") / ".git"


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Return a function that puts a script in the place of git, but not of that of hosts that other tests share."""
    script, here = tmp_path / "git", threading.get_ident()

    def write(text: str) -> None:
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)
        monkeypatch.setattr(processes, "program", lambda: str(script) if threading.get_ident() == here else program())

    return write


class _OfEachThread(threading.local, UserList["subprocess.Popen[bytes]"]):
    """The processes that each thread has running: those of hosts that other tests share take no place of a test."""


def _gone(pid: int) -> bool:
    """Wait until a process has ended, and return whether it has. A zombie has: only its parent has not waited yet."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def test_no_more_processes_run_than_may(shell: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused at once, and runs when another has ended."""
    monkeypatch.setattr(processes, "MOST_PROCESSES", 1)
    monkeypatch.setattr(processes, "_running", _OfEachThread())
    shell("read -r line")

    async def check() -> None:
        async with Child(None, "x", stays=True):
            with pytest.raises(HostBusy):
                await run(None, "x")
        await run(None, "x", stdin=b"line\n")

    asyncio.run(check())


def test_a_process_that_nobody_waits_for_keeps_no_place(
    shell: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has ended counts no more, although its reader was cancelled before it saw the end."""
    monkeypatch.setattr(processes, "MOST_PROCESSES", 1)
    monkeypatch.setattr(processes, "_running", _OfEachThread())
    shell("exit 0")
    with processes.start(["x"], USUAL) as left:
        assert _gone(left.pid)
        assert asyncio.run(run(None, "x")) == b""


class _SlowToEnd:
    """An empty body; `ending` is set when the task that waits for its client is told to end, which takes a moment."""

    def __init__(self) -> None:
        self.ending = asyncio.Event()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration

    async def left(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ending.set()
            await asyncio.sleep(0.01)


def test_a_client_that_leaves_at_the_end_leaves_no_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task that answers is cancelled while it ends git, and git is waited for all the same."""
    started: list[Piped] = []

    class Noted(Piped):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(programs, "Piped", Noted)

    async def check() -> None:
        body = _SlowToEnd()

        async def answer() -> None:
            async for _ in programs.upload_pack(folder, body, ""):
                pass

        answering = asyncio.create_task(answer())
        await body.ending.wait()
        answering.cancel()
        await asyncio.wait([answering])
        assert answering.cancelled()
        async with asyncio.timeout(30):
            while started[0]._process.returncode is None:
                await asyncio.sleep(0.001)

    asyncio.run(check())


def test_nothing_is_inherited(shell: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A process has the variables that are listed, and none of the host's."""
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("LD_PRELOAD_OF_SOMEBODY", "yes")
    shell("exec /usr/bin/env")
    given = dict(line.split("=", 1) for line in asyncio.run(run(None, "x")).decode().splitlines())
    assert {
        name: value for name, value in given.items() if name not in {"PWD", "_", "SHLVL", "OLDPWD"}
    } == environment()


def test_git_knows_every_setting(folder: Path) -> None:
    """git reads each setting, and it overrules what a repository says."""
    for name in SETTINGS:
        git(folder, "config", name, "false")
    for name, value in SETTINGS.items():
        assert asyncio.run(run(folder, "config", "--get", name)).decode().strip() == value


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_input_of_any_size_goes_in_while_output_comes_out(
    folder: Path, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """What is larger than the pipes does not stop a run that answers while it reads."""
    ids = b"\n".join([b"4b825dc642cb6eb9a060e54bf8d69288fbee4904"] * 20_000)
    with asyncio.Runner(loop_factory=loop) as runner:
        answer = runner.run(run(folder, "cat-file", "--batch-check", stdin=ids))
    assert answer.count(b" tree 0\n") == 20_000


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("script", "limits", "says"),
    [
        ("sleep 20", QUICK, "longer"),
        ("exec >&- 2>&-; sleep 20", QUICK, "longer"),
        ("while :; do echo yes; done", Limits(seconds=5, output=100_000), "larger"),
        ("while :; do echo no >&2; done", QUICK, "longer"),
    ],
    ids=["silent", "mute", "talkative", "complaining"],
)
def test_a_limit_ends_the_whole_group(
    shell: Callable[[str], None], tmp_path: Path, script: str, limits: Limits, says: str
) -> None:
    """A run over its time or output is ended, with what it started itself."""
    shell(f"sleep 100 >/dev/null 2>&1 </dev/null & echo $! >{tmp_path}/below; {script}")
    with pytest.raises(GitLimit, match=says):
        asyncio.run(run(None, "x", limits=limits))
    assert _gone(int((tmp_path / "below").read_text()))


def test_time_counts_while_the_loop_is_busy(shell: Callable[[str], None]) -> None:
    """Waiting for the end of a process takes as long as it takes, not as long as it would on an idle machine."""
    shell("exec >&- 2>&-; sleep 5")

    async def beside_others() -> None:
        async def hold() -> None:
            while True:
                time.sleep(0.05)
                await asyncio.sleep(0)

        holding = asyncio.create_task(hold())
        try:
            await run(None, "x", limits=Limits(seconds=0.5))
        finally:
            holding.cancel()

    with pytest.raises(GitLimit, match="longer"):
        asyncio.run(beside_others())


def test_what_git_leaves_behind_ends_with_it(shell: Callable[[str], None], tmp_path: Path) -> None:
    """The system ends git when it has used up its processor time, but not what it started."""
    shell(f"sleep 100 >/dev/null 2>&1 </dev/null & echo $! >{tmp_path}/below; kill -XCPU $$")
    with pytest.raises(GitLimit):
        asyncio.run(run(None, "x"))
    assert _gone(int((tmp_path / "below").read_text()))


def test_a_cancelled_run_is_ended(shell: Callable[[str], None], tmp_path: Path) -> None:
    """When a client is gone, its git is, too."""
    shell(f"echo $$ >{tmp_path}/pid; sleep 100")

    async def cancel() -> None:
        task = asyncio.create_task(run(None, "x"))
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert _gone(int((tmp_path / "pid").read_text()))


def test_memory_is_bounded(shell: Callable[[str], None]) -> None:
    """A process that takes more memory than it may fails, and takes nothing from others."""
    shell("read line; exec /usr/bin/head -c 200M /dev/zero | /usr/bin/tail -c 150M >/dev/null")
    with pytest.raises(GitFailed):
        asyncio.run(run(None, "x", stdin=b"now it is bounded\n", limits=Limits(memory=60 << 20)))


@pytest.mark.parametrize("says", ["fatal: inflateInit: out of memory", "fatal: mmap failed: Cannot allocate memory"])
def test_memory_that_git_does_not_get_is_a_limit(shell: Callable[[str], None], folder: Path, says: str) -> None:
    """Nothing is wrong with the repository, whether git runs once or waits for questions."""
    shell(f"echo '{says}' >&2; exit 128")
    with pytest.raises(GitLimit, match="memory"):
        asyncio.run(run(None, "x"))
    with pytest.raises(GitLimit, match="memory"):
        asyncio.run(Pool().ask(folder, (), "a", "b", Limits()))


@pytest.mark.parametrize("signal", ["KILL", "XCPU"])
def test_what_the_system_ends_was_over_a_limit(shell: Callable[[str], None], signal: str) -> None:
    """git uses processor time that no one waits for while a reader is slow, and the system ends it."""
    shell(f"kill -{signal} $$")
    with pytest.raises(GitLimit, match="longer"):
        asyncio.run(run(None, "x"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("cat-file", "blob", "--end-of-options", "--help"), "--help"), (("no-such-command",), "not a git command")],
)
def test_what_git_says_is_in_the_error(folder: Path, arguments: tuple[str, ...], says: str) -> None:
    """A failure tells why, and a name that begins with a dash is a name."""
    with pytest.raises(GitFailed) as failed:
        asyncio.run(run(folder, *arguments))
    assert says in failed.value.detail


def _spoil_settings(folder: Path) -> None:
    (folder / "config").write_text("[", "utf-8")


def _remove_head(folder: Path) -> None:
    (folder / "HEAD").unlink()


def _remove_all(folder: Path) -> None:
    folder.rename(folder.with_name("away"))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_spoil_settings, "fatal: bad config line 2 in file ./config"),
        (_remove_head, "fatal: not a git repository: '.'"),
        (_remove_all, "No such file or directory."),
    ],
)
def test_an_error_does_not_say_where_the_repository_is(folder: Path, spoil: Callable[[Path], None], says: str) -> None:
    """Callers are told what is wrong, and not where the host has its files."""
    spoil(folder)
    with pytest.raises(GitFailed) as failed:
        asyncio.run(run(folder, "for-each-ref"))
    assert failed.value.detail == says


def test_a_process_makes_nothing_at_the_place_of_a_repository_that_was_deleted(folder: Path) -> None:
    """It goes on in the folder that it began with, wherever that was moved to."""
    tip = commit(folder.parent)

    async def change() -> None:
        async with Child(folder, "update-ref", "--stdin", stays=True) as changing:
            changing.ask(b"start\n", USUAL)
            assert await changing.read() == b"start: ok\n"
            folder.rename(folder.with_name("trash"))
            changing.ask(f"create refs/heads/deep/new {tip}\nprepare\n".encode(), USUAL)
            assert await changing.read() == b"prepare: ok\n"

    asyncio.run(change())
    assert not folder.exists()


def test_the_loop_goes_on(shell: Callable[[str], None]) -> None:
    """While git runs, other tasks run."""
    shell("read line; sleep 0.05; echo $line")
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def both() -> bytes:
        counting = asyncio.create_task(count())
        async with Child(None, "x", stdin=b"Hello\n") as child:
            answer = b"".join([piece async for piece in child.pieces()])
        counting.cancel()
        return answer

    assert asyncio.run(both()) == b"Hello\n"
    assert turns > 10


def test_no_descriptor_is_left(folder: Path, started: "list[subprocess.Popen[bytes]]") -> None:
    """Runs that end, and runs that fail, close their pipes."""
    for arguments in (("rev-parse", "--git-dir"), ("no-such-command",)):
        with contextlib.suppress(GitFailed):
            asyncio.run(run(folder, *arguments))
    assert [is_left(process) for process in started] == [False, False]


def test_a_repository_of_another_user_is_read(folder: Path) -> None:
    """The owner of a folder on the disk does not matter: git would refuse it otherwise."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(folder, 12345, 12345)
    os.chown(folder.parent, 12345, 12345)
    assert asyncio.run(run(None, "-C", str(folder.parent), "rev-parse", "--git-dir")) == b".git\n"
