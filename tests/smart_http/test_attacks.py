"""Hostile requests at git's door: each is refused, or harmless, and the repository and the host are as before."""

import gzip
import http.client
import struct
from collections.abc import Iterator

import httpx
import pytest

from roadstead.git.transfer.commands import MOST_BYTES
from roadstead.git.transfer.pktlines import FLUSH, pkt_line
from roadstead.pushed import NO_OBJECT
from tests.smart_http.conftest import Place
from tests.smart_http.git_client import Work
from tests.smart_http.raw_pushes import object_id, push_of, whole_pack

READ, WRITE = "git-upload-pack", "git-receive-pack"
A = "a" * 40


@pytest.fixture
def filled(place: Place, work: Work) -> Place:
    """Return a repository with one commit on main and on another branch."""
    work.git("push", place.url(), "main", "HEAD:refs/heads/other")
    return place


def _post(place: Place, service: str, body: bytes | Iterator[bytes], **headers: str) -> httpx.Response:
    sent = {
        "Content-Type": f"application/x-{service}-request",
        "Authorization": f"Bearer {place.ann}",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return httpx.post(f"{place.public_url}/{service}", content=body, headers=sent, timeout=30)


_BLOB = b"a file\n"


def _commit_of(entries: bytes) -> tuple[str, bytes]:
    """Return a commit of a tree with these entries, and a pack with all of it."""
    tree = object_id("tree", entries)
    commit = f"tree {tree}\nauthor A <a@b.c> 1 +0000\ncommitter A <a@b.c> 1 +0000\n\nx\n".encode()
    return object_id("commit", commit), whole_pack((3, _BLOB), (2, entries), (1, commit))


def _entry(mode: str, name: bytes) -> bytes:
    return mode.encode() + b" " + name + b"\0" + bytes.fromhex(object_id("blob", _BLOB))


@pytest.mark.sample(7)
@pytest.mark.parametrize(
    "path",
    [
        "/../widgets", "/%2e%2e/widgets", "/acme-git/..", "/acme-git/%2e%2e", "/acme-git/..%2f..%2fetc",
        "/acme-git/%2e", "/--upload-pack=x/y", "/acme-git/--upload-pack=touch%20x",
        "/acme-git/%00", "/acme-git/%ff", "/acme-git/a%0ab",
        "/acme-git/" + "x" * 5000, "/acme-git/%7B%7D", "/%7B%7D/%7B%7D", "/acme-git/.git", "/acme-git/.git.git",
        "/acme-git/ext::sh", "/-/x", "/2.0/x", "/acme-git/x;id", "/acme-git/$(id)", "/acme-git/*",
        "/%F0%9F%9A%80/%F0%9F%9A%80",
    ],
)  # fmt: skip
def test_a_name_is_only_a_name(place: Place, path: str) -> None:
    """No name of a repository is a path, an option or a pattern: none of these is there, for any caller."""
    for headers, status in (({}, 401), ({"Authorization": f"Bearer {place.ann}"}, 404)):
        connection = http.client.HTTPConnection("127.0.0.1", int(place.host.url.rpartition(":")[2]))
        connection.request("GET", f"{path}/info/refs?service={READ}", headers=headers)  # as it is written
        assert connection.getresponse().status == status
        connection.close()


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"junk", 400),
        (b"0001", 400),
        (b"fffe", 400),
        (push_of(f"{A} {A}"), 400),
        (push_of(f"{A} {A} refs/heads/a b"), 400),
        (pkt_line(b"push-cert\0 push-cert\n") + FLUSH, 400),
        (pkt_line(f"{A} {NO_OBJECT} refs/heads/main".encode()), 400),
        (push_of(f"{A} {A} refs/heads/main"), 400),
        (push_of(f"{NO_OBJECT} {NO_OBJECT} refs/heads/main"), 400),
        (pkt_line(f"{A} {NO_OBJECT} refs/heads/{'x' * 60_000}".encode()) * (MOST_BYTES // 60_000 + 2), 400),
    ],
    ids=[
        "nothing",
        "junk",
        "length 1",
        "too long",
        "no ref",
        "a space",
        "a certificate",
        "no end",
        "no change",
        "nothing to nothing",
        "too many",
    ],
)
def test_a_push_that_git_would_not_send_is_refused(filled: Place, body: bytes, status: int) -> None:
    """Before any program reads it."""
    assert _post(filled, WRITE, body).status_code == status
    assert filled.is_whole()
    assert len(filled.events()) == 1


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "body",
    [
        push_of(f"{NO_OBJECT} {A} refs/heads/none"),
        push_of(f"{NO_OBJECT} {A} refs/heads/none", pack=b"PACK"),
        push_of(f"{NO_OBJECT} {A} refs/heads/none", pack=whole_pack()[:-1] + b"x"),
        push_of(f"{NO_OBJECT} {A} refs/heads/none", pack=whole_pack()),
        push_of(f"{NO_OBJECT} {A} refs/heads/none", pack=b"PACK" + struct.pack(">II", 2, 2**32 - 1)),
        push_of(f"{NO_OBJECT} {A} refs/heads/none", pack=whole_pack((7, b"x" * 30))),
        push_of(f"{A} {NO_OBJECT} refs/heads/phantom"),
        push_of(f"{A} {NO_OBJECT} refs/heads/main"),
        push_of(f"{A} {NO_OBJECT} refs/heads/other"),
        push_of(f"{NO_OBJECT} {object_id('blob', _BLOB)} refs/heads/file", pack=whole_pack((3, _BLOB))),
        push_of(f"{NO_OBJECT} {object_id('blob', _BLOB)} refs/heads/../../x", pack=whole_pack((3, _BLOB))),
        push_of(f"{NO_OBJECT} {object_id('blob', _BLOB)} HEAD", pack=whole_pack((3, _BLOB))),
        push_of(f"{NO_OBJECT} {object_id('blob', _BLOB)} refs/replace/{A}", pack=whole_pack((3, _BLOB))),
        *(
            push_of(f"{NO_OBJECT} {commit} refs/heads/evil", pack=pack)
            for commit, pack in map(
                _commit_of,
                [
                    _entry("40000", b".git"),
                    _entry("100644", b".GIT"),
                    _entry("100644", b"..") + _entry("100644", b"x"),
                    _entry("100644", b"a/b"),
                    _entry("100644", b"b") + _entry("100644", b"a"),
                    _entry("100644", b"a") + _entry("100644", b"a"),
                    _entry("100644", b".git\xe2\x80\x8c"),
                    _entry("120000", b".gitmodules"),
                ],
            )
        ),
    ],
    ids=[
        "no pack", "half a head", "a wrong sum", "an empty pack", "endless objects", "a delta of nothing",
        "a deletion of nothing", "a deletion of the main branch", "a deletion from elsewhere", "a branch of a file",
        "a path", "HEAD", "a replacement", ".git", ".GIT", "..", "a slash", "not sorted", "twice", "a hidden .git",
        "a linked .gitmodules",
    ],
)  # fmt: skip
def test_a_hostile_push_changes_nothing(filled: Place, body: bytes) -> None:
    """Broken packs, trees that would write where they may not, refs that are none: git or the host refuses each."""
    before = filled.refs()
    answer = _post(filled, WRITE, body)
    assert answer.status_code == 200
    assert b"\nok refs/heads/evil" not in answer.content
    assert filled.refs() == before
    assert len(filled.events()) == 1
    assert filled.is_whole()


