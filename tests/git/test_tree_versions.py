"""Two versions of a folder differ in the entries in which git finds a difference."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from roadstead.git.tree_versions import TreeVersion, folder_finder
from tests.git.plain import git

Entries = Mapping[bytes, tuple[bytes, bytes]]
"""The mode and the id of each entry by its name."""

NAMES = [b"a", b"a b", b"a-b", b"a.b", b"a0", b"ab", b"b", b"40000 a", b"x40000 a", b"x100644 a", b"\xff", b"new\nline"]
"""Names that begin other names, that sort before and after a slash, and that look like an entry."""
MODES = [b"100644", b"100755", b"100664", b"120000", b"160000", b"40000", b"040000"]
IDS = [
    b"\1" * 20,
    b"\2" * 20,
    b"\1" * 19 + b"\0",
    b"\0" * 19 + b"\1",
    b"100644 a\0" + b"\1" * 11,
    b"\1" * 12 + b"40000 a\0",
]
"""Ids with the bytes that end a name, and with the beginning of an entry."""
ENTRIES = st.tuples(st.sampled_from(MODES), st.sampled_from(IDS))
_PAIR = re.compile(rb"[0-9a-f]{40} [0-9a-f]{40}\n")
MANY = [b"file%d" % number for number in range(30)]
PARTS = st.tuples(st.none() | st.sampled_from(MODES), st.none() | st.sampled_from(IDS))
CHANGES = st.dictionaries(st.sampled_from(NAMES), PARTS, max_size=3)
"""Another mode, another id, or both; an entry is removed where there is neither."""


@st.composite
def histories(draw: st.DrawFn) -> list[Entries]:
    """Draw versions of a folder, each with a few entries added, changed and removed."""
    versions: list[Entries] = [draw(st.dictionaries(st.sampled_from(NAMES), ENTRIES))]
    for changes in draw(st.lists(CHANGES, min_size=1, max_size=8)):
        version = dict(versions[-1])
        for name, (mode, id_) in changes.items():
            old_mode, old_id = version.pop(name, (MODES[0], IDS[0]))
            if mode or id_:
                version[name] = mode or old_mode, id_ or old_id
        versions.append(version)
    return versions


def _is_folder(mode: bytes) -> bool:
    return int(mode, 8) == 0o40000


def _tree(entries: Entries) -> bytes:
    in_order = sorted(entries.items(), key=lambda item: item[0] + b"/" * _is_folder(item[1][0]))
    return b"".join(b"%s %s\0%s" % (mode, name, id_) for name, (mode, id_) in in_order)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("trees")
    git(made, "init", "--quiet", "--bare")
    return made


def _files(names: bytes, *ids: bytes) -> Entries:
    return {name: (MODES[0], id_) for name, id_ in zip(names.split(), ids, strict=True)}


@given(histories())
@example(  # as long as the version before, but its entries end elsewhere
    [
        _files(b"aaaaaa b c", IDS[0], IDS[0], IDS[0]),
        _files(b"aaaaaa b c", IDS[0], IDS[1], IDS[0]),
        _files(b"b c zzzzzz", IDS[1], IDS[0], IDS[0]),
    ]
)
@example([_files(b"a b c d e f g h i j", *IDS[:1] * 10), _files(b"b c d e f g h i j k", *IDS[1:2] * 10)])
@example([dict.fromkeys(MANY, (mode, IDS[0])) for mode in MODES[:3]])
def test_changes_are_those_of_git(folder: Path, versions: list[Entries]) -> None:
    """Each version is compared with the one before it, the last first, then with the first; git compares the same."""
    trees = [_tree(entries) for entries in versions]
    pairs = [*reversed([*pairwise(range(len(trees)))]), *((0, number) for number in range(len(trees)))]
    compared = [TreeVersion(tree) for tree in trees]
    found = [compared[new].changed_since(compared[old]) for old, new in pairs]
    assert found == list(_changes(folder, trees, pairs))
    assert [version.names() for version in compared] == [set(entries) for entries in versions]


def _changes(folder: Path, trees: Sequence[bytes], pairs: Sequence[tuple[int, int]]) -> Iterator[set[bytes]]:
    """Yield what git finds to be in the second of two trees and not, or not so, in the first."""
    for number, tree in enumerate(trees):
        (folder / str(number)).write_bytes(tree)
    paths = "".join(f"{number}\n" for number in range(len(trees))).encode()
    ids = git(folder, "hash-object", "-w", "-t", "tree", "--literally", "--stdin-paths", stdin=paths).split()
    wanted = b"".join(b"%s %s\n" % (ids[old], ids[new]) for old, new in pairs)
    said = git(folder, "diff-tree", "--stdin", "--raw", "-z", stdin=wanted)
    for of_pair in _PAIR.split(said)[1:]:
        parts = of_pair.split(b"\0")[:-1]
        yield {name for change, name in zip(parts[::2], parts[1::2], strict=True) if not change.endswith(b"D")}


@given(st.dictionaries(st.sampled_from(NAMES), ENTRIES))
def test_a_folder_is_found_by_its_name(entries: Entries) -> None:
    """A name finds the folder that is called so, wherever else its bytes are, and nothing if that is no folder."""
    tree = _tree(entries)
    for name in [*NAMES, b"", b"none", b"."]:
        mode, id_ = entries.get(name, (b"0", b""))
        found = folder_finder(name).match(tree)
        assert (found and found[1]) == (id_ if _is_folder(mode) else None)
