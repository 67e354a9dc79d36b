"""Exports and imports with repositories: the database and the files of one moment, and nothing of a damaged file."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roadstead.errors import InvalidInput
from roadstead.git.folders import Folders
from roadstead.settings import Settings
from tests.conftest import NewDatabase
from tests.exports import export_of, import_into, lines_of, packed
from tests.live import live_host
from tests.smart_http.conftest import Place, new_repository
from tests.smart_http.git_client import Work, git


def _there(tmp_path: Path, url: str | None) -> Settings:
    return Settings(data=tmp_path / "there", base_url="http://localhost:1", database_url=url)


def test_repositories_travel_while_pushes_go_on(
    own_place: Place, work: Work, tmp_path: Path, new_database: NewDatabase
) -> None:
    """At the new host, git clones what was pushed, whole, with the mirror right; a next push works."""
    empty = own_place.host.work(new_repository(own_place.ann, "acme"))
    work.git("tag", "-a", "v1", "-m", "one")
    work.git("notes", "add", "-m", "a note")
    work.git("push", own_place.url(), "main", "v1", "refs/notes/commits")
    stop, pushed = threading.Event(), [work.head()]

    def push() -> None:
        while not stop.is_set():
            pushed.append(work.commit(f"number {len(pushed)}"))
            work.git("push", own_place.url(), "main")

    pusher = threading.Thread(target=push)
    pusher.start()
    while len(pushed) < 2:
        stop.wait(0.01)
    exported = export_of(own_place.host.settings)
    stop.set()
    pusher.join()

    there = _there(tmp_path, new_database())
    import_into(there, exported)
    with live_host(there.data, database_url=there.database_url) as host:
        place = replace(own_place, host=host)
        assert place.is_whole()
        assert place.refs()["refs/heads/main"] in pushed
        assert {"refs/tags/v1", "refs/notes/commits"} < place.refs().keys()
        assert git("clone", "--quiet", place.url(), str(tmp_path / "clone")).returncode == 0
        assert replace(place, repository=empty).is_whole()
        work.git("push", place.url(), "main")
        assert place.refs()["refs/heads/main"] == work.head()


def _piece(lines: list[Any]) -> int:
    return next(place for place, line in enumerate(lines) if isinstance(line, str))


def _cut(lines: list[Any]) -> None:
    lines[-2] = lines[-2][: len(lines[-2]) // 8 * 4]


def _no_base64(lines: list[Any]) -> None:
    lines[_piece(lines)] = "nothing of that kind"


def _no_bundle(lines: list[Any]) -> None:
    lines[_piece(lines)] = "bm90aGluZw=="


def _no_heading(lines: list[Any]) -> None:
    del lines[_piece(lines) - 1]


def _not_among_the_rows(lines: list[Any]) -> None:
    del lines[_piece(lines) - 1 : -1]


def _one_more_than_the_rows(lines: list[Any]) -> None:
    lines.insert(-1, {"repository": "{3f2c6d9e-0000-4000-8000-000000000001}", "head": "main"})


def _no_uuid(lines: list[Any]) -> None:
    lines[_piece(lines) - 1]["repository"] = "../../elsewhere"


def _no_branch(lines: list[Any]) -> None:
    lines[_piece(lines) - 1]["head"] = "a..b"


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "harm",
    [_cut, _no_base64, _no_bundle, _no_heading, _not_among_the_rows, _one_more_than_the_rows, _no_uuid, _no_branch],
)
def test_a_damaged_repository_changes_nothing(
    own_place: Place, work: Work, tmp_path: Path, harm: Callable[[list[Any]], None]
) -> None:
    """The import says what is wrong, and leaves neither rows nor folders; the whole file can be imported then."""
    work.git("push", own_place.url(), "main")
    exported = lines_of(export_of(own_place.host.settings))
    damaged = [line.copy() if isinstance(line, dict) else line for line in exported]
    harm(damaged)
    there = _there(tmp_path, None)
    with pytest.raises(InvalidInput, match=r"damaged|not those of its rows"):
        import_into(there, packed(damaged))
    assert [*Folders(there.data).uuids()] == []
    assert [*(there.data / "git").glob("tmp/*")] == []
    import_into(there, packed(exported))
    assert [*Folders(there.data).uuids()] == [own_place.folder.stem]