@pytest.mark.sample(2)
@pytest.mark.parametrize("body", [b"junk", b"0001", b"fffe", b"", pkt_line(b"want " + A.encode()) + FLUSH])
def test_a_hostile_fetch_gets_no_objects(filled: Place, body: bytes) -> None:
    """git ends at the first byte that is wrong, and the host goes on."""
    answer = _post(filled, READ, body)
    assert answer.status_code == 200
    assert b"PACK" not in answer.content
    assert filled.is_whole()


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"no gzip", "gzip", 400),
        (gzip.compress(bytes(9999), mtime=0)[:20], "gzip", 400),
        (FLUSH, "br", 415),
        (FLUSH, "gzip, gzip", 415),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_refused(filled: Place, body: bytes, encoding: str, status: int) -> None:
    """It is not given to git as it is."""
    assert _post(filled, WRITE, body, Content_Encoding=encoding).status_code == status


def test_a_bomb_is_ended(filled: Place) -> None:
    """A body that unpacks to a hundred times as much is given to git in small pieces, as far as git reads."""
    bomb = gzip.compress((pkt_line(b"have " + A.encode() + b"\n") * 1000) * 600, compresslevel=1)
    answer = _post(filled, READ, pkt_line(b"x"), Content_Encoding="identity")
    assert answer.status_code == 200
    assert _post(filled, READ, bomb, Content_Encoding="gzip").status_code in (200, 413)
    assert filled.is_whole()


@pytest.mark.sample(2)
@pytest.mark.parametrize("version", ["version=2\x01", "version=2:" + "x" * 60, "version=2 --help", "\xff"])
def test_an_odd_version_is_ignored(filled: Place, version: str) -> None:
    """Only what git sends reaches the environment of a program."""
    headers = {"Authorization": f"Bearer {filled.ann}", "Git-Protocol": version}
    answer = filled.get(
        f"{filled.path}/info/refs?service={READ}", headers={k: v.encode("latin-1") for k, v in headers.items()}
    )
    assert answer.status_code in (200, 400)
    assert answer.status_code == 400 or answer.content.startswith(b"001e# service=git-upload-pack")


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b"", b"\0 report-status side-band-64k"),
        (b"\0 report-status side-band-64k=1", b""),
        (b"\0 report-status x\x85side-band-64k", b""),
        (b"\0 side-band-64k", b""),
    ],
    ids=["with the second command", "with a value", "after an odd space", "without a report"],
)
def test_an_odd_capability_hides_no_change(filled: Place, first: bytes, second: bytes) -> None:
    """Where git reads other capabilities than we do, each change still has its event and is in the mirror."""
    there = filled.refs()["refs/heads/main"].encode()
    commands = [f"{NO_OBJECT} ".encode() + there + b" refs/heads/" + name for name in (b"one", b"two")]
    body = pkt_line(commands[0] + first) + pkt_line(commands[1] + second) + FLUSH + whole_pack()
    assert _post(filled, WRITE, body).status_code == 200
    assert {name for name, _, _ in filled.changes()} == {"main", "other", "one", "two"}
    assert filled.is_whole()
