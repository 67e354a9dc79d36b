"""The largest size of a repository, by the operator's setting."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from roadstead import app
from roadstead.domain.host import Host
from roadstead.domain.people.workspaces import create_workspace
from roadstead.storage.repositories import set_size
from tests.live import live_host
from tests.smart_http.conftest import Place, new_repository, tokens
from tests.smart_http.git_client import Work
from tests.smart_http.test_lfs import Large, ask, offered, stored

TOLD = "Repository is over the size limit (1 GB) and will not accept further additions."


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Yield a repository at a host that allows 1 GiB, and that measures none itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "maintain_repositories", _measure_none)
        with live_host(tmp_path_factory.mktemp("limited"), repository_limit=1) as host:
            ann, ben = host.work(tokens(["ann", "ben"]))
            host.work(lambda opened: create_workspace(opened, "acme", name="Acme", owner="ann"))
            yield Place(host, host.work(new_repository(ann, "acme")), ann, ben)


async def _measure_none(_: Host) -> None:
    await asyncio.Event().wait()


def _measured(place: Place, size: int) -> None:
    """Let the repository be of a size, as if it had been measured."""

    async def job(host: Host) -> None:
        async with host.store.database.transaction() as tx:
            await set_size(tx, place.repository.uuid, size)

    place.host.work(job)


def test_a_full_repository_takes_no_additions(limited: Place, work: Work) -> None:
    """git, the API and LFS say so and change nothing; what adds no objects goes through."""
    work.commit("a second")
    work.git("push", limited.url(), "main", "main:refs/heads/other")
    work.commit("a third")
    _measured(limited, 1 << 30)
    before = limited.refs()
    assert TOLD in work.git("push", limited.url(), "main", code=None)
    below = f"{limited.host.url}/2.0/repositories/{limited.repository.full_name}"
    refused = httpx.post(f"{below}/src", data={"a": "more"}, headers={"Authorization": f"Bearer {limited.ann}"})
    assert (refused.status_code, refused.json()["error"]["message"]) == (413, TOLD)
    refused = ask(limited, "upload", Large(b"more").named)
    assert (refused.status_code, TOLD in refused.json()["message"]) == (413, True)
    assert limited.refs() == before
    work.git("push", limited.url(), ":refs/heads/other")
    work.git("push", "--force", limited.url(), "HEAD~2:refs/heads/main")


def test_the_room_is_asked_for_again_when_an_object_comes(limited: Place) -> None:
    """Each of many objects may fit when their transfers are offered, and not all of them."""
    _measured(limited, (1 << 30) - 4)
    href, header = offered(ask(limited, "upload", Large(b"more").named), "upload")
    _measured(limited, (1 << 30) - 3)
    refused = httpx.put(href, content=b"more", headers=header)
    assert (refused.status_code, stored(limited)) == (413, [])
