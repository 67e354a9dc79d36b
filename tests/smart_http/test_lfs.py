"""Objects of git LFS: git's own client, the protocol as other clients speak it, and attempts to get around it."""

import base64
import hashlib
import itertools
import json
import os
import shutil
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from roadstead.domain.access.credentials import find_token
from roadstead.domain.host import Host
from roadstead.domain.repositories import lfs, tickets
from roadstead.domain.repositories.changes import delete_repository
from roadstead.domain.repositories.creation import ForkChanges, fork_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.domain.repositories.stored_files import lfs_objects_in
from roadstead.domain.upkeep.repository_check import check_repositories
from roadstead.model import Repository
from tests.live import LiveHost
from tests.smart_http.conftest import Place, new_repository, wait_until
from tests.smart_http.git_client import Work, git, new_work

needs_client = pytest.mark.skipif(shutil.which("git-lfs") is None, reason="needs git-lfs")
MEDIA = "application/vnd.git-lfs+json"
OTHER = "0" * 64


@dataclass(frozen=True)
class Large:
    """An object that a test transfers."""

    content: bytes

    @property
    def oid(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def named(self) -> dict[str, Any]:
        return {"oid": self.oid, "size": len(self.content)}


_numbers = itertools.count()


@pytest.fixture
def large() -> Large:
    """Return an object that no other test has."""
    return Large(f"object {next(_numbers)} ".encode() * 50_000)


def ask(
    place: Place, operation: str, *objects: dict[str, Any], token: str | None = None, **members: Any
) -> httpx.Response:
    """Send a question about objects; without a credential, if the token is empty."""
    token = place.ann if token is None else token
    headers = {"Content-Type": MEDIA, "Accept": MEDIA, **({"Authorization": f"Bearer {token}"} if token else {})}
    body = {"operation": operation, "objects": list(objects), **members}
    return httpx.post(f"{place.public_url}/info/lfs/objects/batch", json=body, headers=headers)


def offered(answer: httpx.Response, action: str) -> tuple[str, dict[str, str]]:
    """Return the address and the headers of an action that was offered for one object."""
    assert answer.status_code == 200, answer.text
    found = answer.json()["objects"][0]["actions"][action]
    return found["href"], found["header"]


def upload(place: Place, large: Large) -> httpx.Response:
    """Upload an object as ann."""
    href, header = offered(ask(place, "upload", large.named), "upload")
    return httpx.put(href, content=large.content, headers=header)


def stored(place: Place) -> list[Path]:
    """Return the objects of a repository, and unfinished ones of all repositories."""
    files = lfs_objects_in(place.host.settings.data)
    return [*files.path(place.repository.uuid, "x").parent.glob("*"), *files.root.glob("tmp/*")]


@pytest.fixture(scope="module")
def shared(host: LiveHost, people: tuple[str, str]) -> Place:
    """Return a private repository for tests that do not change it."""
    return Place(host, host.work(new_repository(people[0], "acme-git")), *people)


@pytest.fixture(scope="module")
def shared_public(host: LiveHost, people: tuple[str, str]) -> Place:
    """Return a public repository for tests that do not change it."""
    return Place(host, host.work(new_repository(people[0], "acme-git", is_private=False)), *people)


# git's own client


def _tracked(work: Work, content: bytes) -> None:
    for line in ("lfs install --local --force", "lfs track *.bin"):
        work.git(*line.split())
    (work.folder / "large.bin").write_bytes(content)
    work.git("add", ".")
    work.git("commit", "--quiet", "-m", "a large file")


@needs_client
def test_git_pushes_and_clones_large_files(place: Place, work: Work, large: Large, tmp_path: Path) -> None:
    """git-lfs uploads, verifies and downloads with the credential of the remote; git's own store has only a pointer."""
    _tracked(work, large.content)
    work.git("push", place.url(), "main")
    assert [file.name for file in stored(place)] == [large.oid]
    assert git("--git-dir", str(place.folder), "show", "main:large.bin").stdout.startswith("version https://git-lfs")
    clone = new_work(tmp_path / "clone")
    for line in (f"remote add origin {place.url()}", "lfs install --local --force", "pull --quiet origin main"):
        clone.git(*line.split())
    assert (clone.folder / "large.bin").read_bytes() == large.content
    assert "Git LFS fsck OK" in clone.git("lfs", "fsck")


@needs_client
def test_git_tells_the_message_of_a_refusal(place: Place, work: Work, large: Large) -> None:
    """A user without the repository sees the host's words, and no object is stored."""
    _tracked(work, large.content)
    said = work.git("push", place.url(place.ben), "main", code=None)
    assert "You may not have access to this repository" in said
    assert stored(place) == []


# The protocol


def test_an_object_is_uploaded_verified_and_downloaded(place: Place, large: Large) -> None:
    """Every answer is JSON of the type of LFS, the offers say for how long, and a second upload is not needed."""
    answer = ask(place, "upload", large.named, transfers=["basic", "ssh"], ref={"name": "refs/heads/main"})
    assert (answer.headers["content-type"], answer.json()["transfer"]) == (MEDIA, "basic")
    assert {one["expires_in"] for one in answer.json()["objects"][0]["actions"].values()} == {tickets.SECONDS}
    href, header = offered(answer, "upload")
    verify, verify_header = offered(answer, "verify")
    check = partial(httpx.post, verify, headers=verify_header | {"Content-Type": MEDIA}, json=large.named)
    assert check().status_code == 404
    assert httpx.put(href, content=large.content, headers=header).status_code == 200
    assert (check().status_code, check().json()) == (200, None)
    assert ask(place, "upload", large.named).json()["objects"] == [large.named]
    href, header = offered(ask(place, "download", large.named), "download")
    assert httpx.get(href, headers=header).content == large.content


def test_an_upload_may_come_in_chunks(place: Place, large: Large) -> None:
    """Clients that do not know the length send it so."""
    href, header = offered(ask(place, "upload", large.named), "upload")
    pieces = (large.content[start : start + 1000] for start in range(0, len(large.content), 1000))
    assert httpx.put(href, content=pieces, headers=header).status_code == 200
    assert [file.read_bytes() for file in stored(place)] == [large.content]


def test_an_empty_object_is_an_object(place: Place) -> None:
    """Its SHA-256 is known, its size is 0."""
    assert upload(place, Large(b"")).status_code == 200
    href, header = offered(ask(place, "download", Large(b"").named), "download")
    assert httpx.get(href, headers=header).content == b""


def test_a_range_goes_on_where_a_download_was_cut(shared: Place, large: Large) -> None:
    """git-lfs asks for the rest of an object of which it has the beginning; a HEAD tells the length."""
    upload(shared, large)
    href, header = offered(ask(shared, "download", large.named), "download")
    rest = httpx.get(href, headers=header | {"Range": "bytes=1000-"})
    assert (rest.status_code, rest.content) == (206, large.content[1000:])
    assert rest.headers["content-range"] == f"bytes 1000-{len(large.content) - 1}/{len(large.content)}"
    assert httpx.get(href, headers=header | {"Range": f"bytes={10**9}-"}).status_code == 416
    assert httpx.head(href, headers=header).headers["content-length"] == str(len(large.content))


def test_an_offer_works_after_a_rename(place: Place, large: Large) -> None:
    """The old address of the question leads to the new one with the same method."""
    headers = {"Authorization": f"Bearer {place.ann}"}
    owner = place.host.api_token()
    renamed = httpx.put(
        f"{place.host.url}/2.0/repositories/{place.repository.full_name}",
        json={"name": f"new-{place.repository.slug}"},
        headers={"Authorization": f"Bearer {owner}"},
    )
    assert renamed.status_code == 200, renamed.text
    moved = ask(place, "upload", large.named)
    assert moved.status_code == 308
    body = {"operation": "upload", "objects": [large.named]}
    answer = httpx.post(moved.headers["location"], json=body, headers=headers)
    href, header = offered(answer, "upload")
    assert httpx.put(href, content=large.content, headers=header).status_code == 200


@pytest.mark.parametrize(
    ("operation", "objects", "members", "status", "told"),
    [
        ("upload", [{"oid": OTHER}], {}, 422, "size"),
        ("remove", [{"oid": OTHER, "size": 1}], {}, 422, "operation"),
        ("upload", "all", {}, 422, "objects"),
        ("upload", [{"oid": OTHER, "size": 1}], {"transfers": ["tus"]}, 422, "basic"),
        ("upload", [{"oid": OTHER, "size": 1}], {"hash_algo": "sha1"}, 409, "sha256"),
        ("upload", [{"oid": OTHER, "size": 1}] * 1001, {}, 422, "1000"),
        ("upload", [{"oid": OTHER, "size": 1}], {"padding": "x" * 1024 * 1024}, 413, "large"),
        ("upload", [], {}, 200, "objects"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(
    shared: Place, operation: str, objects: Any, members: dict[str, Any], status: int, told: str
) -> None:
    """The message says which part is wrong."""
    body = {"operation": operation, "objects": objects, **members}
    headers = {"Content-Type": MEDIA, "Authorization": f"Bearer {shared.ann}"}
    answer = httpx.post(f"{shared.public_url}/info/lfs/objects/batch", json=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA)
    assert told in answer.text


@pytest.mark.parametrize(
    ("named", "operation", "code"),
    [
        ({"oid": OTHER, "size": 5}, "download", 404),
        ({"oid": OTHER, "size": -1}, "upload", 422),
        ({"oid": OTHER, "size": lfs.MOST_BYTES + 1}, "upload", 422),
        ({"oid": OTHER.replace("0", "A"), "size": 5}, "upload", 422),
        ({"oid": f"../../{OTHER[6:]}", "size": 5}, "download", 422),
        ({"oid": "/etc/passwd", "size": 5}, "download", 422),
        ({"oid": "", "size": 5}, "download", 422),
        ({"oid": f"{OTHER}\n", "size": 5}, "upload", 422),
        ({"oid": OTHER[:63], "size": 5}, "upload", 422),
    ],
)
def test_what_cannot_be_transferred_is_told_for_each_object(
    shared: Place, large: Large, named: dict[str, Any], operation: str, code: int
) -> None:
    """An odd name leads to no file, and other objects of the question are offered."""
    upload(shared, large)
    first, second = ask(shared, operation, named, large.named).json()["objects"]
    assert (first["error"]["code"], "actions" in first, "error" in second) == (code, False, False)


def test_an_object_of_another_size_is_told(shared: Place, large: Large) -> None:
    """A pointer with a wrong size is found before anything is transferred."""
    upload(shared, large)
    for operation in ("upload", "download"):
        (told,) = ask(shared, operation, large.named | {"size": 7}).json()["objects"]
        assert told["error"]["code"] == 422


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("locks/verify", "POST", 404),
        ("locks", "GET", 404),
        ("objects", "GET", 404),
        ("objects/batch", "GET", 405),
        ("objects/verify", "GET", 405),
        ("objects/batch", "PUT", 405),
        (f"objects/{OTHER}", "DELETE", 405),
        (f"objects/{OTHER}", "POST", 405),
        (f"objects/{OTHER}", "GET", 403),
        ("objects/..%2f..%2fbatch", "GET", 403),
        (f"objects/{OTHER}/../{OTHER}", "GET", 403),
    ],
)
def test_other_addresses_and_methods_are_refused(shared: Place, path: str, method: str, status: int) -> None:
    """The host has no locks, which git-lfs takes for none; an object is not to be had with a credential alone."""
    headers = {"Authorization": f"Bearer {shared.ann}"}
    answer = httpx.request(method, f"{shared.public_url}/info/lfs/{path}", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA)
    assert answer.json()["message"]


# Who may


@pytest.mark.parametrize(
    ("who", "operation", "status", "public"),
    [
        ("", "download", 401, 200),
        ("", "upload", 401, 401),
        ("ben", "download", 404, 200),
        ("ben", "upload", 404, 403),
        ("wrong", "download", 401, 401),
        ("ann", "download", 200, 200),
        ("ann", "upload", 200, 200),
    ],
)
def test_the_permissions_are_those_of_git(
    shared: Place, shared_public: Place, who: str, operation: str, status: int, public: int
) -> None:
    """Read to download, write to upload; without a credential, git-lfs is asked for one."""
    token = {"": "", "ann": shared.ann, "ben": shared.ben}.get(who, "no-such-token")
    for one, expected in ((shared, status), (shared_public, public)):
        answer = ask(one, operation, {"oid": OTHER, "size": 3}, token=token)
        assert (answer.status_code, "lfs-authenticate" in answer.headers) == (expected, expected == 401)


def test_a_caller_from_ssh_has_a_ticket_for_questions(place: Place, large: Large) -> None:
    """`git-lfs-authenticate` prints an address and a header, which work for one operation in one repository."""
    other = replace(place, repository=place.host.work(new_repository(place.ann, "acme-git")))

    async def access(host: Host) -> lfs.Access:
        return lfs.authenticate(host, place.repository, "upload", (1, None))

    href, header, _ = place.host.work(access)
    body = {"operation": "upload", "objects": [large.named]}
    answer = httpx.post(f"{href}/objects/batch", json=body, headers=header)
    href_of_object, header_of_object = offered(answer, "upload")
    assert httpx.put(href_of_object, content=large.content, headers=header_of_object).status_code == 200
    others = href.replace(place.repository.uuid.strip("{}"), other.repository.uuid.strip("{}"))
    for url, operation in ((href, "download"), (others, "upload"), (f"{place.public_url}/info/lfs", "upload")):
        refused = httpx.post(f"{url}/objects/batch", json=body | {"operation": operation}, headers=header)
        assert refused.status_code == 403
    assert httpx.put(href_of_object, content=large.content, headers=header).status_code == 403


# Attacks


def test_an_object_of_another_repository_is_neither_read_nor_linked(place: Place, large: Large) -> None:
    """To know its SHA-256 opens nothing: it is offered for upload, and not for download."""
    upload(place, large)
    other = replace(place, repository=place.host.work(new_repository(place.ann, "acme-git")))
    assert ask(other, "download", large.named).json()["objects"][0]["error"]["code"] == 404
    href, header = offered(ask(other, "upload", large.named), "upload")
    assert httpx.put(href, content=b"", headers=header).status_code == 422
    assert stored(other) == []


def _resigned(header: str, **changes: Any) -> str:
    """Return a ticket that says something else, with the signature of the first one."""
    scheme, _, text = header.partition(" ")
    content, _, signature = text.partition(".")
    names = ("purpose", "repository", "expires", "caller", "oid", "size")
    told = dict(zip(names, json.loads(base64.urlsafe_b64decode(content)), strict=True)) | changes
    again = base64.urlsafe_b64encode(json.dumps(list(told.values())).encode()).decode()
    return f"{scheme} {again}.{signature}"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda href, header, other: (href.replace(href[-64:], OTHER), header),
        lambda href, header, other: (href.replace(*other), header),
        lambda href, header, other: (href, ""),
        lambda href, header, other: (href, header[:-1]),
        lambda href, header, other: (href, header.replace(".", "")),
        lambda href, header, other: (href, header.replace(tickets.SCHEME, "Bearer")),
        lambda href, header, other: (href, f"{tickets.SCHEME} .é"),
        lambda href, header, other: (href, _resigned(header, purpose="upload")),
        lambda href, header, other: (href, _resigned(header, size=1)),
        lambda href, header, other: (href, _resigned(header, expires=10**12)),
    ],
    ids=["object", "repository", "none", "short", "unsigned", "scheme", "odd", "purpose", "size", "expiry"],
)
def test_a_ticket_works_for_what_it_was_issued(
    shared: Place, shared_public: Place, large: Large, spoil: Callable[[str, str, tuple[str, str]], tuple[str, str]]
) -> None:
    """Not for another object, repository or purpose, not without its signature, and not after a change."""
    upload(shared, large)
    uuids = shared.repository.uuid.strip("{}"), shared_public.repository.uuid.strip("{}")
    href, header = offered(ask(shared, "download", large.named), "download")
    spoilt, sent = spoil(href, header[tickets.HEADER], uuids)
    answer = httpx.get(spoilt, headers=[(tickets.HEADER.encode(), sent.encode("latin-1"))])
    assert (answer.status_code, large.content in answer.content) == (403, False)


