"""Commits that are written here are those that git would write, and none has what git would refuse."""

import asyncio
import errno
import os
import shutil
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.errors import GitFailed, InvalidInput, NotFound
from roadstead.git import close, disk, objects, writing
from roadstead.git.file_names import segments_of
from roadstead.git.objects import Signature
from roadstead.git.refs import update
from roadstead.git.tree_format import FILE, LINK, PROGRAM
from roadstead.git.writing import FileWrite, write_commit, write_tag, write_tree
from roadstead.pushed import NO_OBJECT, RefChange
from tests.git.plain import commit, git, repository

ADA = Signature("Ada Harbour", "ada@example.com", 1_790_000_000, 120)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = repository(tmp_path_factory.mktemp("template") / "work")
    for name in ("dir", "dir/deep", "other"):
        (folder / name).mkdir()
    commit(folder, **{"a": "1\n", "dir/b": "2\n", "dir/deep/c": "3\n", "other/only": "4\n"})
    return folder


@pytest.fixture
def work(template: Path, tmp_path: Path) -> Path:
    """Return a copy, which costs less than git does."""
    return shutil.copytree(template, tmp_path / "work")


def _listing(folder: Path, tree: str) -> dict[str, str]:
    lines = git(folder, "ls-tree", "-r", "-z", tree).decode("utf-8", "surrogateescape").split("\0")[:-1]
    return {path: meta[:6] for meta, path in (line.split("\t", 1) for line in lines)}


def _write(work: Path, *files: FileWrite, base: str | None = "HEAD") -> str:
    tree = git(work, "rev-parse", f"{base}^{{tree}}").decode().strip() if base else None
    return asyncio.run(write_tree(work / ".git", tree, files))


PLAIN = {"a": "100644", "dir/b": "100644", "dir/deep/c": "100644", "other/only": "100644"}


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("files", "changed"),
    [
        ([], {}),
        ([FileWrite(b"new", b"x")], {"new": "100644"}),
        ([FileWrite(b"dir/deep/er/x", b"x", PROGRAM)], {"dir/deep/er/x": "100755"}),
        ([FileWrite(b"a", b"target", LINK), FileWrite(b"dir.txt", b"")], {"a": "120000", "dir.txt": "100644"}),
        ([FileWrite(b"other/only", None)], {"other/only": None}),
        ([FileWrite(b"other/only", None), FileWrite(b"other2", b"x")], {"other/only": None, "other2": "100644"}),
        ([FileWrite(b"caf\xe9", b"\xff\0")], {"caf\udce9": "100644"}),
    ],
)
def test_a_tree_is_what_git_would_write(work: Path, files: list[FileWrite], changed: dict[str, str | None]) -> None:
    """Files come, change and go, folders with them; git finds no fault and the same tree in its own index."""
    tree = _write(work, *files)
    expected = {name: mode for name, mode in {**PLAIN, **changed}.items() if mode is not None}
    assert _listing(work, tree) == expected
    git(work, "read-tree", tree)
    assert git(work, "write-tree").decode().strip() == tree
    for file in files:
        if file.content is not None:
            assert git(work, "cat-file", "blob", f"{tree}:{os.fsdecode(file.path)}") == file.content


