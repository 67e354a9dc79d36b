"""Lists of commits with messages of a megabyte: a page ends early, and `next` leads to the rest."""

from pathlib import Path

import pytest

from tests.api.stocked import Stocked, stocked, workspace, write
from tests.live import LiveHost

_COMMITS = 3


@pytest.fixture(scope="module")
def long(host: LiveHost, tmp_path_factory: pytest.TempPathFactory) -> Stocked:
    """Return a repository whose last commits have long messages."""
    folder: Path = tmp_path_factory.mktemp("long")
    made = stocked(host, folder / "work", "long", workspace(host, "long"))
    write(made.work, {"file": "0"})
    (folder / "message").write_text("Again and again. " * 40_000)
    for number in range(1, _COMMITS + 1):
        (made.work.folder / "file").write_text(str(number))
        made.work.git("commit", "--quiet", "--all", f"--file={folder / 'message'}")
    made.push()
    return made


@pytest.mark.parametrize(
    ("query", "whole"), [("", True), ("&exclude=main~3", False), ("&path=file", True)], ids=["all", "a range", "a path"]
)
def test_a_page_of_long_messages_ends_early(long: Stocked, query: str, *, whole: bool) -> None:
    """No page has many of them, and all pages together have each commit once, in git's order."""
    ids = long.git("rev-list", "main").split()
    target = f"{long.url}/commits/main?fields=values.hash,next&pagelen=100{query}".replace("main~3", ids[-1])
    pages: list[list[str]] = []
    while target:
        answer = long.send("GET", target.removeprefix(long.place.host.url)).json()
        pages.append([commit["hash"] for commit in answer["values"]])
        target = answer.get("next", "")
    assert [len(page) for page in pages] == ([2, 2] if whole else [2, 1])
    assert [id_ for page in pages for id_ in page] == (ids if whole else ids[:-1])
