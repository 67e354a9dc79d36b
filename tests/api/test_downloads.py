"""Downloads: files that people upload to a repository, where they are kept, and who may get, upload and delete them."""

import asyncio
import errno
import os
import re
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from roadstead.domain.access import credentials
from roadstead.domain.host import Host
from roadstead.domain.people import users
from roadstead.domain.repositories import downloads
from roadstead.domain.repositories.changes import delete_repository
from roadstead.domain.repositories.stored_files import Draft, StoredFiles, downloads_in
from tests.api.repositories import Made, host_operator, repository
from tests.live import AppClient, LiveHost, host_process, live_host, recording_app

CONTENT = bytes(range(256)) * 5_000
_FORM = {"Content-Type": "multipart/form-data; boundary=X"}
_PART = b'--X\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
ODD_NAMES = ["plain.txt", "two words.zip", "Ärger 🌊.bin", "%2F.txt", "a+b&c=d;e.txt", "-rf", "it's.txt", "x" * 255]


@pytest.fixture(scope="module")
def operator(host: LiveHost) -> Iterator[httpx.Client]:
    authorization = {"Authorization": f"Bearer {host.api_token()}"}
    with httpx.Client(base_url=host.url, headers=authorization, timeout=30) as client:
        yield client


@pytest.fixture
def made(host: LiveHost) -> Made:
    return repository(host)


@pytest.fixture(scope="module")
def stranger(host: LiveHost) -> str:
    """Return the token of a user who has no role anywhere."""

    async def job(opened: Host) -> str:
        user = await users.create_user(opened, "ann-of-downloads")
        return (await credentials.create_api_token(opened, "test", None, user_id=user.id))[0]

    token: str = host.work(job)
    return token


def _upload(client: httpx.Client, made: Made, *files: tuple[str, bytes], field: str = "files") -> httpx.Response:
    return client.post(f"{made.below}/downloads", files=[(field, file) for file in files])


def _names(client: httpx.Client, made: Made) -> list[str]:
    return [one["name"] for one in client.get(f"{made.below}/downloads?pagelen=100").json()["values"]]


def _on_disk(host: LiveHost) -> list[Path]:
    return [file for file in (host.settings.data / "downloads").rglob("*") if file.is_file()]


def _link(client: httpx.Client, made: Made, name: str = "a.bin") -> str:
    answer = client.get(f"{made.below}/downloads/{quote(name, safe='')}")
    assert (answer.status_code, answer.content) == (302, b"")
    return answer.headers["Location"]


def test_a_file_is_uploaded_listed_downloaded_and_deleted(host: LiveHost, operator: httpx.Client, made: Made) -> None:
    """Its content comes back byte for byte, from an address that needs no credential; then it is gone from the disk."""
    before = len(_on_disk(host))
    uploaded = _upload(operator, made, ("a.bin", CONTENT))
    assert (uploaded.status_code, uploaded.content) == (201, b"")
    assert uploaded.headers["Location"] == f"{host.url}{made.below}/downloads"
    (listed,) = operator.get(f"{made.below}/downloads").json()["values"]
    assert {name: listed[name] for name in ("type", "name", "size", "downloads")} == {
        "type": "download",
        "name": "a.bin",
        "size": len(CONTENT),
        "downloads": 0,
    }
    assert (listed["user"]["type"], listed["links"]["self"]["href"]) == (
        "user",
        f"{host.url}{made.below}/downloads/a.bin",
    )
    got = httpx.get(_link(operator, made))
    assert (got.status_code, got.content, got.headers["X-Content-Type-Options"]) == (200, CONTENT, "nosniff")
    assert got.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a.bin"
    assert operator.delete(f"{made.below}/downloads/a.bin").status_code == 204
    assert operator.delete(f"{made.below}/downloads/a.bin").status_code == 404
    assert operator.get(f"{made.below}/downloads/a.bin").status_code == 404
    assert (_names(operator, made), len(_on_disk(host))) == ([], before)


