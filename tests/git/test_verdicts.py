"""The verdict on a push: without one, git changes nothing."""

import asyncio
import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from roadstead.git.transfer import verdict
from roadstead.git.transfer.verdict import Dialogue, Judge, Question, write_hook
from roadstead.pushed import RefChange

A, B = "a" * 40, "b" * 40
LINES = f"{A} {B} refs/heads/main\n{B} {A} refs/tags/é\n"


def _hook(folder: Path, dialogue: Dialogue) -> "subprocess.Popen[bytes]":
    """Run the hook as git does."""
    with dialogue.passing() as descriptors:
        return subprocess.Popen(
            [folder / "pre-receive"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "GIT_QUARANTINE_PATH": str(folder / "quarantine"), **dialogue.variables},
            pass_fds=descriptors,
        )


async def _talk(folder: Path, judge: Judge, lines: str = LINES) -> tuple[int, bytes]:
    """Let the hook ask a judge; return its exit code, and what it tells the user."""
    dialogue = Dialogue()
    running = _hook(folder, dialogue)
    said = asyncio.create_task(asyncio.to_thread(running.communicate, lines.encode()))
    try:
        await dialogue.answer(judge)
    finally:
        await said
    return running.returncode, said.result()[1]


@pytest.mark.parametrize(
    ("reason", "code", "more"), [(None, 0, 0), (None, 0, 6), (None, 0, 500), ("no\nbecause", 1, 7), ("x" * 5000, 1, 0)]
)
def test_the_hook_asks_and_obeys(tmp_path: Path, reason: str | None, code: int, more: int) -> None:
    """It tells the host all changes, few or many, and the user the reason; git takes its exit code as the verdict."""
    lines = LINES + "".join(f"{A} {B} refs/heads/{number}\n" for number in range(more))
    asked: list[Question] = []

    async def judge(question: Question) -> str | None:
        asked.append(question)
        return reason

    write_hook(tmp_path)
    (tmp_path / "quarantine").mkdir()
    ended, told = asyncio.run(_talk(tmp_path, judge, lines))
    said = told.decode()
    assert ended == code
    assert asked == [
        Question(
            tmp_path / "quarantine",
            [
                RefChange(A, B, "refs/heads/main"),
                RefChange(B, A, os.fsdecode("refs/tags/é".encode())),
                *(RefChange(A, B, f"refs/heads/{number}") for number in range(more)),
            ],
        )
    ]
    assert said == ("" if reason is None else f"{reason[:2000]}\n")


def test_without_the_host_no_push_goes_on(tmp_path: Path) -> None:
    """When the host ends instead of answering, the hook refuses."""

    async def fail(question: Question) -> str | None:
        raise RuntimeError(question)

    async def check() -> int:
        dialogue = Dialogue()
        running = _hook(tmp_path, dialogue)
        ended = asyncio.create_task(asyncio.to_thread(running.communicate, LINES.encode()))
        with pytest.raises(RuntimeError):
            await dialogue.answer(fail)
        await ended
        return running.returncode

    write_hook(tmp_path)
    assert asyncio.run(check()) == 1


@pytest.mark.parametrize("is_there", [True, False])
def test_objects_that_cannot_be_looked_at_are_not_stored(tmp_path: Path, is_there: bool) -> None:
    """The push is refused: without the names of the files, the host could wait for none of them."""

    async def accept(question: Question) -> None:
        return None

    write_hook(tmp_path)
    if is_there:
        (tmp_path / "quarantine").symlink_to("quarantine")
    reason = "Too many levels of symbolic links" if is_there else "No such file or directory"
    told = f"The objects cannot be stored.\n{reason}.\n"
    assert asyncio.run(_talk(tmp_path, accept)) == (1, told.encode())


@pytest.mark.parametrize("fails", [True, False])
def test_a_refused_push_leaves_no_task(tmp_path: Path, fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host waits no longer for objects on the disk that are not accepted."""

    async def never(_: object) -> None:
        await asyncio.Event().wait()

    async def refuse(question: Question) -> str:
        await asyncio.sleep(0)
        if fails:
            raise RuntimeError(question)
        return "no"

    async def check() -> set[asyncio.Task[object]]:
        with suppress(RuntimeError):
            await _talk(tmp_path, refuse)
        return asyncio.all_tasks()

    write_hook(tmp_path)
    monkeypatch.setattr(verdict, "sync_all", never)
    (tmp_path / "quarantine").mkdir()
    assert len(asyncio.run(check())) == 1


def test_a_push_without_changes_is_not_judged() -> None:
    """git ends without a question, and so does the host's waiting."""

    async def judge(question: Question) -> str | None:
        raise AssertionError(question)

    async def check() -> None:
        dialogue = Dialogue()
        with dialogue.passing():
            pass
        await dialogue.answer(judge)

    asyncio.run(check())


def test_the_hook_is_ours(tmp_path: Path) -> None:
    """Whatever was there before, under whose mask, it is our script and can be run."""
    hook = tmp_path / "hooks" / "pre-receive"
    write_hook(hook.parent)
    hook.write_text("#!/bin/sh\nexit 0\n", "utf-8")
    write_hook(hook.parent)
    assert "ROADSTEAD_VERDICT" in hook.read_text("utf-8")
    assert os.access(hook, os.X_OK)
    assert [path.name for path in hook.parent.iterdir()] == ["pre-receive"]
