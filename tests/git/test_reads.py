"""Reads of repositories that are made by hand: what is odd, large, hostile or not there."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from roadstead.errors import Conflict, GitFailed, GitLimit, InvalidInput, NotFound
from roadstead.git import ancestry, blobs, commit_range, history, last_commits, objects, refs, revisions, trees
from roadstead.git.opened import Opened
from roadstead.git.refs import RefChanged
from roadstead.pushed import NO_OBJECT, RefChange
from tests.git.plain import commit, git, is_left, repository

NOTHING = "0" * 40


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with a file, a tag of each kind and two branches."""
    folder = repository(tmp_path_factory.mktemp("template") / "work")
    commit(folder, one="1\n")
    git(folder, "tag", "light")
    git(folder, "tag", "-a", "heavy", "-m", "A release")
    git(folder, "tag", "-a", "of-a-tag", "-m", "Again", "heavy")
    git(folder, "branch", "topic/one")
    return folder


@pytest.fixture
def work(template: Path, tmp_path: Path) -> Path:
    """Return a copy, which costs less than git does."""
    return shutil.copytree(template, tmp_path / "work")


@pytest.fixture
def folder(work: Path) -> Path:
    return work / ".git"


def _id(folder: Path, name: str) -> str:
    return git(folder, "rev-parse", name).decode().strip()


def _written(folder: Path, kind: str, content: bytes) -> str:
    return git(folder, "hash-object", "-w", "--literally", "--stdin", "-t", kind, stdin=content).decode().strip()


# Objects