def test_every_file_has_a_name_of_ours(host: LiveHost, operator: httpx.Client, made: Made) -> None:
    """Several files in one request, with odd names, all come back; no name of theirs is on the disk."""
    assert _upload(operator, made, *((name, name.encode()) for name in ODD_NAMES)).status_code == 201
    assert _names(operator, made) == ODD_NAMES[::-1]
    for name in ODD_NAMES:
        got = httpx.get(_link(operator, made, name))
        assert (got.status_code, got.content) == (200, name.encode())
        assert got.headers["Content-Disposition"].endswith(quote(name, safe=""))
    folder = downloads_in(host.settings.data).path(made.repository.uuid, "x").parent
    assert [bool(re.fullmatch(r"[0-9a-f]{64}", file.name)) for file in folder.iterdir()] == [True] * len(ODD_NAMES)
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


@pytest.mark.each_database
def test_a_file_replaces_that_of_the_same_name(host: LiveHost, operator: httpx.Client, made: Made) -> None:
    """The list has one, with a new count; links to the earlier one end, and it is gone from the disk."""
    _upload(operator, made, ("a.bin", b"first"))
    link, before = _link(operator, made), len(_on_disk(host))
    _upload(operator, made, ("a.bin", b"second one"))
    (listed,) = operator.get(f"{made.below}/downloads").json()["values"]
    assert (listed["size"], len(_on_disk(host))) == (10, before)
    assert (httpx.get(link).status_code, httpx.get(_link(operator, made)).content) == (404, b"second one")


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("range_", "status", "content", "told"),
    [
        ("bytes=0-9", 206, CONTENT[:10], f"bytes 0-9/{len(CONTENT)}"),
        ("bytes=1000000-", 206, CONTENT[1_000_000:], f"bytes 1000000-{len(CONTENT) - 1}/{len(CONTENT)}"),
        ("bytes=-5", 206, CONTENT[-5:], f"bytes {len(CONTENT) - 5}-{len(CONTENT) - 1}/{len(CONTENT)}"),
        (f"bytes={len(CONTENT)}-", 416, None, f"bytes */{len(CONTENT)}"),
    ],
)
def test_a_download_goes_on_where_it_stopped(
    operator: httpx.Client, made: Made, range_: str, status: int, content: bytes | None, told: str
) -> None:
    """Ranges of a file, the ETag with which a client knows that it is the same, and HEAD."""
    _upload(operator, made, ("a.bin", CONTENT))
    link = _link(operator, made)
    part = httpx.get(link, headers={"Range": range_})
    assert (part.status_code, part.headers["Content-Range"]) == (status, told)
    assert content is None or part.content == content
    head = httpx.head(link)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, str(len(CONTENT)), b"")
    assert httpx.get(link, headers={"If-None-Match": head.headers["ETag"]}).status_code == 304
    assert httpx.get(link, headers={"Range": range_, "If-Range": '"other"'}).content == CONTENT


def test_an_empty_file_is_one(operator: httpx.Client, made: Made) -> None:
    """It has no content, and is listed and downloaded all the same."""
    assert _upload(operator, made, ("a.bin", b"")).status_code == 201
    assert httpx.get(_link(operator, made)).content == b""


