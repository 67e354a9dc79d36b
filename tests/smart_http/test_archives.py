"""Archives of the files of a commit, for callers who may read the repository."""

import asyncio
import hashlib
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest

from roadstead.errors import GitLimit
from roadstead.git.processes import Limits
from roadstead.git.transfer import archives
from roadstead.git.transfer.archives import archive
from tests.smart_http.conftest import Place
from tests.smart_http.git_client import Work


@pytest.fixture
def filled(place: Place, work: Work) -> Place:
    """Return a repository with two files on main, another branch and a tag."""
    work.commit("the first", file="-é", content="of é\n")
    work.git("tag", "-m", "a tag", "v1.0")
    work.git("push", place.url(), "main", "v1.0", "HEAD~1:refs/heads/feature/x.zip")
    return place


def _get(place: Place, archive: str, *, method: str = "GET", token: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {place.ann if token is None else token}"}
    path = f"{place.host.url}/{place.repository.full_name}/get/{archive}"
    return httpx.request(method, path, headers=headers)


def test_a_large_archive_ends(filled: Place, work: Work) -> None:
    """It is cut where it is larger than allowed, so that its reader does not take it for whole."""

    async def read() -> None:
        async for _ in archive(filled.folder, work.head(), "zip", "x", limits=Limits(output=100)):
            pass

    with pytest.raises(GitLimit):
        asyncio.run(read())


def _zipped(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as read:
        return {name: read.read(name) for name in read.namelist() if not name.endswith("/")}


def _tarred(body: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(body)) as read:
        found = {member.name: read.extractfile(member) for member in read if member.isfile()}
        return {name: file.read() for name, file in found.items() if file is not None}


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("ending", "read", "media_type"),
    [
        ("zip", _zipped, "application/zip"),
        ("tar.gz", _tarred, "application/gzip"),
        ("tar.bz2", _tarred, "application/x-bzip2"),
    ],
)
@pytest.mark.parametrize("revision", ["main", "v1.0", "HEAD", "{hash}", "{short}"])
def test_an_archive_has_the_files_of_a_commit(
    filled: Place, work: Work, ending: str, read: Callable[[bytes], dict[str, bytes]], media_type: str, revision: str
) -> None:
    """Below one folder, which is named after the repository and the commit, as is the archive."""
    answer = _get(filled, f"{revision.format(hash=work.head(), short=work.head()[:8])}.{ending}")
    name = f"{filled.repository.workspace.slug}-{filled.repository.slug}-{work.head()[:12]}"
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.{ending}"'
    assert read(answer.content) == {f"{name}/file": b"the first\n", f"{name}/-é": "of é\n".encode()}


@pytest.mark.parametrize("branch", ["feature/x.zip", "feature%2Fx.zip"])
def test_a_branch_may_have_a_slash_and_an_ending(filled: Place, branch: str) -> None:
    """Only the last ending is the archive's."""
    assert len(_zipped(_get(filled, f"{branch}.zip").content)) == 1


@pytest.mark.parametrize("ending", ["tar.gz", "tar.bz2"])
def test_a_head_has_no_body(filled: Place, ending: str) -> None:
    """Clients ask it for the type and the name."""
    answer = _get(filled, f"main.{ending}", method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert "attachment" in answer.headers["content-disposition"]


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "revision",
    ["none", "v1.0^", "main~1", "main:file", "--output=x", "-l", "@{0}", "..", "%2e%2e", "main%00", "a" * 40, ""],
)
def test_what_names_no_commit_is_not_found(filled: Place, revision: str) -> None:
    """Neither an expression nor an option reaches git."""
    assert _get(filled, f"{revision}.zip").status_code == 404


def test_only_who_may_read_gets_an_archive(filled: Place, public_place: Place, work: Work) -> None:
    """As for a clone: a stranger is asked for a credential, and others do not learn what there is."""
    work.git("push", public_place.url(), "main")
    path = f"/{filled.repository.full_name}/get/main.zip"
    assert filled.get(path).status_code == 401
    assert _get(filled, "main.zip", token=filled.ben).status_code == 404
    assert public_place.get(f"/{public_place.repository.full_name}/get/main.zip").status_code == 200
    assert httpx.post(f"{filled.host.url}{path}", headers={"Authorization": f"Bearer {filled.ann}"}).status_code == 405


def _endless(filled: Place) -> str:
    """Write a few trees that name each other many times; return their commit."""

    def write(kind: str, content: bytes) -> str:
        whole = f"{kind} {len(content)}\0".encode() + content
        name = hashlib.sha1(whole).hexdigest()
        file: Path = filled.folder / "objects" / name[:2] / name[2:]
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(zlib.compress(whole))
        return name

    tree = write("tree", b"100644 f\0" + bytes.fromhex(write("blob", bytes(1000))))
    for _ in range(10):
        tree = write("tree", b"".join(b"40000 %d\0" % number + bytes.fromhex(tree) for number in range(10)))
    return write("commit", f"tree {tree}\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n\nx\n".encode())


@pytest.mark.slow
def test_endless_folders_end(filled: Place) -> None:
    """Their repository is small, and an archive of it endless: git is ended."""
    commit = _endless(filled)

    async def read() -> None:
        async for _ in archive(filled.folder, commit, "zip", "x", limits=Limits(seconds=1)):
            pass

    with pytest.raises(GitLimit):
        asyncio.run(read())


@pytest.mark.slow
def test_endless_folders_hold_up_no_one(filled: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """While git packs them, others are answered, and in the end their archive breaks off."""
    monkeypatch.setattr(archives, "archive", partial(archive, limits=Limits(seconds=3)))
    commit, answered = _endless(filled), 0
    with ThreadPoolExecutor(1) as thread:
        endless = thread.submit(_get, filled, f"{commit}.zip")
        while not endless.done():
            assert filled.get("/-/health/ready").status_code == 200
            assert _get(filled, "main.zip").status_code == 200
            answered += 1
    with pytest.raises(httpx.RemoteProtocolError):  # it broke off
        endless.result()
    assert answered > 1
