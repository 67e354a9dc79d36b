"""A repository that is renamed or deleted during a push, a clone or a long diff."""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Iterator

import httpx
import pytest

from roadstead.git.folders import Folders
from roadstead.pushed import NO_OBJECT
from tests.smart_http.conftest import Place, wait_until
from tests.smart_http.git_client import Work
from tests.smart_http.raw_pushes import object_id, push_of, whole_pack

COMMIT = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@b.c> 1 +0000\ncommitter A <a@b.c> 1 +0000\n\nx\n"
PUSH = push_of(f"{NO_OBJECT} {object_id('commit', COMMIT)} refs/heads/raw", pack=whole_pack((2, b""), (1, COMMIT)))
Change = Callable[[Place], None]


def _repository(place: Place) -> str:
    return f"{place.host.url}/2.0/repositories/{place.repository.full_name}"


def _ann(place: Place) -> dict[str, str]:
    return {"Authorization": f"Bearer {place.ann}"}


def _rename(place: Place) -> None:
    new = {"name": f"{place.repository.slug}-renamed"}
    assert httpx.put(_repository(place), headers=_ann(place), json=new).status_code == 200


def _delete(place: Place) -> None:
    assert httpx.delete(_repository(place), headers=_ann(place)).status_code == 204


def _push(place: Place, change: Change) -> bool:
    """Return whether git tells a client that its push went through, within whose pack the change comes."""

    def body() -> Iterator[bytes]:
        yield PUSH[:-30]
        wait_until(lambda: list(place.folder.glob("objects/tmp_objdir-*")))
        change(place)
        yield PUSH[-30:]

    headers = {**_ann(place), "Content-Type": "application/x-git-receive-pack-request"}
    answer = httpx.post(f"{place.public_url}/git-receive-pack", content=body(), headers=headers)
    return answer.is_success and b"ok refs/heads/raw" in answer.content


def _clone(place: Place, change: Change) -> bool:
    """Return whether a pack comes whole."""
    headers = {**_ann(place), "Content-Type": "application/x-git-upload-pack-request"}
    want = f"0032want {place.refs()['refs/heads/main']}\n00000009done\n".encode()
    asked = httpx.stream("POST", f"{place.public_url}/git-upload-pack", content=want, headers=headers)
    with asked as answer:
        pieces = answer.iter_raw()
        got = next(pieces)
        change(place)
        pack = (got + b"".join(pieces)).partition(b"NAK\n")[2]
    return hashlib.sha1(pack[:-20], usedforsecurity=False).digest() == pack[-20:]


def _diff(place: Place, change: Change) -> bool:
    """Return whether a diff comes whole."""
    asked = httpx.stream("GET", f"{_repository(place)}/diff/main", headers=_ann(place), follow_redirects=True)
    with asked as answer:
        pieces = answer.iter_raw()
        got = next(pieces)
        change(place)
        return (got + b"".join(pieces)).endswith(b"+the end\n")


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("transfer", "change", "goes_through"),
    [
        (_push, _rename, True),
        (_push, _delete, False),
        (_clone, _rename, True),
        (_clone, _delete, True),
        (_diff, _rename, True),
        (_diff, _delete, True),
    ],
)
def test_what_is_under_way_ends_well(
    place: Place, work: Work, transfer: Callable[[Place, Change], bool], change: Change, goes_through: bool
) -> None:
    """What has begun to read a repository reads it to the end; a push goes to where the repository is, or is refused.

    Of a deleted repository nothing stays in the database or at its place.
    """
    work.commit("large", content=os.urandom(3 << 20).hex() + "\nthe end\n")
    work.git("push", place.url(), "main")
    assert transfer(place, change) is goes_through
    if change is _rename:
        assert place.is_whole()
        assert ("refs/heads/raw" in place.refs()) == (transfer is _push)
    else:
        wait_until(lambda: not place.folder.exists())
        assert place.mirror() == {}
        assert place.open_pushes() == []
    assert place.get("/-/health/ready").status_code == 200


def test_a_repository_that_is_deleted_while_it_is_forked(
    place: Place, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a 404, as a moment later, and leaves nothing of the fork."""
    work.git("push", place.url(), "main")
    there = set(Folders(place.host.settings.data).uuids())

    async def delete_and_fork(folders: Folders, parent: str, *given: object, **named: object) -> object:
        await asyncio.to_thread(_delete, place)
        await asyncio.to_thread(wait_until, lambda: not place.folder.exists())
        return await fork(folders, parent, *given, **named)

    fork: Callable[..., Awaitable[object]] = Folders.fork
    monkeypatch.setattr(Folders, "fork", delete_and_fork)
    forked = httpx.post(f"{_repository(place)}/forks", headers=_ann(place), json={"name": "late"})
    assert forked.status_code == 404
    wait_until(lambda: set(Folders(place.host.settings.data).uuids()) < there)
