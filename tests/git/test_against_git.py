"""Reads of generated repositories say exactly what git says."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.git import ancestry, blobs, close, history, last_commits, objects, refs, trees
from tests.git.generated import Made, Repository, histories, repository
from tests.git.plain import git


def _lines(folder: Path, *arguments: str) -> list[str]:
    return git(folder, *arguments).decode().splitlines()


async def _pages(made: Repository, include: Sequence[str], exclude: Sequence[str], length: int) -> list[str]:
    found: list[str] = []
    after = None
    while True:
        page = await history.page(made.folder, include, exclude, length=length, after=after)
        found += [commit.hash for commit in page.commits]
        after = page.next
        if after is None:
            return found


SOME = st.lists(st.integers(0, 100), min_size=1, max_size=3)


def _chosen(made: Repository, numbers: list[int]) -> list[str]:
    return list(dict.fromkeys(made.ids[number % len(made.ids)] for number in numbers))


@given(histories(), SOME, st.integers(1, 5))
def test_pages_of_history(commits: list[Made], tips: list[int], length: int) -> None:
    """Page after page, commits come in the order of `git rev-list`, each once."""
    with repository(commits) as made:
        include = _chosen(made, tips)
        assert asyncio.run(_pages(made, include, [], length)) == _lines(made.folder, "rev-list", *include)


@pytest.mark.sample(1)
@pytest.mark.parametrize("clocks_go_wrong", [False, True])
@given(st.data())
def test_ranges_and_relations(clocks_go_wrong: bool, data: st.DataObject) -> None:
    """Ranges, merge bases, ahead and behind are git's, where commits have the same time and where clocks go wrong."""
    with repository(data.draw(histories(clocks_go_wrong=clocks_go_wrong))) as made:
        include, exclude = _chosen(made, data.draw(SOME)), _chosen(made, data.draw(SOME))
        wanted = _lines(made.folder, "rev-list", *include, "--not", *exclude)
        assert asyncio.run(_pages(made, include, exclude, data.draw(st.integers(1, 5)))) == wanted
        one, other = include[0], exclude[0]
        asyncio.run(_compare_relation(made.folder, one, other))


async def _compare_relation(folder: Path, one: str, other: str) -> None:
    bases = _lines(folder, "merge-base", "--all", one, other) if _related(folder, one, other) else []
    assert await ancestry.merge_base(folder, one, other) == (bases[0] if bases else None)
    assert await ancestry.is_ancestor(folder, one, other) == (_lines(folder, "rev-list", one, f"^{other}") == [])


def _related(folder: Path, one: str, other: str) -> bool:
    return bool(set(_lines(folder, "rev-list", one)) & set(_lines(folder, "rev-list", other)))


@given(histories())
def test_commits_and_refs(commits: list[Made]) -> None:
    """Each field of each commit is git's, and so is the list of branches."""
    form = "--format=%T%x00%P%x00%an%x00%ae%x00%ad%x00%cn%x00%ce%x00%cd%x00%B"
    with repository(commits) as made:
        for id_ in made.ids:
            found = objects.commit(made.folder, id_)
            said = git(made.folder, "log", "-1", "--no-show-signature", "--date=iso-strict", form, id_)
            tree, parents, *rest = said.decode("utf-8", "replace")[:-1].split("\0")
            assert (found.tree, " ".join(found.parents)) == (tree, parents)
            people = [(who.name, who.email, who.on.isoformat()) for who in (found.author, found.committer)]
            assert [*people[0], *people[1], found.message] == rest
        names = [ref.name for ref in asyncio.run(refs.read_all(made.folder, "refs/heads/"))]
        assert names == _lines(made.folder, "for-each-ref", "--format=%(refname)", "refs/heads")


@given(histories())
def test_trees_and_contents(commits: list[Made]) -> None:
    """Every entry of every folder has git's mode, id and content; and each path finds its own entry."""
    with repository(commits) as made:
        tip = made.ids[-1]
        tree = objects.commit(made.folder, tip).tree
        said = git(made.folder, "ls-tree", "-r", "-t", "-z", tip).split(b"\0")[:-1]
        wanted = {path: meta.split() for meta, _, path in (line.partition(b"\t") for line in said)}
        found = list(trees.walk(made.folder, tree, depth=9))
        assert {e.path: [b"%06o" % e.mode, e.id.encode()] for e in found} == {
            p: [m, i] for p, (m, _, i) in wanted.items()
        }
        assert len(found) == len(wanted)
        assert [trees.entry(made.folder, tree, entry.path) for entry in found] == found
        for entry, size in zip(found, trees.sizes(made.folder, found), strict=True):
            if entry.kind == "file":
                content = git(made.folder, "cat-file", "blob", entry.id)
                assert (blobs.content(made.folder, entry.id), size) == (content, len(content))
        names = git(made.folder, "ls-tree", "-z", "--name-only", tip).split(b"\0")[:-1]
        listed = trees.entries(made.folder, tree)
        is_folder = {entry.path: entry.kind == "folder" for entry in listed}
        assert [entry.path for entry in listed] == sorted(names, key=lambda name: not is_folder[name])
        assert [listed[place] for place in range(len(listed))] == listed[:] == list(listed)


@pytest.mark.sample(1)
@pytest.mark.parametrize("clocks_go_wrong", [False, True])
@given(st.data())
def test_last_commits(clocks_go_wrong: bool, data: st.DataObject) -> None:
    """The last commit of each entry is the one that `git log -1` with its path shows."""
    with repository(data.draw(histories(clocks_go_wrong=clocks_go_wrong))) as made:
        tip = made.ids[-1]
        tree = objects.commit(made.folder, tip).tree
        for folder in _folders(made, tree):
            paths = [entry.path for entry in trees.entries(made.folder, tree, folder)]
            names = [path.rpartition(b"/")[2] for path in paths]
            found = asyncio.run(last_commits.last_commits(made.folder, tip, folder, names))
            assert found == {name: _last(made.folder, tip, path) for name, path in zip(names, paths, strict=True)}


def _folders(made: Repository, tree: str) -> list[bytes]:
    return [b"", *(entry.path for entry in trees.walk(made.folder, tree, depth=9) if entry.kind == "folder")]


def _last(folder: Path, tip: str, path: bytes) -> str:
    return (
        git(
            folder,
            "log",
            "-1",
            "--format=%H",
            tip,
            "--",
            path.decode("utf-8", "surrogateescape"),
            variables={"GIT_LITERAL_PATHSPECS": "1"},
        )
        .decode()
        .strip()
    )


@pytest.fixture(autouse=True)
def closed() -> None:
    """Close what an earlier test opened: its folder is gone, and another may have the same name."""
    asyncio.run(close())
