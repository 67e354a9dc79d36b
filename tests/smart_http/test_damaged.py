"""A damaged repository, or one whose files are gone: its callers are told so, but not where the host has its files."""

from collections.abc import Callable

import httpx
import pytest

from tests.smart_http.conftest import Place
from tests.smart_http.git_client import Work

ADDRESSES = ["/commits", "/commit/main", "/src/main/", "/src/main/file", "/diff/main", "/diffstat/main", "/patch/main"]
ADDRESSES += ["/filehistory/main/file", "/merge-base/main..main", "/commits/main?path=file"]


def _gone(place: Place) -> None:
    place.folder.rename(place.folder.with_suffix(".away"))


def _damaged(place: Place) -> None:
    """Spoil each object, but not its beginning."""
    for file in (place.folder / "objects").rglob("*"):
        if file.is_file() and file.parent.name != "info":
            content = file.read_bytes()
            file.chmod(0o600)
            file.write_bytes(content[:20] + bytes(len(content) - 20))


def _answers(place: Place) -> dict[str, httpx.Response]:
    given = {"headers": {"Authorization": f"Bearer {place.ann}"}}
    api = f"/2.0/repositories/{place.repository.full_name}"
    found = {address: place.get(f"{api}{address}", **given) for address in ADDRESSES}
    return {**found, "archive": place.get(f"/{place.repository.full_name}/get/main.zip", **given)}


@pytest.mark.parametrize(
    ("break_it", "told"), [pytest.param(_gone, {503}, id="gone"), pytest.param(_damaged, {200, 503}, id="damaged")]
)
def test_what_cannot_be_read_is_said(
    place: Place, work: Work, break_it: Callable[[Place], None], told: set[int]
) -> None:
    """A 503, over the API and for an archive, without the host's paths. What is in memory is still answered."""
    work.git("push", place.url(), "main")
    break_it(place)
    found = _answers(place)
    assert {answer.status_code for answer in found.values()} == told, found
    assert [address for address, answer in found.items() if str(place.host.settings.data) in answer.text] == []


def test_a_damaged_head_is_said(place: Place, work: Work) -> None:
    """To a caller who forks, and to one who commits, as a damaged repository and not as an internal error."""
    work.git("push", place.url(), "main")
    before, head = place.refs(), place.folder / "HEAD"
    content = head.read_bytes()
    head.write_text("no branch\n", "ascii")
    headers = {"Authorization": f"Bearer {place.ann}"}
    api = f"{place.host.url}/2.0/repositories/{place.repository.full_name}"
    forked = httpx.post(f"{api}/forks", json={"name": "of-a-damaged-one"}, headers=headers)
    committed = httpx.post(f"{api}/src", data={"file": "new"}, headers=headers)
    head.write_bytes(content)
    assert (forked.status_code, committed.status_code, place.refs()) == (503, 503, before)
