"""What fails below a push: a full disk, a hook that is killed. git's user is told, and nothing is half done."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roadstead.domain.repositories import transfers
from roadstead.domain.repositories.journal import begin
from roadstead.pushed import Push
from tests.smart_http.conftest import Place, wait_until
from tests.smart_http.git_client import Work, git


@pytest.fixture
def small_disk(place: Place) -> Iterator[Place]:
    """Yield a repository whose objects are on a disk of 1 MB."""
    objects = place.folder / "objects"
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(objects)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    (objects / "pack").mkdir()
    yield place
    subprocess.run(["umount", "--lazy", str(objects)], check=True)


def test_a_full_disk_refuses_a_push(small_disk: Place, work: Work) -> None:
    """Its user is told, what it has brought is removed, and the next push that fits goes through."""
    (work.folder / "large").write_bytes(os.urandom(3 << 20))
    work.git("add", "large")
    work.git("commit", "--quiet", "-m", "large")
    pushed = git("push", small_disk.url(), "main", folder=work.folder)
    assert (pushed.returncode, "No space left" in pushed.stderr) == (1, True), pushed.stderr
    assert small_disk.is_whole()
    assert (small_disk.refs(), small_disk.events()) == ({}, [])
    work.git("push", small_disk.url(), "HEAD~1:refs/heads/main")
    assert len(small_disk.events()) == 1


def test_a_hook_that_is_killed_refuses_a_push(place: Place, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after the push is in the journal: without a verdict, git changes nothing, and the journal is empty again."""

    async def begin_and_kill(*arguments: Any) -> Push:
        push = await begin(*arguments)
        for hook in _hooks_of(place):
            os.kill(hook, signal.SIGKILL)
        return push

    monkeypatch.setattr(transfers, "begin", begin_and_kill)
    pushed = git("push", place.url(), "main", folder=work.folder)
    assert (pushed.returncode, "pre-receive hook declined" in pushed.stderr) == (1, True), pushed.stderr
    wait_until(lambda: not place.open_pushes())
    assert place.is_whole()
    assert (place.refs(), place.events()) == ({}, [])


def _hooks_of(place: Place) -> list[int]:
    """Return the processes that run our hook for a repository."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_hook = b"hooks/pre-receive" in (process / "cmdline").read_bytes()
            if is_hook and (process / "cwd").readlink() == place.folder:
                found.append(int(process.name))
        except OSError:
            continue
    return found