def test_what_does_not_reach_the_disk_is_said(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails when the host waits for it is named as the reason."""

    def fail(path: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(disk, "sync", fail)
    with pytest.raises(GitFailed, match="cannot be written") as failure:
        _write(work, FileWrite(b"new", b"x"))
    assert failure.value.detail == "Input/output error."


def test_a_file_keeps_its_mode(work: Path) -> None:
    """A program whose content changes stays a program."""
    git(work, "update-index", "--chmod=+x", "a")
    git(work, "commit", "-q", "-m", "x")
    assert _listing(work, _write(work, FileWrite(b"a", b"new")))["a"] == "100755"


def test_a_repository_can_begin_and_end_empty(work: Path) -> None:
    """A first tree has no base; when the last file goes, the empty tree is left."""
    assert _listing(work, _write(work, FileWrite(b"x/y", b"1"), base=None)) == {"x/y": "100644"}
    gone = _write(work, *(FileWrite(name.encode(), None) for name in PLAIN))
    assert gone == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    git(work, "cat-file", "-e", gone)


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "files",
    [
        [FileWrite(b"a", b"1"), FileWrite(b"a", b"2")],
        [FileWrite(b"a/x", b"1")],
        [FileWrite(b"dir", b"1")],
        [FileWrite(b"dir", None)],
        [FileWrite(b"new", b"1"), FileWrite(b"new/x", b"1")],
        [FileWrite(b"new", b"1", 0o160000)],
        [FileWrite(b"new", b"1", 0o100777)],
        [FileWrite(b"new", b"1", 0o040000)],
    ],
)
def test_what_cannot_be_is_refused(work: Path, files: list[FileWrite]) -> None:
    """A file that is a folder, one that changes twice, and other modes than those of files."""
    with pytest.raises(InvalidInput):
        _write(work, *files)


@pytest.mark.parametrize("path", [b"none", b"dir/none", b"none/none"])
def test_only_what_is_there_is_removed(work: Path, path: bytes) -> None:
    """To remove a file that is not there is a mistake."""
    with pytest.raises(NotFound):
        _write(work, FileWrite(path, None))


GIT_NAMES = [
    b".git", b".GIT", b".Git", b".git.", b".git ", b".git . .", b"git~1", b"GIT~1", b"git~1.", b".git:x",
    b".git::$INDEX_ALLOCATION", b"a\\.git", b"a\\.git\\b", b"a\\git~1 ", "\u200c.git".encode(), ".g\u200dit".encode(),
    ".git\ufeff".encode(), ".\u202agIt".encode(),
]  # fmt: skip
OTHER_NAMES = [
    b".gitx",
    b"git",
    b".git1",
    b"git~2",
    b"xgit~1",
    b".git~1",
    b".github",
    b"a.git",
    b"..git",
    b"...",
    b"a\\b",
]


def _refused_by_git(work: Path, names: list[bytes]) -> list[bool]:
    """Return which names git's own check of a push refuses."""
    blob = git(work, "rev-parse", "HEAD:a").decode().strip()
    trees = [
        git(
            work, "hash-object", "-w", "-t", "tree", "--literally", "--stdin",
            stdin=b"100644 %s\0" % name + bytes.fromhex(blob),
        ).decode().strip()
        for name in names
    ]  # fmt: skip
    said = git(work, "-c", "fsck.hasDotgit=warn", "-c", "alias.check=!git fsck 2>&1", "check").decode()
    return [f"warning in tree {tree}: hasDotgit" in said for tree in trees]


def test_names_of_gits_own_folder_are_those_that_git_refuses(work: Path) -> None:
    """Each spelling that HFS or NTFS takes for `.git` is refused, as git's own check of a push refuses it."""
    assert _refused_by_git(work, GIT_NAMES) == [True] * len(GIT_NAMES)
    assert _refused_by_git(work, OTHER_NAMES) == [False] * len(OTHER_NAMES)
    for name in GIT_NAMES:
        with pytest.raises(InvalidInput):
            segments_of(b"x/" + name)
    for name in OTHER_NAMES:
        assert segments_of(b"x/" + name) == [b"x", name]


_FAIR = b'[submodule "x"]\n\tpath = x\n\turl = https://git.example/x.git\n'
SETTINGS = [
    (b".gitmodules", _FAIR, FILE, True),
    (b".gitattributes", b"* text=auto\n", FILE, True),
    (b"digit/magitmade", b"-", LINK, True),
    (b".gitmodules", _FAIR.replace(b"https", b"-u./x; https"), FILE, False),
    (b"deep/.GitModules", _FAIR.replace(b'"x"', b'"../../x"'), FILE, False),
    (b"gitmod~1", _FAIR.replace(b"= x", b"= -x"), FILE, False),
    (b"gi7eba~1", _FAIR + b"\tupdate = !touch /tmp/x\n", FILE, False),
    (".g\u200citmodules".encode(), b"a", LINK, False),
    (b".gitmodules", b"a", LINK, False),
    (b".gitmodules/x", b"x", FILE, False),
    (b".gitattributes", b"a" * 5000, FILE, False),
]


@pytest.mark.sample(4)
@pytest.mark.parametrize(("path", "content", "mode", "is_accepted"), SETTINGS)
def test_files_that_git_reads_are_checked_as_in_a_push(
    work: Path, path: bytes, content: bytes, mode: int, *, is_accepted: bool
) -> None:
    """A submodule whose address, name or path would be an option or a command is refused, and so are links."""
    with nullcontext() if is_accepted else pytest.raises(InvalidInput, match="git accepts no such file"):
        _write(work, FileWrite(path, content, mode))
    assert list((work / ".git/objects").glob("tmp_objdir-*")) == []


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    "path", [b"", b"/a", b"a/", b"a//b", b".", b"a/./b", b"..", b"../a", b"a/..", b"a\0b", b"a" * 4097]
)
def test_other_paths_that_are_refused(path: bytes) -> None:
    """A path has a name between any two slashes, and none leads elsewhere."""
    with pytest.raises(InvalidInput):
        segments_of(path)


@given(st.binary(max_size=12))
def test_a_path_that_is_accepted_has_nothing_that_leads_elsewhere(path: bytes) -> None:
    """Whatever is accepted has no empty name, no dots alone and no NUL."""
    try:
        names = segments_of(path)
    except InvalidInput:
        return
    assert b"/".join(names) == path
    assert not {b"", b".", b".."} & set(names)
    assert b"\0" not in path