def test_a_ticket_is_for_one_direction(shared: Place, large: Large) -> None:
    """One for a download stores nothing, and one for an upload reads nothing."""
    href, header = offered(ask(shared, "upload", large.named), "upload")
    upload(shared, large)
    assert httpx.get(href, headers=header).status_code == 403
    href, header = offered(ask(shared, "download", large.named), "download")
    assert httpx.put(href, content=large.content, headers=header).status_code == 403
    check = httpx.post(f"{href[:-64]}verify", json=large.named, headers=header | {"Content-Type": MEDIA})
    assert check.status_code == 403


def test_a_ticket_ends(place: Place, large: Large) -> None:
    """After its time, and with its repository."""

    async def expired(host: Host) -> str:
        late = replace(host, clock=lambda: host.clock() - tickets.SECONDS - 1)
        one = large.named
        return tickets.issue(late, "upload", place.repository.uuid, (1, None), oid=one["oid"], size=one["size"])

    href, header = offered(ask(place, "upload", large.named), "upload")
    old = {tickets.HEADER: place.host.work(expired)}
    assert httpx.put(href, content=large.content, headers=old).status_code == 403
    place.host.work(partial(_delete, place))
    assert httpx.put(href, content=large.content, headers=header).status_code == 403


@pytest.mark.parametrize(
    "spoil", [lambda c: c[:-1], lambda c: c + b"x", lambda c: b"x" + c[1:], lambda c: b"", lambda c: c * 2]
)
def test_a_body_that_is_not_the_object_is_refused(place: Place, large: Large, spoil: Callable[[bytes], bytes]) -> None:
    """Neither shorter, longer nor of another content: nothing is stored, and the object can be uploaded then."""
    href, header = offered(ask(place, "upload", large.named), "upload")
    assert httpx.put(href, content=spoil(large.content), headers=header).status_code == 422
    assert stored(place) == []
    assert httpx.put(href, content=large.content, headers=header).status_code == 200


