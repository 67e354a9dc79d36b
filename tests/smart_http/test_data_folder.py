"""A data folder in which nothing can be written: every change is refused with the reason, and nothing is half done."""

import contextlib
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from roadstead.domain.people.workspaces import create_workspace
from roadstead.domain.running import announced
from tests.live import live_host
from tests.smart_http.conftest import Place, new_repository, tokens
from tests.smart_http.git_client import Work, git
from tests.smart_http.test_lfs import Large, ask, offered, stored

LARGE = Large(b"large" * 50_000)
Change = Callable[[Place, Work], str | None]
"""Returns why the change was refused, or `None` if it was made."""


def _asked(method: str, below: str, **body: Any) -> Change:
    def ask_for(place: Place, work: Work) -> str | None:
        address = f"{place.host.url}/2.0/repositories/{place.repository.full_name}{below}"
        answer = httpx.request(method, address, headers={"Authorization": f"Bearer {place.ann}"}, **body)
        assert answer.status_code in (200, 201, 503), answer.text
        return None if answer.is_success else answer.text

    return ask_for


def _push(place: Place, work: Work) -> str | None:
    pushed = git("push", place.url(), "main", folder=work.folder)
    return pushed.stderr if pushed.returncode else None


def _upload(place: Place, work: Work) -> str | None:
    href, header = offered(ask(place, "upload", LARGE.named), "upload")
    answer = httpx.put(href, content=LARGE.content, headers=header)
    assert answer.status_code in (200, 503)
    return None if answer.is_success else answer.text


CHANGES: dict[str, Change] = {
    "push": _push,
    "commit": _asked("POST", "/src", data={"other": "content", "branch": "main"}),
    "tag": _asked("POST", "/refs/tags", json={"name": "tag", "target": {"hash": "main"}}),
    "upload": _upload,
    "download": _asked("POST", "/downloads", files={"files": ("notes.txt", b"new" * 10_000)}),
    "repository": _asked("POST", "-new", json={}),
    "fork": _asked("POST", "/forks", json={"name": "fork"}),
}


@contextlib.contextmanager
def _full(data: Path) -> Iterator[None]:
    """Fill the disk."""
    filler = data / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def _read_only(data: Path) -> Iterator[None]:
    """Let no file be opened for writing; those that are open, of the database, still can be written."""
    subprocess.run(["mount", "--bind", data, data], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", data], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", data], check=True)


@pytest.fixture
def mounted(tmp_path: Path, work: Work) -> Iterator[Place]:
    """Yield a repository with one commit, at a host whose data folder is a small disk."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", str(data)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        with live_host(data) as host:
            ann, ben = host.work(tokens(["ann", "ben"]))
            host.work(lambda opened: create_workspace(opened, "acme", name="Acme", owner="ann"))
            place = Place(host, host.work(new_repository(ann, "acme")), ann, ben)
            work.git("push", place.url(), "main")
            yield place
    finally:
        subprocess.run(["umount", "--lazy", data], check=True)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        pytest.param(_full, ("No space left on device", "The disk is full"), id="full"),
        pytest.param(_read_only, ("Read-only file system",), id="read-only", marks=pytest.mark.slow),
    ],
)
def test_what_cannot_be_written_is_refused_and_changes_nothing(
    mounted: Place,
    work: Work,
    caplog: pytest.LogCaptureFixture,
    broken: Callable[[Path], contextlib.AbstractContextManager[None]],
    reason: tuple[str, ...],
) -> None:
    """The caller is told why, without the host's paths; reads go on; and each change goes through afterwards."""
    data = mounted.host.settings.data
    before = mounted.refs()
    work.commit("second")
    with broken(data):
        for name, change in CHANGES.items():
            refused = change(mounted, work) or ""
            assert any(text in refused for text in reason), f"{name}: {refused}"
            assert str(data) not in refused, refused
        assert git("clone", mounted.url(), str(work.folder.parent / "clone")).returncode == 0
        assert _asked("GET", "/commits")(mounted, work) is None
    assert (mounted.refs(), len(mounted.events()), stored(mounted)) == (before, 1, [])
    assert mounted.is_whole()
    assert not [record.getMessage() for record in caplog.records if record.exc_info]
    for name, change in CHANGES.items():
        assert change(mounted, work) is None, name
    assert mounted.is_whole()


def test_a_host_stops_on_a_disk_that_became_read_only(
    tmp_path_factory: pytest.TempPathFactory, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its files among the running hosts stay, without an error: the next host that starts removes them."""
    data = tmp_path_factory.mktemp("data")  # shorter than `tmp_path`: a socket's path has at most 107 bytes
    with contextlib.ExitStack() as until_the_end, live_host(data) as host, announced(host.settings):
        if subprocess.run(["mount", "--bind", data, data], capture_output=True, check=False).returncode:
            pytest.skip("no disk can be mounted here")
        until_the_end.callback(subprocess.check_call, ["umount", "--lazy", data])
        subprocess.run(["mount", "-o", "remount,ro,bind", data], check=True)
    assert not re.search(r"Traceback(?s:.)*Read-only file system", capfd.readouterr().err)
    assert list((data / "hosts").glob("*.sock"))
    with live_host(data):
        assert len(list((data / "hosts").glob("*.sock"))) == 1