def test_downloads_are_counted(operator: httpx.Client, made: Made) -> None:
    """Each link that was given out counts, and a HEAD does not."""
    _upload(operator, made, ("a.bin", b"x"), ("b.bin", b"x"))
    for _ in range(3):
        _link(operator, made)
    assert operator.head(f"{made.below}/downloads/a.bin").status_code == 302
    for _ in range(200):
        counts = {one["name"]: one["downloads"] for one in operator.get(f"{made.below}/downloads").json()["values"]}
        if counts == {"a.bin": 3, "b.bin": 0}:
            return
    raise AssertionError(counts)


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "name", ["..", ".", "a/b", "../../up", "a\\b", "a\x00b", "line\nbreak", "x" * 256, "ü" * 128, ""]
)
def test_names_that_could_do_harm_are_refused(host: LiveHost, operator: httpx.Client, made: Made, name: str) -> None:
    """A 400, and neither a row nor a file; a good file beside it is not stored either."""
    before = _on_disk(host)
    body = b"".join(
        b'--X\r\nContent-Disposition: form-data; name="files"; filename="%b"\r\n\r\nx\r\n' % one
        for one in (b"good", name.encode())
    )
    refused = operator.post(
        f"{made.below}/downloads",
        content=body + b"--X--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=X"},
    )
    assert refused.status_code == 400, refused.text
    assert (_names(operator, made), _on_disk(host)) == ([], before)


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"x", {"Content-Type": "text/plain"}, 406),
        (b"x", {"Content-Type": "multipart/form-data"}, 406),
        (b"x", {}, 406),
        (b"", _FORM, 400),
        (b"--X--\r\n", _FORM, 400),
        (b"no form at all", _FORM, 400),
        (_PART + b"cut", _FORM, 400),
        (_PART + b"x\r\n", _FORM, 400),
        (b'--X\r\nContent-Disposition: form-data; name="files"\r\n\r\nno file\r\n--X--\r\n', _FORM, 400),
        (_PART + b"x\r\n" + _PART + b"y\r\n--X--\r\n", _FORM, 400),
        (b"--X\r\nA: " + b"a" * 5_000 + b"\r\n\r\nx\r\n--X--\r\n", _FORM, 400),
        (_PART + b"x\r\n--X--\r\n", {**_FORM, "Content-Encoding": "gzip"}, 415),
        (_PART.replace(b'"a"', b'"\xff"') + b"x\r\n--X--\r\n", _FORM, 400),
    ],
)
def test_what_is_no_upload_is_refused(
    host: LiveHost, operator: httpx.Client, made: Made, body: bytes, headers: dict[str, str], status: int
) -> None:
    """Another type, a cut form, one without a file: nothing is stored, not even on the disk."""
    before = _on_disk(host)
    refused = operator.post(f"{made.below}/downloads", content=body, headers=headers)
    assert refused.status_code == status, refused.text
    assert (_names(operator, made), _on_disk(host)) == ([], before)


def test_a_client_that_leaves_leaves_nothing(host: LiveHost, operator: httpx.Client, made: Made) -> None:
    """The connection breaks in the middle of a file: there is no row, and soon no draft."""
    place = urlsplit(host.url)
    before = _on_disk(host)
    with socket.create_connection((place.hostname or "", place.port or 0)) as connection:
        head = [
            f"POST {made.below}/downloads HTTP/1.1",
            f"Host: {place.netloc}",
            f"Authorization: {operator.headers['Authorization']}",
            "Content-Type: multipart/form-data; boundary=X",
            "Content-Length: 5000000",
        ]
        connection.sendall("\r\n".join([*head, "", ""]).encode() + _PART + bytes(3_000_000))
    for _ in range(200):
        if (_names(operator, made), _on_disk(host)) == ([], before):
            return
    raise AssertionError(_on_disk(host))


