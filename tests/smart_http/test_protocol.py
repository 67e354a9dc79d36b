"""What git's clients ask for: both versions of the protocol, shallow and partial clones, chunked and packed bodies."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from roadstead.domain.access.credentials import find_token
from roadstead.domain.host import Host
from roadstead.domain.repositories.changes import put_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.git.transfer.pktlines import FLUSH, pkt_line
from tests.smart_http.conftest import Place
from tests.smart_http.git_client import Work, git


@pytest.fixture
def filled(place: Place, work: Work) -> Place:
    """Return a repository with three commits on main and a tag."""
    work.commit("second")
    work.commit("third")
    work.git("tag", "v1")
    work.git("push", place.url(), "main", "v1")
    return place


@pytest.mark.sample(2)
@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_each_version_of_the_protocol_clones_and_pushes(filled: Place, tmp_path: Path, version: str) -> None:
    """Old clients speak 0, new ones 2; what they get is the same."""
    speaking = ("-c", f"protocol.version={version}")
    assert git(*speaking, "clone", "--quiet", filled.url(), str(tmp_path / "clone")).returncode == 0
    clone = Work(tmp_path / "clone")
    assert clone.git("tag").strip() == "v1"
    clone.commit("of the clone")
    clone.git(*speaking, "push", "origin", "main")
    assert filled.refs()["refs/heads/main"] == clone.head()
    assert filled.is_whole()


@pytest.mark.parametrize("version", ["0", "2"])
def test_a_shallow_clone_is_deepened_and_pushed_from(filled: Place, tmp_path: Path, version: str) -> None:
    """It has one commit, can push another, and becomes a whole one."""
    speaking = ("-c", f"protocol.version={version}")
    git(*speaking, "clone", "--quiet", "--depth=1", filled.url(), str(tmp_path / "clone"))
    clone = Work(tmp_path / "clone")
    assert clone.git("rev-list", "--count", "HEAD").strip() == "1"
    clone.commit("of the clone")
    clone.git("push", "origin", "main")
    clone.git(*speaking, "fetch", "--unshallow")
    assert clone.git("rev-list", "--count", "HEAD").strip() == "4"
    assert filled.is_whole()


@pytest.mark.parametrize("version", [0, 2])
def test_a_partial_clone_leaves_files_out(filled: Place, tmp_path: Path, version: int) -> None:
    """The filter is honoured, and what is missing is fetched when it is needed."""
    speaking = f"protocol.version={version}"
    done = git("-c", speaking, "clone", "--filter=blob:none", "--no-checkout", filled.url(), str(tmp_path / "clone"))
    assert "ignoring" not in done.stderr
    clone = Work(tmp_path / "clone")
    clone.git("config", *speaking.split("="))
    assert "?" in clone.git("rev-list", "--objects", "--missing=print", "HEAD")
    assert clone.git("show", "HEAD~2:file").strip() == "the first"


def test_an_empty_repository_is_cloned(place: Place, tmp_path: Path) -> None:
    """git warns, and its user goes on."""
    done = git("clone", place.url(), str(tmp_path / "clone"))
    assert done.returncode == 0
    assert "empty repository" in done.stderr


@pytest.mark.sample(2)
@pytest.mark.parametrize("ending", [".git", "", "/", ".git/"])
def test_the_address_is_written_in_many_ways(filled: Place, ending: str) -> None:
    """With and without `.git`, and with a slash behind."""
    url = filled.url().removesuffix(".git") + ending
    assert "refs/heads/main" in git("ls-remote", url).stdout


def test_a_uuid_names_a_repository(filled: Place) -> None:
    """As in the cloud, in the place of the slug and of both."""
    server = filled.url().removesuffix(filled.path)
    uuid = filled.repository.uuid.replace("{", "%7B").replace("}", "%7D")
    for path in (f"/{filled.repository.workspace.slug}/{uuid}", f"/%7B%7D/{uuid}"):
        assert "refs/heads/main" in git("ls-remote", server + path).stdout


def test_an_old_slug_leads_to_the_new_one(filled: Place, tmp_path: Path) -> None:
    """A clone and a push go on after a rename; a stranger does not learn of it."""
    workspace, slug = filled.repository.workspace.slug, filled.repository.slug

    async def rename(host: Host) -> None:
        ann = await find_token(host, filled.ann)
        assert ann is not None
        await put_repository(host, ann, workspace, slug, RepositoryChanges(name=f"{slug} renamed"))

    filled.host.work(rename)
    answer = filled.get(f"{filled.path}/info/refs?service=git-upload-pack", headers=_bearer(filled))
    place = f"{filled.host.url}/{workspace}/{slug}-renamed.git/info/refs?service=git-upload-pack"
    assert (answer.status_code, answer.headers["location"]) == (301, place)
    assert filled.get(f"{filled.path}/info/refs?service=git-upload-pack").status_code == 401
    # git keeps the credential of the address that it was given only for that address.
    header = ("-c", f"http.extraHeader=Authorization: Bearer {filled.ann}")
    assert git(*header, "clone", "--quiet", filled.public_url, str(tmp_path / "clone")).returncode == 0
    clone = Work(tmp_path / "clone")
    clone.commit("more")
    clone.git(*header, "push", "origin", "main")
    assert filled.is_whole()


def test_a_large_push_comes_in_chunks(place: Place, work: Work) -> None:
    """git sends what exceeds its buffer chunked, after it has asked with an empty push whether it may."""
    work.commit("large", content="".join(f"{number * 7919 % 104729}\n" for number in range(20_000)))
    said = work.git("-c", "http.postBuffer=1000", "push", "--verbose", place.url(), "main")
    assert "POST git-receive-pack (chunked)" in said
    assert place.is_whole()


def test_a_packed_request_is_unpacked(filled: Place, work: Work) -> None:
    """git packs a long list of what it has."""
    wanted = pkt_line(f"want {work.head()} ofs-delta\n".encode()) + FLUSH
    wanted += b"".join(pkt_line(f"have {number:040x}\n".encode()) for number in range(2000)) + pkt_line(b"done\n")
    for encoding in ("gzip", "x-gzip"):
        answer = _post(filled, "git-upload-pack", gzip.compress(wanted), {"Content-Encoding": encoding})
        assert answer.status_code == 200
        assert b"PACK" in answer.content[:20]


def _bearer(place: Place) -> dict[str, str]:
    return {"Authorization": f"Bearer {place.ann}"}


def _post(
    place: Place, service: str, body: bytes | Iterator[bytes], headers: dict[str, str] | None = None
) -> httpx.Response:
    usual = {"Content-Type": f"application/x-{service}-request", **_bearer(place)}
    return httpx.post(f"{place.public_url}/{service}", content=body, headers={**usual, **(headers or {})}, timeout=30)


def test_one_byte_a_chunk_is_a_push(place: Place) -> None:
    """However a client cuts it, an empty push is taken."""
    answer = _post(place, "git-receive-pack", iter([bytes([byte]) for byte in FLUSH]))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/x-git-receive-pack-result"


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/info/refs", 400),
        ("GET", "/info/refs?service=git-upload-archive", 400),
        ("GET", "/info/refs?service=--help", 400),
        ("POST", "/info/refs?service=git-upload-pack", 405),
        ("GET", "/git-upload-pack", 405),
        ("PUT", "/git-receive-pack", 405),
        ("POST", "/git-upload-pack", 415),
        ("GET", "/objects/info/packs", 404),
        ("GET", "/HEAD", 404),
        ("GET", "/x/info/refs?service=git-upload-pack", 404),
    ],
)
def test_what_is_not_smart_is_refused(filled: Place, method: str, path: str, status: int) -> None:
    """The dumb protocol, other services, methods and bodies get a clear refusal, with or without a credential."""
    for headers in ({}, _bearer(filled)):
        answer = httpx.request(method, f"{filled.public_url}{path}", headers=headers)
        assert answer.status_code == status, answer.text