def test_commits_and_tags_pass_gits_own_check(work: Path) -> None:
    """What is written is what was given, git finds no fault in it, and a ref shows it."""
    folder = work / ".git"
    parent = git(work, "rev-parse", "HEAD").decode().strip()
    tree = _write(work, FileWrite(b"new", b"x"))
    west = Signature("Bob Émile", "", 100_000, -210)

    async def write() -> tuple[str, str]:
        made = await write_commit(folder, tree, [parent], ADA, west, "Subject\n\nBody ✓\n")
        named = await write_tag(folder, "v1/é", made, "commit", ADA, "A release")
        await update(
            folder, [RefChange(parent, made, "refs/heads/main"), RefChange(NO_OBJECT, named, "refs/tags/v1/é")]
        )
        return made, named

    made, named = asyncio.run(write())
    git(work, "fsck", "--strict", "--no-dangling")
    found = objects.commit(folder, made)
    assert (found.tree, found.parents, found.author, found.committer) == (tree, (parent,), ADA, west)
    assert found.message == "Subject\n\nBody ✓\n"
    assert (
        git(work, "log", "-1", "--format=%cn|%cd", "--date=iso", "main").decode()
        == "Bob Émile|1970-01-02 00:16:40 -0330\n"
    )
    assert objects.tag(folder, named) == objects.Tag(named, "v1/é", made, "commit", ADA, "A release")


def test_a_long_message_is_written_by_git(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library, which would hold up all other requests meanwhile, has no part in it; the object is the same."""
    folder = work / ".git"
    head = git(work, "rev-parse", "HEAD").decode().strip()
    tree = git(work, "rev-parse", "HEAD^{tree}").decode().strip()
    message = "A long line, again and again\n" * 40_000
    monkeypatch.setattr(writing._Writer, "write", None)
    made = asyncio.run(write_commit(folder, tree, [head], ADA, ADA, message))
    named = asyncio.run(write_tag(folder, "v1/é", head, "commit", ADA, message))
    assert objects.commit(folder, made) == objects.Commit(made, tree, (head,), ADA, ADA, message)
    assert objects.tag(folder, named) == objects.Tag(named, "v1/é", head, "commit", ADA, message)


def test_an_object_that_cannot_be_written_is_an_error_of_git(work: Path) -> None:
    """Such as on a disk that has become read-only; here, a file is where the folder of each object would be."""
    for number in range(256):
        with suppress(IsADirectoryError):
            (work / ".git" / "objects" / f"{number:02x}").write_bytes(b"")
    with pytest.raises(GitFailed, match=r"^The repository cannot be written\.$"):
        _write(work, *(FileWrite(b"%d" % number, b"%d" % number) for number in range(9)))


@pytest.mark.parametrize("name", ["", " ", "A\nB", "A <b>", "A\0"])
def test_a_person_cannot_write_other_fields(work: Path, name: str) -> None:
    """A name with a line break, brackets or nothing is refused, so it cannot add a parent or another author."""
    with pytest.raises(InvalidInput):
        asyncio.run(write_commit(work / ".git", "0" * 40, [], Signature(name, "x", 0, 0), ADA, "x"))
    with pytest.raises(InvalidInput):
        asyncio.run(write_commit(work / ".git", "0" * 40, [], ADA, Signature("x", name + ">", 0, 0), "x"))


@pytest.mark.parametrize(
    ("name", "message"), [("x", "a\0b"), ("x", "\udc80"), ("a..b", "x"), ("a\nb", "x"), ("a\0", "x")]
)
def test_a_tag_cannot_write_other_fields(work: Path, name: str, message: str) -> None:
    """A name of a tag is one that git takes, and a message is text."""
    with pytest.raises(InvalidInput):
        asyncio.run(write_tag(work / ".git", name, "0" * 40, "commit", ADA, message))


def test_what_is_written_is_on_the_disk_before_its_id_is_known(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each new object and its folder is synchronized before a function returns."""
    synced: list[Path] = []
    monkeypatch.setattr(disk, "sync", synced.append)
    tree = _write(work, FileWrite(b"x/y", b"1"))
    made = asyncio.run(write_commit(work / ".git", tree, [], ADA, ADA, "x"))
    wanted = {tree, made, *(git(work, "rev-parse", f"{tree}:{path}").decode().strip() for path in ("x", "x/y"))}
    assert {path.parent.name + path.name for path in synced} >= wanted
    assert work / ".git/objects" in synced


@pytest.fixture(autouse=True)
def closed() -> None:
    """Close what an earlier test opened."""
    asyncio.run(close())
