"""The size of a repository: the bytes of its objects, those of LFS included, after each kind of change."""

import os
from dataclasses import replace
from functools import partial

import httpx

from roadstead.domain.access.credentials import find_token
from roadstead.domain.host import Host
from roadstead.domain.repositories.creation import import_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.git.sizes import size
from roadstead.model import Repository
from tests.smart_http.conftest import Place, wait_until
from tests.smart_http.git_client import Work
from tests.smart_http.test_lfs import Large, fork, upload


def _told(place: Place) -> int:
    answer = httpx.get(
        f"{place.host.url}/2.0/repositories/{place.repository.full_name}",
        headers={"Authorization": f"Bearer {place.ann}"},
    )
    told: int = answer.json()["size"]
    return told


def _on_disk(place: Place) -> int:
    """Return what the operating system says of git's objects."""
    return sum(file.stat().st_size for file in (place.folder / "objects").rglob("*") if file.is_file())


def test_the_size_follows_each_change(place: Place, work: Work) -> None:
    """After pushes, a commit over the API and an object of LFS, without another request; a new one has 0."""
    assert _told(place) == 0
    work.git("push", place.url(), "main")
    wait_until(lambda: _told(place) == _on_disk(place) > 0)
    work.commit("a second", content=os.urandom(50_000).hex())
    work.git("push", place.url(), "main")
    wait_until(lambda: _told(place) == _on_disk(place) > 50_000)
    below = f"{place.host.url}/2.0/repositories/{place.repository.full_name}"
    headers = {"Authorization": f"Bearer {place.ann}"}
    httpx.post(f"{below}/src", data={"a": os.urandom(20_000).hex()}, headers=headers).raise_for_status()
    wait_until(lambda: _told(place) == _on_disk(place) > 70_000)
    large = Large(b"of the test of sizes" * 100_000)
    upload(place, large)
    wait_until(lambda: _told(place) == _on_disk(place) + len(large.content))


def test_a_copy_has_its_size_from_the_beginning(place: Place, work: Work) -> None:
    """A fork shares the files of its parent, and they count in both; so do those of an import."""
    work.git("push", place.url(), "main")
    upload(place, Large(b"shared"))
    wait_until(lambda: _told(place) == _on_disk(place) + 6)
    copy = replace(place, repository=place.host.work(partial(fork, place)))
    assert _told(copy) == _on_disk(copy) + 6

    async def bring(host: Host) -> Repository:
        ann = await find_token(host, place.ann)
        assert ann is not None
        slug = f"copy-{place.repository.slug}"
        return await import_repository(host, ann, "acme-git", slug, RepositoryChanges(), work.folder)

    copy = replace(place, repository=place.host.work(bring))
    assert copy.repository.size == _told(copy) == _on_disk(copy) > 0


def test_what_is_being_written_does_not_count(place: Place) -> None:
    """Objects of a push that is not accepted yet are in a folder that git calls temporary."""
    quarantine = place.folder / "objects/tmp_objdir-incoming-x/pack"
    quarantine.mkdir(parents=True)
    (quarantine / "pack").write_bytes(b"x" * 1000)
    assert size(place.folder) == 0
