"""How transfers end: clients that leave or stand still, a host that stops, places that are taken."""

import asyncio
import contextlib
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest

from roadstead.api.incoming import Incoming
from roadstead.app import Parts, create_app
from roadstead.domain.access.git_places import GitPlaces
from roadstead.domain.host import open_host
from roadstead.domain.people.workspaces import create_workspace
from roadstead.git import locks
from roadstead.git.transfer.commands import read_commands
from roadstead.git.transfer.programs import Pushing, receive_pack
from roadstead.git.transfer.verdict import Question
from roadstead.pushed import NO_OBJECT
from roadstead.server.connections import Connection, Patience
from roadstead.settings import Settings
from roadstead.smart_http import door
from tests.live import LiveHost, address, live_host, serving
from tests.ports import bound_socket
from tests.smart_http.conftest import Place, new_repository, tokens, wait_until
from tests.smart_http.git_client import Work
from tests.smart_http.raw_pushes import object_id, push_of, whole_pack

COMMIT = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@b.c> 1 +0000\ncommitter A <a@b.c> 1 +0000\n\nx\n"
PUSH = push_of(f"{NO_OBJECT} {object_id('commit', COMMIT)} refs/heads/raw", pack=whole_pack((2, b""), (1, COMMIT)))


@contextlib.contextmanager
def _pushing(place: Place, body: bytes, *, length: int | None = None) -> Iterator[socket.socket]:
    """Send the head of a push of some length, and a body; the client leaves when the block ends."""
    with socket.create_connection(("127.0.0.1", int(place.host.url.rpartition(":")[2]))) as sending:
        head = (
            f"POST {place.path}/git-receive-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {place.ann}\r\n"
            f"Content-Type: application/x-git-receive-pack-request\r\nContent-Length: {length or len(body)}\r\n\r\n"
        )
        sending.sendall(head.encode() + body)
        yield sending


def _quarantines(place: Place) -> list[Path]:
    return list(place.folder.glob("objects/tmp_objdir-*"))


def _programs(place: Place) -> list[Path]:
    """Return the running programs of a repository."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if place.folder.name.encode() in (process / "cmdline").read_bytes():
                found.append(process)
    return found


def test_a_client_that_leaves_leaves_nothing(place: Place) -> None:
    """Its push ends with all programs, and git removes what it has received."""
    with _pushing(place, PUSH[:-30], length=1_000_000):
        wait_until(lambda: _quarantines(place))
    wait_until(lambda: not _programs(place))
    assert _quarantines(place) == []
    assert place.is_whole()
    assert place.events() == []


def test_the_programs_of_a_push_are_bounded(place: Place) -> None:
    """In memory and processor time: a tree of gigabytes comes in a pack of megabytes."""
    with _pushing(place, PUSH[:-30], length=1_000_000):
        wait_until(lambda: _quarantines(place))
        limits = [(program / "limits").read_text("ascii") for program in _programs(place)]
    assert limits
    assert not any(re.search(r"^Max (cpu time|data size) +unlimited", text, re.MULTILINE) for text in limits)


def test_a_push_that_git_has_begun_goes_through_without_its_client(place: Place) -> None:
    """Who leaves before the answer does not undo it: the branch is there, and its event."""
    with _pushing(place, PUSH):
        wait_until(lambda: place.open_pushes() or place.refs())
    wait_until(lambda: place.events() and not place.open_pushes())
    assert list(place.refs()) == ["refs/heads/raw"]
    assert place.is_whole()


@pytest.mark.slow
def test_a_clone_whose_client_leaves_ends(place: Place, work: Work) -> None:
    """The programs of a fetch end with its client, also while the client reads nothing."""
    work.commit("large", content="".join(f"{number * 7919 % 104729}\n" for number in range(500_000)))
    work.git("push", place.url(), "main")
    want = f"0032want {work.head()}\n00000009done\n".encode()
    with socket.create_connection(("127.0.0.1", int(place.host.url.rpartition(":")[2]))) as reading:
        reading.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        head = (
            f"POST {place.path}/git-upload-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {place.ann}\r\n"
            f"Content-Type: application/x-git-upload-pack-request\r\nContent-Length: {len(want)}\r\n\r\n"
        )
        reading.sendall(head.encode() + want)
        assert reading.recv(12) == b"HTTP/1.1 200"
        assert _programs(place)
    wait_until(lambda: not _programs(place))


@pytest.mark.slow
def test_a_host_stops_beside_an_open_push(tmp_path: Path) -> None:
    """It does not wait for a client that sends nothing, and no program stays behind."""
    with live_host(tmp_path / "data") as host:
        ann, ben = host.work(tokens(["ann", "ben"]))
        host.work(lambda opened: create_workspace(opened, "acme", name="Acme", owner="ann"))
        place = Place(host, host.work(new_repository(ann, "acme")), ann, ben)
        opened = contextlib.ExitStack()
        opened.enter_context(_pushing(place, PUSH[:-30], length=1_000_000))
        wait_until(lambda: _quarantines(place))
    with opened:
        assert _programs(place) == []
        assert _quarantines(place) == []
        assert place.refs() == {}


@pytest.mark.slow
def test_who_finds_no_place_is_told_to_come_back(tmp_path: Path, work: Work) -> None:
    """Transfers that stand still use up the places for transfers, and none for other requests."""
    parts = Parts(host=partial(open_host, transfers=GitPlaces(1, 1, seconds=0.05)))
    with live_host(tmp_path / "data", parts) as host:
        ann, ben = host.work(tokens(["ann", "ben"]))
        host.work(lambda opened: create_workspace(opened, "acme", name="Acme", owner="ann"))
        place = Place(host, host.work(new_repository(ann, "acme")), ann, ben)
        with _pushing(place, PUSH[:-30], length=1_000_000):
            wait_until(lambda: _programs(place))
            answer = place.get(
                f"{place.path}/info/refs?service=git-upload-pack", headers={"Authorization": f"Bearer {place.ann}"}
            )
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert place.get("/-/health/ready").status_code == 200
            assert "503" in work.git("push", place.url(), "main", code=128)
        wait_until(lambda: not _programs(place))
        work.git("push", place.url(), "main")


def test_a_push_that_comes_too_slowly_is_told_why(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the band whose text git shows its user, who would see only the number of an error status."""
    monkeypatch.setattr(door, "Incoming", partial(Incoming, idle_seconds=0.05))
    with _pushing(place, PUSH[:-30], length=len(PUSH)) as sending, sending.makefile("rb") as answer:
        head, told = answer.readline(), b"".join(iter(answer.readline, b"0\r\n"))
    assert head.startswith(b"HTTP/1.1 200")
    assert b"\3The body did not come fast enough." in told
    wait_until(lambda: not _programs(place))
    assert place.is_whole()
    assert place.refs() == {}