def test_who_may_what(host: LiveHost, operator: httpx.Client, stranger: str) -> None:
    """Everyone reads those of a public repository; a scope for writing and the privilege are needed to change them."""
    shown, hidden = repository(host, is_private=False), repository(host)
    for made in (shown, hidden):
        _upload(operator, made, ("a.bin", b"x"))
    few, _ = host.work(lambda opened: credentials.create_api_token(opened, "few", None, scopes="repository"))
    authorizations = {
        "anonymous": {},
        "stranger": {"Authorization": f"Bearer {stranger}"},
        "reader": {"Authorization": f"Bearer {few}"},
    }
    expected = {
        "anonymous": ((200, 302, 401, 401), (404, 404, 401, 401)),
        "stranger": ((200, 302, 403, 403), (404, 404, 404, 404)),
        "reader": ((200, 302, 403, 403), (200, 302, 403, 403)),
    }
    for name, headers in authorizations.items():
        with httpx.Client(base_url=host.url, headers=headers) as client:
            for made, wanted in zip((shown, hidden), expected[name], strict=True):
                statuses = (
                    client.get(f"{made.below}/downloads").status_code,
                    client.get(f"{made.below}/downloads/a.bin").status_code,
                    _upload(client, made, ("b.bin", b"x")).status_code,
                    client.delete(f"{made.below}/downloads/a.bin").status_code,
                )
                assert statuses == wanted, name
    assert [_names(operator, made) for made in (shown, hidden)] == [["a.bin"], ["a.bin"]]


def test_an_app_uploads_as_its_workspace(host: LiveHost) -> None:
    """With the scope `repository:write`, and what it uploads is by the account of the workspace."""
    made = repository(host)
    with recording_app(scopes=["repository:write"]) as app:
        api = AppClient(host.url, host.install(app))
        target = f"{made.below}/downloads"
        assert api("POST", target, files={"files": ("a.bin", b"x")}).status_code == 201
        assert api("GET", target).json()["values"][0]["user"]["type"] == "team"
        assert api("DELETE", f"{target}/a.bin").status_code == 204


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "change",
    [
        lambda link: link.replace("signature=", "signature=0"),
        lambda link: re.sub("signature=.*", "signature=", link),
        lambda link: link.partition("?")[0],
        lambda link: re.sub(r"expires=\d+", "expires=99999999999", link),
        lambda link: re.sub(r"expires=\d+", "expires=x", link),
        lambda link: re.sub(r"/-/downloads/\d+", "/-/downloads/99999", link),
    ],
)
def test_only_a_signed_link_works(operator: httpx.Client, made: Made, change: Any) -> None:
    """A changed one is like none at all."""
    _upload(operator, made, ("a.bin", b"x"))
    link = _link(operator, made)
    assert (httpx.get(link).status_code, httpx.get(change(link)).status_code) == (200, 404)


def test_the_link_to_one_file_opens_no_other(operator: httpx.Client, made: Made) -> None:
    """The signature is of one file."""
    _upload(operator, made, ("a.bin", b"x"), ("b.bin", b"y"))
    mine, other = _link(operator, made, "a.bin"), _link(operator, made, "b.bin")
    crossed = f"{other.partition('?')[0]}?{mine.partition('?')[2]}"
    assert httpx.get(crossed).status_code == 404