def test_a_compressed_body_is_refused(place: Place, large: Large) -> None:
    """It is not unpacked, and not stored as it is."""
    href, header = offered(ask(place, "upload", large.named), "upload")
    packed = httpx.put(href, content=large.content, headers=header | {"Content-Encoding": "gzip"})
    assert (packed.status_code, stored(place)) == (415, [])


def test_an_upload_that_is_cut_leaves_nothing(place: Place, large: Large) -> None:
    """The client leaves half way: neither the object nor a part of it is there."""
    href, header = offered(ask(place, "upload", large.named), "upload")
    parts = urlsplit(href)
    head = f"PUT {parts.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(large.content)}\r\n"
    head += f"{tickets.HEADER}: {header[tickets.HEADER]}\r\n\r\n"
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as line:
        line.sendall(head.encode() + large.content[:100_000])
        wait_until(lambda: stored(place))
    wait_until(lambda: not stored(place))
    assert upload(place, large).status_code == 200


def test_two_uploads_of_one_object_at_once_both_succeed(place: Place, large: Large) -> None:
    """Whichever is complete first, the object is whole and there once."""
    href, header = offered(ask(place, "upload", large.named), "upload")
    both_began, statuses = threading.Barrier(2), []

    def slow() -> None:
        def pieces() -> Any:
            yield large.content[:1000]
            both_began.wait(10)
            yield large.content[1000:]

        statuses.append(httpx.put(href, content=pieces(), headers=header).status_code)

    threads = [threading.Thread(target=slow) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200, 200]
    assert [file.read_bytes() for file in stored(place)] == [large.content]