class _Waiting:
    """The body of a push whose client sends nothing more."""

    def __aiter__(self) -> "_Waiting":
        return self

    async def __anext__(self) -> bytes:
        return await asyncio.Event().wait() and b""

    async def left(self) -> None:
        """Wait without an end, as for a client that stays."""


def test_a_push_that_is_cut_off_leaves_no_quarantine(place: Place, tmp_path: Path) -> None:
    """git gets the time to remove what it has received, before it is killed."""

    async def sent() -> AsyncIterator[bytes]:
        yield PUSH[:-30]

    async def cut_off(lock: int) -> None:
        commands, pushing = await read_commands(sent()), Pushing("p", tmp_path, _refuse, lock)
        push = asyncio.create_task(receive_pack(place.folder, commands, _Waiting(), pushing, lambda _: None))
        while not _quarantines(place):
            await asyncio.sleep(0.001)
        push.cancel()
        await asyncio.wait([push])

    with locks.shared(place.folder) as lock:
        assert lock is not None
        asyncio.run(cut_off(lock))
    assert _quarantines(place) == []


async def _refuse(_: Question) -> str:
    return "no"


class _Hasty(Connection):
    """A server that waits for no body."""

    patience = Patience(body_seconds=0.05, body_bytes_per_second=2**30)


def test_a_slow_push_is_waited_for(tmp_path: Path) -> None:
    """Other bodies must come at some speed; of a push, each piece may take its time."""
    listener = bound_socket()
    settings = Settings(data=tmp_path / "data", base_url=address(listener), port=listener.getsockname()[1])
    with serving(create_app(settings), listener, http=_Hasty) as url:
        host = LiveHost(url, settings)
        ann, ben = host.work(tokens(["ann", "ben"]))
        host.work(lambda opened: create_workspace(opened, "acme", name="Acme", owner="ann"))
        place = Place(host, host.work(new_repository(ann, "acme")), ann, ben)
        with _pushing(place, PUSH[:-30], length=len(PUSH)) as sending:
            for piece in (PUSH[-30:-20], PUSH[-20:-10], PUSH[-10:]):
                time.sleep(0.1)
                sending.sendall(piece)
            assert sending.recv(12) == b"HTTP/1.1 200"
        assert list(place.refs()) == ["refs/heads/raw"]