def test_a_link_ends(host: LiveHost, operator: httpx.Client, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link stops working after some minutes."""
    _upload(operator, made, ("a.bin", b"x"))
    monkeypatch.setattr(downloads, "LINK_SECONDS", -1)
    assert httpx.get(_link(operator, made)).status_code == 404


def test_the_files_go_with_the_repository(host: LiveHost, operator: httpx.Client, made: Made) -> None:
    """Nothing is left on the disk of a repository that was deleted."""
    _upload(operator, made, ("a.bin", b"x"))
    link, folder = _link(operator, made), downloads_in(host.settings.data).path(made.repository.uuid, "x").parent
    assert folder.is_dir()

    async def delete(opened: Host) -> None:
        await delete_repository(opened, await host_operator(opened), made.repository)

    host.work(delete)
    assert (httpx.get(link).status_code, folder.exists()) == (404, False)


def test_a_start_removes_what_a_kill_left(tmp_path: Path) -> None:
    """Old drafts and old files without a row go; young ones, and those with a row, stay."""
    with live_host(tmp_path) as host:
        made = repository(host)
        with httpx.Client(base_url=host.url, headers={"Authorization": f"Bearer {host.api_token()}"}) as client:
            _upload(client, made, ("a.bin", b"x"))
        (kept,) = _on_disk(host)
        for name, place in (("old", kept.parent), ("old", tmp_path / "downloads" / "tmp"), ("young", kept.parent)):
            (place / name).write_bytes(b"x")
        for file in _on_disk(host):
            if file.name != "young":
                os.utime(file, (0, 0))
        host.work(partial(downloads.sweep_downloads))
        assert sorted(_on_disk(host)) == sorted([kept, kept.parent / "young"])


def test_a_full_disk_is_told(
    host: LiveHost, operator: httpx.Client, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 503 with the system's reason, and what was there stays."""
    _upload(operator, made, ("a.bin", b"first"))

    def full(descriptor: int, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("roadstead.domain.repositories.stored_files._write", full)
        refused = _upload(operator, made, ("a.bin", CONTENT), ("b.bin", CONTENT))
    assert (refused.status_code, "No space left" in refused.text) == (503, True)
    assert (_names(operator, made), httpx.get(_link(operator, made)).content) == (["a.bin"], b"first")


def test_a_caller_who_may_no_longer_write_stores_nothing(
    host: LiveHost, operator: httpx.Client, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repository is deleted while the upload arrives: a 404, and no file is left."""
    before, keep = _on_disk(host), StoredFiles.keep

    async def delete_meanwhile(files: StoredFiles, draft: Draft, uuid: str) -> None:
        await keep(files, draft, uuid)
        operator_there = await asyncio.to_thread(operator.delete, made.below)
        assert operator_there.status_code == 204

    monkeypatch.setattr(StoredFiles, "keep", delete_meanwhile)
    assert _upload(operator, made, ("a.bin", b"x")).status_code == 404
    assert _on_disk(host) == before


def test_an_upload_over_the_limit_is_refused(host: LiveHost, operator: httpx.Client, made: Made) -> None:
    """The stated length decides, before a byte is read."""
    place = urlsplit(host.url)
    with socket.create_connection((place.hostname or "", place.port or 0)) as connection:
        head = [
            f"POST {made.below}/downloads HTTP/1.1",
            f"Host: {place.netloc}",
            f"Authorization: {operator.headers['Authorization']}",
            "Content-Type: multipart/form-data; boundary=X",
            f"Content-Length: {2 * 1024**3 + 1}",
        ]
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        assert connection.recv(20).startswith(b"HTTP/1.1 413")


@pytest.mark.slow
def test_a_large_upload_takes_little_memory(tmp_path: Path) -> None:
    """Half a gigabyte goes to the disk as it arrives, and comes from it as it is read."""
    megabyte, number = os.urandom(1 << 20), 512
    with host_process(tmp_path / "data", tmp_path / "log") as (host, _, process):
        made, token = repository(host), {"Authorization": f"Bearer {host.api_token()}"}

        def peak() -> int:
            status = Path(f"/proc/{process.pid}/status").read_text("ascii")
            return int(status.partition("VmHWM:")[2].split()[0]) << 10

        def body() -> Iterator[bytes]:
            yield _PART
            yield from (megabyte for _ in range(number))
            yield b"\r\n--X--\r\n"

        with httpx.Client(base_url=host.url, headers=token, timeout=60) as client:
            assert _names(client, made) == []
            before = peak()
            length = {"Content-Length": str(len(_PART) + number * len(megabyte) + 9)}
            sent = client.post(f"{made.below}/downloads", content=body(), headers={**_FORM, **length})
            assert sent.status_code == 201
            with httpx.stream("GET", _link(client, made, "a"), timeout=60) as got:
                assert sum(map(len, got.iter_raw())) == number * len(megabyte)
        assert peak() - before < 64 << 20


@pytest.fixture(autouse=True)
def _nothing_is_left(host: LiveHost) -> Iterator[None]:
    """See that no test leaves a draft."""
    yield
    assert list((host.settings.data / "downloads" / "tmp").glob("*")) == []