# What belongs to a repository


async def _delete(place: Place, host: Host) -> None:
    ann = await find_token(host, place.ann)
    assert ann is not None
    await delete_repository(host, ann, place.repository)


async def fork(place: Place, host: Host) -> Repository:
    """Fork a repository as ann."""
    ann = await find_token(host, place.ann)
    assert ann is not None
    given = RepositoryChanges(name=f"fork-of-{place.repository.slug}")
    return await fork_repository(host, ann, place.repository, ForkChanges(given))


def test_a_fork_shares_objects_and_outlives_its_parent(place: Place, large: Large) -> None:
    """They are hard links: no second copy, and the parent's deletion removes its own alone."""
    upload(place, large)
    copy = replace(place, repository=place.host.work(partial(fork, place)))
    (theirs,), (ours,) = stored(copy), stored(place)
    assert theirs.samefile(ours)
    place.host.work(partial(_delete, place))
    assert (stored(place), theirs.read_bytes()) == ([], large.content)
    href, header = offered(ask(copy, "download", large.named), "download")
    assert httpx.get(href, headers=header).content == large.content


def test_a_sweep_removes_what_was_left(place: Place, large: Large) -> None:
    """Old unfinished uploads and objects of no repository go, and those of a repository or a young fork stay."""
    upload(place, large)
    files = lfs_objects_in(place.host.settings.data)
    gone, young = ("11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222")
    left, fork, draft = files.path(gone, OTHER), files.path(young, OTHER), files.root / "tmp" / "draft"
    for file in (left, fork, draft):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    for path in (left, left.parent, fork, draft, *stored(place)):
        os.utime(path, (0, 0))
    place.host.work(lfs.sweep_objects)
    assert [file.exists() for file in (left, fork, draft)] == [False, True, False]
    assert [file.name for file in stored(place)] == [large.oid]


def test_a_check_finds_a_damaged_object(place: Place, large: Large) -> None:
    """A byte that has changed on the disk is told with the name of the object."""
    upload(place, large)

    async def faults_of(host: Host) -> list[str]:
        (checked,) = [one async for one in check_repositories(host, place.repository)]
        return list(checked.faults)

    assert place.host.work(faults_of) == []
    stored(place)[0].write_bytes(b"x" + large.content[1:])
    (fault,) = place.host.work(faults_of)
    assert large.oid in fault


def test_a_full_disk_is_told(place: Place, large: Large, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 503 with the system's reason, and nothing is stored."""
    href, header = offered(ask(place, "upload", large.named), "upload")

    def full(descriptor: int, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("roadstead.domain.repositories.stored_files._write", full)
        refused = httpx.put(href, content=large.content, headers=header)
    assert (refused.status_code, "No space left" in refused.json()["message"]) == (503, True)
    assert stored(place) == []
