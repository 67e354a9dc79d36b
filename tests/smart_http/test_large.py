"""Large pushes and clones, which flow through the host: its memory does not depend on their size."""

import hashlib
import os
import re
import socket
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from roadstead.domain.people.workspaces import create_workspace
from tests.live import host_process
from tests.smart_http.conftest import Place, new_repository, tokens
from tests.smart_http.git_client import Work
from tests.smart_http.test_lfs import ask, offered

MB = 1024 * 1024
MOST_GROWN = 64 * MB
STOPPED_READERS = 8
"""As many as one caller may have."""


def _peak(pid: int) -> int:
    """Return how many bytes of memory a process has had at most."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def _commit_of(work: Work, megabytes: int) -> None:
    with (work.folder / "large").open("wb") as large:
        for _ in range(megabytes):
            large.write(os.urandom(MB))
    for name, value in (("compression", "0"), ("bigFileThreshold", "1m")):
        work.git("config", f"core.{name}", value)
    work.git("add", "large")
    work.git("commit", "--quiet", "-m", "large")


def _upload_and_download(place: Place, file: Path) -> None:
    """Let an object of git LFS go there and back, in pieces."""
    with file.open("rb") as content:
        oid = hashlib.file_digest(content, "sha256").hexdigest()
        content.seek(0)
        named = {"oid": oid, "size": file.stat().st_size}
        href, header = offered(ask(place, "upload", named), "upload")
        httpx.put(href, content=content, headers=header, timeout=600).raise_for_status()
    href, header = offered(ask(place, "download", named), "download")
    received = hashlib.sha256()
    with httpx.stream("GET", href, headers=header, timeout=600) as answer:
        for piece in answer.iter_bytes():
            received.update(piece)
    assert received.hexdigest() == oid


@pytest.mark.parametrize("megabytes", [12, pytest.param(1024, marks=pytest.mark.slow)])
def test_memory_is_flat(tmp_path: Path, work: Work, megabytes: int) -> None:
    """In a push, in a clone, with an object of LFS, and with clients that stop reading after some bytes."""
    _commit_of(work, megabytes)
    with host_process(tmp_path / "data", tmp_path / "log") as (host, _, process), ExitStack() as readers:
        ann, ben = host.work(tokens(["ann", "ben"]))
        host.work(lambda opened: create_workspace(opened, "acme", name="Acme", owner="ann"))
        place = Place(host, host.work(new_repository(ann, "acme")), ann, ben)
        work.git("ls-remote", place.url())
        before = _peak(process.pid)
        work.git("push", "--quiet", place.url(), "main", seconds=600)
        work.git("clone", "--quiet", "--bare", place.url(), str(tmp_path / "clone"), seconds=600)
        _upload_and_download(place, work.folder / "large")
        want = f"0032want {work.head()}\n00000009done\n".encode()
        for _ in range(STOPPED_READERS):
            reading = readers.enter_context(socket.create_connection(("127.0.0.1", urlsplit(host.url).port or 0)))
            head = (
                f"POST {place.path}/git-upload-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {place.ann}\r\n"
                f"Content-Type: application/x-git-upload-pack-request\r\nContent-Length: {len(want)}\r\n\r\n"
            )
            reading.sendall(head.encode() + want)
            assert reading.recv(12) == b"HTTP/1.1 200"
        assert place.get("/-/health/ready").status_code == 200
        assert _peak(process.pid) - before < MOST_GROWN
    assert place.is_whole()