_TREE = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("author", "name", "email", "moment"),
    [
        (b"Ada <ada@example.com> 1790000000 +0530", "Ada", "ada@example.com", "2026-09-21T19:43:20+05:30"),
        (b"Ada <ada@example.com> 1790000000 -0330", "Ada", "ada@example.com", "2026-09-21T10:43:20-03:30"),
        (b"Ada<ada@example.com> 5 +0000", "Ada", "ada@example.com", "1970-01-01T00:00:05+00:00"),
        (b"<> 0 +0000", "", "", "1970-01-01T00:00:00+00:00"),
        (b"Ada <ada@example.com>", "Ada", "ada@example.com", "1970-01-01T00:00:00+00:00"),
        (b"A <a> b> 7 +0000", "A", "a", "1970-01-01T00:00:07+00:00"),
        (b"Ada <a> " + b"9" * 5000 + b" +0000", "Ada", "a", "1970-01-01T00:00:00+00:00"),
        (b"Ada <a> yesterday noon", "Ada", "a", "1970-01-01T00:00:00+00:00"),
        (b"nobody", "nobody", "", "1970-01-01T00:00:00+00:00"),
        (b"Ada <a> 99999999999999999 +9999", "Ada", "a", "9999-12-30T00:00:00+00:00"),
        (b"Caf\xe9 <a> 0 +0000", "Caf\N{REPLACEMENT CHARACTER}", "a", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_authors_that_git_accepts_are_read(folder: Path, author: bytes, name: str, email: str, moment: str) -> None:
    """A commit whose author is odd, in old histories or a hostile one, is read all the same."""
    id_ = _written(folder, "commit", _TREE + b"author " + author + b"\ncommitter " + author + b"\n\nx")
    found = objects.commit(folder, id_).author
    assert (found.name, found.email, found.on.isoformat()) == (name, email, moment)
    assert (found.on_in_utc, found.on_in_utc.utcoffset()) == (found.on, timedelta())
    page = asyncio.run(history.page(folder, [id_]))
    assert [each.hash for each in page.commits] == [id_]


def test_a_commit_has_its_author_and_its_committer(folder: Path) -> None:
    """Who wrote it, and who committed it later."""
    people = b"author Ada <ada@a> 1 +0000\ncommitter %b <ada@a> %d +0000\n\nx"
    for name, seconds in (("Ben", 1), ("Ada", 2), ("Ada", 1)):
        data = _TREE + people % (name.encode(), seconds)
        found = objects.commit(folder, _written(folder, "commit", data))
        assert (found.author.name, found.author.seconds) == ("Ada", 1)
        assert (found.committer.name, found.committer.seconds) == (name, seconds)


LONGEST = {
    "main/a/b/c": ("main", 1),
    "topic/one/a/b": ("topic/one", 2),
    "topic/a": None,
    "main/release/a/b": ("tags/main/release", 2),
    "topic/one/of/a/file/b": ("topic/one", 2),
    "light/a": ("light", 1),
    "heavy": ("heavy^{commit}", 1),
    "refs/heads/topic/one/a": ("topic/one", 4),
    "refs/tags/main/release/a": ("tags/main/release", 4),
    "HEAD/a": ("HEAD", 1),
}
"""The beginnings of addresses, with the names that they begin with, and how many parts each has."""


def test_the_longest_name_is_found_at_the_beginning_of_an_address(folder: Path) -> None:
    """A branch, a tag of a commit, or a whole name; a tag that is longer comes before a branch."""
    git(folder, "tag", "main/release", commit(folder.parent, two="2"))
    git(folder, "tag", "topic/one/of/a/file", "main:one")
    git(folder, "update-ref", "refs/heads/main", "main~1")
    for address, expected in LONGEST.items():
        found = None if expected is None else (_id(folder, expected[0]), expected[1])
        assert revisions.find_longest(folder, address.split("/")) == found, address
    id_ = _id(folder, "main")
    assert revisions.find_longest(folder, [id_.upper(), "a"]) == (id_, 1)
    assert revisions.find_longest(folder, [id_[:9], "a"]) == (id_, 1)


def test_messages_are_in_the_encoding_that_they_name(folder: Path) -> None:
    """A commit in Latin-1 is decoded; one in another encoding than systems have is taken for UTF-8."""
    people = b"author A <a> 0 +0000\ncommitter A <a> 0 +0000\n"
    for encoding, message, text in [
        (b"ISO-8859-1", b"caf\xe9", "café"),
        (b"no-such", "café".encode(), "café"),
        (b"\xff", b"plain", "plain"),
        # Python's own: one makes what is no text, one fails, one takes hours for a megabyte.
        (b"unicode_escape", rb"\ud800", r"\ud800"),
        (b"idna", "café".encode(), "café"),
        (b"punycode", b"caf-dma", "caf-dma"),
    ]:
        data = _TREE + people + b"encoding " + encoding + b"\ngpgsig -----BEGIN\n author Eve <eve>\n\n" + message
        found = objects.commit(folder, _written(folder, "commit", data))
        assert (found.message, found.author.name) == (text, "A")


def test_tags_have_what_they_say(folder: Path) -> None:
    """An annotated tag has its target and tagger; what a tag of a tag leads to is a commit."""
    found = objects.tag(folder, _id(folder, "of-a-tag"))
    assert (found.name, found.kind, found.target) == ("of-a-tag", "tag", _id(folder, "heavy"))
    assert found.tagger is not None
    assert (found.tagger.raw, found.message) == ("Ada Harbour <ada@example.com>", "Again\n")
    assert objects.commit_behind(folder, found.hash) == _id(folder, "main")
    assert objects.commit_behind(folder, _id(folder, "main^{tree}")) is None


@pytest.mark.sample(2)
@pytest.mark.parametrize("id_", [NOTHING, "0" * 39, "", "x" * 40, "HEAD", "--help", "\0" * 40])
def test_what_is_no_object_is_not_found(folder: Path, id_: str) -> None:
    """An id of nothing, a part of one and a text are not there, for every reader."""
    reads: list[Callable[[], object]] = [
        lambda: objects.commit(folder, id_),
        lambda: objects.tag(folder, id_),
        lambda: trees.entries(folder, id_),
        lambda: blobs.size(folder, id_),
        lambda: asyncio.run(history.page(folder, [id_])),
        lambda: asyncio.run(ancestry.merge_base(folder, _id(folder, "main"), id_)),
    ]
    for read in reads:
        with pytest.raises(NotFound):
            read()
    assert objects.kind_of(folder, id_) is None


def test_the_beginning_of_an_id_is_no_id(folder: Path) -> None:
    """The library takes a few digits for an object; readers do not, so that nothing has two ids."""
    beginning = _id(folder, "main")[:10]
    assert objects.kind_of(folder, beginning) is None
    with pytest.raises(NotFound):
        objects.commit(folder, beginning)


def test_an_object_of_another_kind_is_not_found(folder: Path) -> None:
    """A tree is no commit, and a commit no file."""
    with pytest.raises(NotFound):
        objects.commit(folder, _id(folder, "main^{tree}"))
    with pytest.raises(NotFound):
        blobs.size(folder, _id(folder, "main"))
    with pytest.raises(NotFound):
        trees.entries(folder, _id(folder, "main"))


# Revisions


@pytest.mark.parametrize("name", ["main", "topic/one", "light", "heavy", "of-a-tag", "HEAD", "refs/heads/main"])
def test_names_are_found(folder: Path, name: str) -> None:
    """A branch, a tag of either kind and a whole name lead to their commit; so do an id and its beginning."""
    wanted = _id(folder, "main")
    for revision in (name, wanted, wanted[:7], wanted.upper(), _id(folder, "heavy")):
        assert revisions.find(folder, revision) == wanted


@pytest.mark.sample(8)
@pytest.mark.parametrize(
    "revision",
    ["", "no", "main~0", "main^{commit}", "@", "-1", "--all", "../main", "main\0", "\udcff", "abc", NOTHING, "0000000",
     ":one", "main:one", "heads/main", "packed-refs", "config", "a" * 5000],
)  # fmt: skip
def test_other_texts_name_nothing(folder: Path, revision: str) -> None:
    """Expressions, options, paths and other text are no revision."""
    assert revisions.find(folder, revision) is None


def test_a_branch_comes_before_a_tag_and_both_before_a_beginning(work: Path, folder: Path) -> None:
    """A name that is several things is the branch; a branch that looks like an id's beginning is the branch."""
    first = _id(folder, "main")
    second = commit(work, two="2")
    git(work, "tag", "both", first)
    git(work, "branch", "both", second)
    git(work, "branch", first[:7], second)
    assert revisions.find(folder, "both") == second
    assert revisions.find(folder, first[:7]) == second


# History


@pytest.mark.parametrize("after", ["", "x", "!!!!", "AAAA", "a" * 27 + "b", "-1", "9" * 30, "é", "A" * 27])
def test_a_forged_next_is_refused(folder: Path, after: str) -> None:
    """What is no continuation of a list is the caller's mistake, whichever kind of list it is."""
    tip = _id(folder, "main")
    with pytest.raises((InvalidInput, NotFound)):
        asyncio.run(history.page(folder, [tip], after=after))
    with pytest.raises(InvalidInput):
        asyncio.run(history.page(folder, [tip], [tip], after=after))


def test_long_ranges_and_distant_relations_are_gits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the own walk gives up, git's answer is the same, page by page."""
    lines = [b"commit refs/heads/long\ncommitter A <a> %d +0000\ndata 0\n" % number for number in range(1, 40)]
    git(folder, "fast-import", "--quiet", stdin=b"".join(lines))
    monkeypatch.setattr(commit_range, "_MOST_VISITED", 10)
    monkeypatch.setattr(ancestry, "_MOST_VISITED", 10)
    tip, base = _id(folder, "long"), _id(folder, "long~30")
    wanted = git(folder, "rev-list", tip, f"^{base}").decode().split()
    first = asyncio.run(history.page(folder, [tip], [base], length=20))
    last = asyncio.run(history.page(folder, [tip], [base], length=20, after=first.next))
    assert [each.hash for each in (*first.commits, *last.commits)] == wanted
    assert last.next is None
    assert asyncio.run(ancestry.merge_base(folder, tip, base)) == base
    assert asyncio.run(ancestry.merge_base(folder, tip, _id(folder, "main"))) is None


def test_a_commit_of_the_same_second_is_on_one_page(folder: Path) -> None:
    """One that was shown before its child, which only a commit of the page before leads to."""
    tree = _id(folder, "main^{tree}")

    def made(*parents: str) -> str:
        named = (argument for parent in parents for argument in ("-p", parent))
        return git(folder, "commit-tree", tree, "-m", "x", *named).decode().strip()

    first = made(made())
    tip = made(first, made(first))
    page = asyncio.run(history.page(folder, [tip], length=2))
    following = asyncio.run(history.page(folder, [tip], after=page.next))
    shown = [each.hash for each in (*page.commits, *following.commits)]
    assert shown == git(folder, "rev-list", tip).decode().split()


def test_replaced_commits_are_not_shown(work: Path, folder: Path) -> None:
    """A user who can push `refs/replace/…` cannot change what others see."""
    first, second = _id(folder, "main"), commit(work, two="2")
    git(work, "replace", second, first)
    page = asyncio.run(history.page(folder, [second], [first]))
    assert [each.hash for each in page.commits] == [second]
    assert objects.commit(folder, second).parents == (first,)
    assert asyncio.run(refs.read_all(folder, "refs/replace/"))[0].commit == first


# Trees and files


@pytest.mark.parametrize(
    "path", [b"two", b"one/x", b"/one", b"one/", b"./one", b"../one", b"one\0", b"\xff", b".git/HEAD"]
)
def test_paths_that_are_not_there(folder: Path, path: bytes) -> None:
    """A path is names between slashes, each of which is an entry; nothing else is looked for on any disk."""
    with pytest.raises(trees.NoSuchPath):
        trees.entry(folder, _id(folder, "main^{tree}"), path)
    with pytest.raises(trees.NoSuchPath):
        trees.entries(folder, _id(folder, "main^{tree}"), path)


def test_a_bomb_of_folders_is_bounded(folder: Path) -> None:
    """Folders that are all the same, so that some kilobytes have as many paths as one likes, are not all listed."""
    tree = _written(folder, "blob", b"x")
    kind = b"100644"
    for _ in range(5):
        entries = b"".join(kind + b" %d\0" % name + bytes.fromhex(tree) for name in range(10))
        tree, kind = _written(folder, "tree", entries), b"40000"
    with pytest.raises(GitLimit):
        list(trees.walk(folder, tree, depth=20, most=5000))
    assert len(list(trees.walk(folder, tree, depth=3, most=5000))) == 1110


def test_large_files_come_in_pieces(work: Path, folder: Path) -> None:
    """A file that is too large for one read comes from git, whole or in part, and so does a small one."""
    content = os.urandom(3 << 20)
    (work / "large").write_bytes(content)
    commit(work)
    ids = {name: trees.entry(folder, _id(folder, "main^{tree}"), name).id for name in (b"large", b"one")}

    async def read(name: bytes, start: int = 0, end: int | None = None) -> bytes:
        return b"".join([piece async for piece in blobs.pieces(folder, ids[name], start=start, end=end)])

    assert asyncio.run(read(b"large")) == content
    for start, end in [(0, 1), (1_000_000, 2_000_001), (3 << 20, None), (5, 5), (3_000_000, 99_000_000)]:
        assert asyncio.run(read(b"large", start, end)) == content[start:end]
    assert asyncio.run(read(b"one", 1)) == b"\n"
    assert blobs.size(folder, ids[b"large"]) == len(content)


def test_a_reader_that_stops_ends_git(work: Path, folder: Path, started: "list[subprocess.Popen[bytes]]") -> None:
    """When the client goes away in the middle of a file, its process goes, too."""
    (work / "large").write_bytes(os.urandom(3 << 20))
    commit(work)
    blob = trees.entry(folder, _id(folder, "main^{tree}"), b"large").id

    async def begin() -> None:
        reading = blobs.pieces(folder, blob)
        await anext(reading)
        await reading.aclose()

    asyncio.run(begin())
    assert [is_left(process) for process in started] == [False]


def test_last_commits_end_in_time(work: Path, folder: Path) -> None:
    """An entry that has not changed for longer than is looked at is left out."""
    for number in range(5):
        newest = commit(work, two=str(number))
    found = asyncio.run(last_commits.last_commits(folder, newest, b"", [b"one", b"two", b"none"], most=3))
    assert found == {b"two": newest}


def test_entries_reach_a_commit_on_two_ways(work: Path, folder: Path) -> None:
    """Each of two entries is as in another parent of a merge, and neither has changed since the fork."""
    fork = commit(work, one="a", two="a")
    git(work, "checkout", "--quiet", "-b", "one")
    sides = [commit(work, one="b")]
    git(work, "checkout", "--quiet", "-b", "two", fork)
    sides += [commit(work, two="b")]
    tree = _id(folder, f"{fork}^{{tree}}")
    merge = git(folder, "commit-tree", tree, "-p", sides[0], "-p", sides[1], "-m", "Take neither").decode().strip()
    found = asyncio.run(last_commits.last_commits(folder, merge, b"", [b"one", b"two"]))
    assert found == {b"one": fork, b"two": fork}


# Refs


def test_refs_change_together_or_not_at_all(folder: Path) -> None:
    """Refs are made, moved and deleted in one step; if one is not as expected, none changes."""
    tip = _id(folder, "main")
    other = _written(folder, "commit", _TREE + b"author A <a> 0 +0000\ncommitter A <a> 0 +0000\n\nx")
    changes = [
        RefChange(NO_OBJECT, tip, "refs/heads/new"),
        RefChange(tip, other, "refs/heads/main"),
        RefChange(tip, NO_OBJECT, "refs/tags/light"),
    ]
    before = asyncio.run(refs.read_all(folder))
    for wrong in (RefChange(other, NO_OBJECT, "refs/heads/topic/one"), RefChange(NO_OBJECT, tip, "refs/heads/main/x")):
        with pytest.raises(RefChanged):
            asyncio.run(refs.update(folder, [*changes[:1], wrong]))
    with pytest.raises(RefChanged, match="refs/heads/new has changed"):
        asyncio.run(refs.update(folder, [RefChange(tip, other, "refs/heads/new")]))
    assert asyncio.run(refs.read_all(folder)) == before
    asyncio.run(refs.update(folder, changes))
    after = {ref.name: ref.target for ref in asyncio.run(refs.read_all(folder, "refs/heads/", "refs/tags/"))}
    assert after["refs/heads/new"] == tip
    assert after["refs/heads/main"] == other
    assert "refs/tags/light" not in after
    assert (folder / "logs/refs/heads/new").exists()


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    "name",
    ["main", "HEAD", "refs/heads/", "refs/heads/a..b", "refs/heads/a b", "refs/heads/-x\n", "../x", "refs/heads/a.lock",
     "--stdin", "refs/heads/\0x", "refs/heads/x\0y"],
)  # fmt: skip
def test_names_that_git_does_not_take_are_refused(folder: Path, name: str) -> None:
    """What is no whole name of a branch or tag changes nothing."""
    with pytest.raises(InvalidInput):
        asyncio.run(refs.update(folder, [RefChange(NO_OBJECT, _id(folder, "main"), name)]))
    with pytest.raises(InvalidInput):
        asyncio.run(refs.set_head(folder, name))


def test_head_names_a_branch(folder: Path) -> None:
    """HEAD is changed to a branch that need not exist."""
    assert refs.head(folder) == "refs/heads/main"
    asyncio.run(refs.set_head(folder, "refs/heads/later"))
    assert refs.head(folder) == "refs/heads/later"


# Open repositories


def _is_in_use(folder: Path) -> bool:
    return str(folder) in Path("/proc/self/maps").read_text()


def test_the_repository_unused_longest_is_closed(tmp_path: Path) -> None:
    """With more than so many, one is closed, and its files with it; what was used last stays open."""
    opened = Opened(most=2)
    folders = [repository(tmp_path / name) / ".git" for name in "abc"]
    tips = [commit(folder.parent, one="1") for folder in folders]
    for folder, tip in zip(folders, tips, strict=True):
        git(folder, "repack", "-adq")
        opened.repository(folder).odb.read(tip)
    assert [_is_in_use(folder) for folder in folders] == [False, True, True]
    assert opened.repository(folders[1]) is opened.repository(folders[1])


def test_each_thread_has_its_own_repositories(folder: Path) -> None:
    """One that closes all, as a host does that stops beside another, frees nothing that another thread reads."""
    opened = Opened()
    first = opened.repository(folder)
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(opened.repository, folder).result() is not first
        thread.submit(asyncio.run, opened.close_all()).result()
    assert opened.repository(folder) is first


def test_a_repository_is_opened_again_after_its_packs_changed(folder: Path) -> None:
    """A repository that was read does not keep deleted packs on the disk; after a time it is opened anew anyway."""
    opened = Opened()
    git(folder, "repack", "-adq")
    first = opened.repository(folder)
    first.odb.read(_id(folder, "main"))
    assert opened.repository(folder) is first
    git(folder, "commit-tree", "-m", "x", _id(folder, "main^{tree}"))
    git(folder, "repack", "-adq", "--write-bitmap-index")
    assert opened.repository(folder) is not first
    assert Opened(seconds=-1).repository(folder) is not None
    passing = Opened(seconds=-1)
    assert passing.repository(folder) is not passing.repository(folder)


def test_what_is_too_old_is_closed_though_nobody_asks_for_it(tmp_path: Path) -> None:
    """The files of a deleted repository do not stay on the disk: opening another closes it."""
    opened = Opened(seconds=-1)
    first, second = (repository(tmp_path / name) / ".git" for name in "ab")
    tip = commit(first.parent, one="1")
    git(first, "repack", "-adq")
    opened.repository(first).odb.read(tip)
    opened.repository(second)
    assert not _is_in_use(first)


def test_a_missing_repository_says_so(tmp_path: Path) -> None:
    """A folder that is not there, or is no repository, is a failure that can be shown."""
    for folder in (tmp_path / "none", tmp_path):
        (tmp_path / "objects/pack").mkdir(parents=True, exist_ok=True)
        with pytest.raises(GitFailed):
            Opened().repository(folder)


def test_an_update_is_a_conflict() -> None:
    """A front door answers 409 when a ref has changed meanwhile."""
    assert issubclass(RefChanged, Conflict)
