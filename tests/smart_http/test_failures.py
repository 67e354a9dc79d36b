"""What fails below a push: a full disk, a hook that is killed. git's user is told, and nothing is half done."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from roadstead.domain.repositories import transfers
from roadstead.domain.repositories.journal import begin
from roadstead.git import processes
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


@pytest.fixture
def read_only(place: Place, work: Work) -> Iterator[Place]:
    """Yield a repository with one commit, in a folder that no one can write."""
    work.git("push", place.url(), "main")
    folder = str(place.folder)
    if subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
    yield place
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_folder_that_cannot_be_written_refuses_changes(
    read_only: Place, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    """git's user and the API's caller are told why, nothing changes, reads go on, and the log has no traceback."""
    before, events = read_only.refs(), len(read_only.events())
    first = work.head()
    work.commit("second")
    pushed = git("push", read_only.url(), "main", folder=work.folder)
    assert (pushed.returncode, "Read-only file system" in pushed.stderr) == (1, True), pushed.stderr
    for path, body in (
        ("refs/branches", {"json": {"name": "other", "target": {"hash": first}}}),
        ("src", {"data": {"file": "content", "branch": "main"}}),
    ):
        refused = _asked(read_only, "POST", path, **body)
        assert (refused.status_code, "Read-only" in refused.text) == (503, True), refused.text
    assert _asked(read_only, "GET", "commits").status_code == 200
    assert git("ls-remote", read_only.url(), folder=work.folder).returncode == 0
    assert (read_only.refs(), len(read_only.events()), read_only.open_pushes()) == (before, events, [])
    assert not [record for record in caplog.records if record.exc_info]


def test_a_git_that_is_gone_is_said(
    place: Place, work: Work, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While the host runs: changes and transfers are refused, nothing changes, and all goes on once it is back."""
    work.git("push", place.url(), "main")
    with monkeypatch.context() as without:
        without.setattr(processes, "program", lambda: "/nonexistent/git")
        assert "remote: git cannot be run." in work.git("push", place.url(), "main:other", code=1)
        assert "503" in work.git("ls-remote", place.url(), code=128)
        new = {"name": "other", "target": {"hash": work.head()}}
        refused = _asked(place, "POST", "refs/branches", json=new)
        assert (refused.status_code, refused.json()["error"]["message"]) == (503, "git cannot be run.")
        assert place.open_pushes() == []
    assert not [record for record in caplog.records if record.exc_info]
    work.git("push", place.url(), "main:other")
    assert place.is_whole()


def _asked(place: Place, method: str, path: str, **body: Any) -> httpx.Response:
    address = f"{place.host.url}/2.0/repositories/{place.repository.full_name}/{path}"
    return httpx.request(method, address, headers={"Authorization": f"Bearer {place.ann}"}, **body)


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
