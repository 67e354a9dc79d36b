"""Pages of files of git LFS: of what git has as a pointer, the object."""

import hashlib
from pathlib import Path

from roadstead.domain.host import Host
from roadstead.domain.repositories.stored_files import lfs_objects_in
from roadstead.storage.repositories import find_repository
from tests.smart_http.git_client import new_work
from tests.web.acme import Acme
from tests.web.reading import main_text
from tests.web.repositories import new_repository, push

CONTENT = bytes(range(256)) * 300
DIGEST = hashlib.sha256(CONTENT).hexdigest()
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{DIGEST}\nsize {len(CONTENT)}\n"


def _store(acme: Acme, slug: str) -> None:
    """Give a repository the object."""

    async def uuid(host: Host) -> str:
        found = await find_repository(host.store.database, "acme", slug)
        assert found is not None
        return found.uuid

    place = lfs_objects_in(acme.host.settings.data).path(acme.host.work(uuid), DIGEST)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(CONTENT)


def test_a_file_of_git_lfs_is_its_object(acme: Acme, tmp_path: Path) -> None:
    """Its page has the size of the object, and the address of its content gives the object once that is there."""
    new_repository(acme, "art")
    work = new_work(tmp_path / "art")
    work.commit(file="wave.png", content=POINTER)
    push(acme, work, "art", "main")
    raw, browser = "/acme/art/raw/main/wave.png", acme("owner")
    assert browser.get(raw).text == POINTER
    _store(acme, "art")
    answer = browser.get(raw)
    assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, "image/png", CONTENT)
    assert browser.get(raw, headers={"Range": "bytes=-2"}).content == b"\xfe\xff"
    shown = main_text(browser.get("/acme/art/src/main/wave.png"))
    assert "A file of git LFS" in shown
    assert "75.0 KiB" in shown
    assert DIGEST not in shown
