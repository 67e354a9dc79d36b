"""Pages of commits, of generated repositories: whatever is asked, all pages together are what git lists."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.domain.repositories import history
from roadstead.domain.repositories.reading import Reading
from tests.git.generated import NAMES, Made, histories, repository
from tests.git.plain import git


class _Unlimited:
    """A repository that is read without a host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @asynccontextmanager
    async def process(self) -> AsyncIterator[None]:
        yield


async def _walk(reading: Reading, place: history.PageStart, length: int) -> list[str]:
    """Return the commits of all pages, each found by the address that the page before gave."""
    found: list[str] = []
    following: history.PageStart | None = place
    while following is not None:
        page = await history.page(reading, following, length)
        found += [commit.hash for commit in page.commits]
        following = page.next and history.start_of(history.text_of(page.next))
    return found


@pytest.mark.parametrize("most", [4, pytest.param(60, marks=pytest.mark.slow)])
@given(
    made=histories(),
    length=st.integers(1, 4),
    numbers=st.lists(st.integers(0, 99), min_size=2, max_size=3),
    path=st.sampled_from([b"", *NAMES]),
    excludes=st.booleans(),
)
def test_all_pages_are_what_git_lists(
    most: int, made: list[Made], length: int, numbers: list[int], path: bytes, excludes: bool
) -> None:
    """With and without exclusion and path; also where an address has no room for the open ends of the history."""
    with repository(made) as generated, pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "MOST_IDS", most)
        ids = [generated.ids[number % len(made)] for number in numbers]
        include, exclude = (ids[:-1], ids[-1:]) if excludes else (ids, [])
        reading = cast("Any", _Unlimited(generated.folder))
        place = history.beginning(reading, include, exclude, path)
        found = asyncio.run(_walk(reading, place, length))
        tips = [*include, *(f"^{id_}" for id_ in exclude)]
        wanted = git(
            generated.folder,
            "rev-list",
            *tips,
            "--",
            *([path.decode("utf-8", "surrogateescape")] if path else []),
            variables={"GIT_LITERAL_PATHSPECS": "1"},
        )
        assert found == wanted.decode().split()


@given(made=histories(clocks_go_wrong=True), length=st.integers(1, 4))
def test_a_branch_is_on_one_page(made: list[Made], length: int) -> None:
    """Where clocks went wrong, a branch can be older than one that it has merged: this is listed once all the same."""
    with repository(made) as generated:
        reading = cast("Any", _Unlimited(generated.folder))
        place = history.beginning(reading, generated.ids, [], b"")
        found = asyncio.run(_walk(reading, place, length))
        assert found == git(generated.folder, "rev-list", *generated.ids).decode().split()
