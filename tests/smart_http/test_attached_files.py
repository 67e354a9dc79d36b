"""Exports and imports with the files of repositories: objects of git LFS, and files for downloading."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from roadstead.errors import InvalidInput, StorageUnusable
from roadstead.settings import Settings
from tests.exports import export_of, import_into, lines_of, packed
from tests.live import live_host
from tests.smart_http.conftest import Place
from tests.smart_http.test_lfs import Large, ask, offered, stored, upload

LARGE = Large(bytes(range(256)) * 3000)


@pytest.fixture
def filled(own_place: Place) -> Place:
    """Return a repository with an object of LFS and a download."""
    assert upload(own_place, LARGE).status_code == 200
    files = {"files": ("notes.txt", b"what is new")}
    httpx.post(_downloads(own_place), files=files, headers=_ann(own_place)).raise_for_status()
    return own_place


def _downloads(place: Place) -> str:
    return f"{place.host.url}/2.0/repositories/{place.repository.full_name}/downloads"


def _ann(place: Place) -> dict[str, str]:
    return {"Authorization": f"Bearer {place.ann}"}


def _files(data: Path) -> list[Path]:
    return [file for kind in ("lfs", "downloads") for file in (data / kind).rglob("*") if file.is_file()]


def test_files_travel_with_the_rows(filled: Place, tmp_path: Path) -> None:
    """At the new host, git-lfs and the links of downloads find them."""
    there = Settings(data=tmp_path / "there", base_url="http://localhost:1")
    import_into(there, export_of(filled.host.settings))
    with live_host(there.data) as host:
        place = replace(filled, host=host)
        href, header = offered(ask(place, "download", LARGE.named), "download")
        assert httpx.get(href, headers=header).content == LARGE.content
        found = httpx.get(f"{_downloads(place)}/notes.txt", headers=_ann(place), follow_redirects=True)
        assert found.content == b"what is new"


def _headings(lines: list[Any]) -> list[int]:
    """Return where the files begin: first the object of LFS, of which all pieces follow, then the download."""
    return [place for place, line in enumerate(lines) if isinstance(line, dict) and "file" in line]


def _another_byte(lines: list[Any]) -> None:
    place = _headings(lines)[0] + 1
    lines[place] = ("B" if lines[place][0] == "A" else "A") + lines[place][1:]


def _another_object(lines: list[Any]) -> None:
    first, second = _headings(lines)
    lines[first + 1 : second] = ["YQ==", {"sha256": hashlib.sha256(b"a").hexdigest()}]
    lines[first]["size"] = 1


def _another_download(lines: list[Any]) -> None:
    lines[_headings(lines)[1] + 1] = "d2hhdCBpcyBvbGQ="


def _another_size(lines: list[Any]) -> None:
    lines[_headings(lines)[1]]["size"] += 1


def _no_end(lines: list[Any]) -> None:
    del lines[-2]


def _no_heading(lines: list[Any]) -> None:
    del lines[_headings(lines)[1]]


def _no_base64(lines: list[Any]) -> None:
    lines[_headings(lines)[1] + 1] = "nothing of that kind"


def _renamed(**members: str) -> Callable[[list[Any]], None]:
    def harm(lines: list[Any]) -> None:
        lines[_headings(lines)[1]].update(members)

    return harm


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "harm",
    [
        _another_byte,
        _another_object,
        _another_download,
        _another_size,
        _no_end,
        _no_heading,
        _no_base64,
        _renamed(file="git"),
        _renamed(name="../../../elsewhere"),
        _renamed(name="0" * 64),
        _renamed(repository="../../elsewhere"),
        _renamed(repository="{3f2c6d9e-0000-4000-8000-000000000001}"),
    ],
    ids=["byte", "object", "download", "size", "end", "heading", "base64", "kind", "name", "row", "uuid", "repository"],
)
def test_a_damaged_file_changes_nothing(filled: Place, tmp_path: Path, harm: Callable[[list[Any]], None]) -> None:
    """The import says what is wrong, and leaves neither rows nor files; the whole export can be imported then."""
    exported = lines_of(export_of(filled.host.settings))
    damaged = [line.copy() if isinstance(line, dict) else line for line in exported]
    harm(damaged)
    there = Settings(data=tmp_path / "there", base_url="http://localhost:1")
    with pytest.raises(InvalidInput, match=r"damaged|not those of its rows"):
        import_into(there, packed(damaged))
    assert _files(there.data) == []
    import_into(there, packed(exported))
    assert len(_files(there.data)) == 2


def test_a_damaged_object_is_found_by_the_export(filled: Place) -> None:
    """A backup that could not be imported is not written."""
    stored(filled)[0].write_bytes(b"x" + LARGE.content[1:])
    with pytest.raises(StorageUnusable, match=LARGE.oid):
        export_of(filled.host.settings)


def test_a_download_that_was_deleted_meanwhile_is_left_out(filled: Place) -> None:
    """Its row is in the snapshot; the export goes on without the file."""
    (file,) = (file for file in _files(filled.host.settings.data) if "downloads" in file.parts)
    file.unlink()
    assert len(_headings(lines_of(export_of(filled.host.settings)))) == 1
