"""Comparisons of commits over HTTP: the bytes, the files and the lines are git's."""

from collections.abc import Iterator
from typing import Any

import pytest

from roadstead.git.processes import Limits
from tests.api.widgets import BELOW, Widgets, widgets
from tests.conftest import NewDatabase
from tests.git.plain import git

PLAIN = ("--no-color", "--no-ext-diff")


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[Widgets]:
    with widgets(tmp_path_factory.mktemp("widgets"), new_database()) as made:
        yield made


_ROOT = ["4b825dc642cb6eb9a060e54bf8d69288fbee4904", "v1"]
COMPARED = [
    # A spec with its options; what git compares, and how.
    ("main", ["main~1", "main"]),
    ("v1", _ROOT),
    ("topic..main", ["main~1", "topic"]),
    ("topic..main?topic=false", ["main", "topic"]),
    ("topic..main?merge=false", ["main", "topic"]),
    ("topic..main?merge=true", ["main~1", "topic"]),
    ("main..feature/x", ["feature/x", "main"]),
    ("main%2E%2Efeature%2Fx?context=1", ["-U1", "feature/x", "main"]),
    ("main..feature/x?context=0&path=a&path=renamed", ["-U0", "feature/x", "main", "--", "a", "renamed"]),
    ("main..feature/x?renames=false", ["--no-renames", "feature/x", "main"]),
    ("main..v1?path=src/", ["v1", "main", "--", "src"]),
    ("main..v1?path=src%2Fc%20d", ["v1", "main", "--", "src/c d"]),
    ("spaces?ignore_whitespace=true", ["-w", "spaces~1", "spaces"]),
    ("spaces", ["spaces~1", "spaces"]),
    ("odd", ["odd~1", "odd"]),
    ("main..v1?binary=false", ["v1", "main", "--", "a", "renamed", "src"]),
    ("main..main", ["main", "main"]),
    ("v1..main", ["v1", "v1"]),
    ("main?path=none", ["main", "main"]),
    ("main?path=../x", ["main", "main"]),
    ("main?path=%00", ["main", "main"]),
]


@pytest.mark.sample(3)
@pytest.mark.parametrize(("spec", "compared"), COMPARED)
def test_a_diff_is_that_of_git(acme: Widgets, spec: str, compared: list[str]) -> None:
    """Byte for byte, also where files are no UTF-8; what does not differ is an empty text with its length."""
    answer = acme.get(f"/diff/{spec}")
    wanted = git(acme.tree, "-c", "core.abbrev=7", "diff", "-M", *PLAIN, *compared)
    assert (answer.status_code, answer.content) == (200, wanted)
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["Content-Length"] == str(len(wanted))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.sample(8)
@pytest.mark.parametrize(("spec", "compared"), [case for case in COMPARED if "context" not in case[0]])
def test_a_diffstat_has_the_files_and_lines_of_git(acme: Widgets, spec: str, compared: list[str]) -> None:
    """In git's order; a binary file has no lines."""
    spec = spec.replace("binary=false", "path=a&path=renamed&path=src")
    answer = acme.get(f"/diffstat/{spec}").json()
    shown = git(acme.tree, "diff", "-M", "--numstat", "-z", *PLAIN, *compared).split(b"\0")
    wanted = []
    while len(shown) > 1:
        added, removed, path = shown.pop(0).split(b"\t")
        paths = (path, path) if path else (shown.pop(0), shown.pop(0))
        wanted.append((*(0 if lines == b"-" else int(lines) for lines in (added, removed)), *map(_text, paths)))
    assert [_summary(value) for value in answer["values"]] == wanted
    assert (answer["size"], answer["pagelen"], answer["page"]) == (len(wanted), 500, 1)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "replace")


def _summary(value: dict[str, Any]) -> tuple[int, int, str, str]:
    sides = value["old"] or value["new"], value["new"] or value["old"]
    return value["lines_added"], value["lines_removed"], *(side["path"] for side in sides)


def test_a_diffstat_has_the_shape_of_the_cloud(acme: Widgets) -> None:
    """Status, and both files with their addresses at the two commits; nothing where there is no file."""
    main, before = acme.id("main"), acme.id("main~1")
    below = f"{acme.host.url}{BELOW}/src"
    old = {"path": "a", "type": "commit_file", "escaped_path": "a", "links": {"self": {"href": f"{below}/{before}/a"}}}
    new = {name: "renamed" if name.endswith("path") else value for name, value in old.items()}
    new["links"] = {"self": {"href": f"{below}/{main}/renamed"}}
    wanted = {"type": "diffstat", "lines_added": 0, "lines_removed": 0, "status": "renamed", "old": old, "new": new}
    assert acme.get("/diffstat/main").json()["values"] == [wanted]
    by_path = {(value["new"] or value["old"])["path"]: value for value in acme.get("/diffstat/odd").json()["values"]}
    assert {path: (value["status"], value["old"] is None, value["new"] is None) for path, value in by_path.items()} == {
        "caf\N{REPLACEMENT CHARACTER}": ("added", True, False),
        "image": ("removed", False, True),
        "src/b": ("modified", False, False),
    }
    odd = by_path["caf\N{REPLACEMENT CHARACTER}"]["new"]
    assert (odd["escaped_path"], odd["links"]["self"]["href"][-7:]) == ('"caf\\351"', "/caf%E9")
    assert by_path["image"]["lines_removed"] == 0


def test_a_diffstat_is_cut_into_pages(acme: Widgets) -> None:
    """By number, with the length of the whole list; `fields` are those of any list."""
    first = acme.get("/diffstat/odd?pagelen=2&fields=size,next,values.status").json()
    second = acme.get(first["next"].removeprefix(f"{acme.host.url}{BELOW}")).json()
    assert (first["size"], len(first["values"]), len(second["values"])) == (3, 2, 1)
    assert acme.get("/diffstat/odd?pagelen=5000").status_code == 200
    assert acme.get("/diffstat/odd?pagelen=5001").status_code == 400


@pytest.mark.parametrize("spec", ["moving..v1", "moving"])
def test_a_push_between_two_pages_changes_no_diffstat(acme: Widgets, spec: str) -> None:
    """The other pages of a branch are those of the commit that it was at, which `next` names."""
    acme.git("branch", "--force", "moving", "odd")
    acme.push("moving")
    before = acme.get(f"/diffstat/{spec}").json()["values"]
    first = acme.get(f"/diffstat/{spec}?pagelen=2").json()
    acme.git("branch", "--force", "moving", "main")
    acme.push("moving")
    second = acme.get(first["next"].removeprefix(f"{acme.host.url}{BELOW}")).json()
    assert [*first["values"], *second["values"]] == before[:4]
    assert second["values"]


# Patches and common ancestors


@pytest.mark.parametrize("named", ["main", "v1", "feature/x", "odd"])
def test_a_patch_is_that_of_format_patch(acme: Widgets, named: str) -> None:
    """Byte for byte, without the version of git at its end."""
    wanted = git(acme.tree, "-c", "core.abbrev=7", "format-patch", "--stdout", "--no-signature", "-1", "--root", named)
    assert acme.get(f"/patch/{named}").content == wanted


def test_patches_of_two_commits_are_a_series(acme: Widgets) -> None:
    """Of the commits that the first has alone, the earliest first, without merges; `git am` takes them."""
    wanted = git(acme.tree, "-c", "core.abbrev=7", "format-patch", "--stdout", "--no-signature", "v1..main")
    assert acme.get("/patch/main..v1").content == wanted
    assert wanted.count(b"\nSubject: [PATCH") == 4
    assert acme.get("/patch/v1..main").content == b""
    merge = acme.get(f"/patch/{acme.id('main~1')}").text
    assert "Subject: [PATCH] Merge feature/x" in merge
    assert merge.endswith(git(acme.tree, "-c", "core.abbrev=7", "diff", *PLAIN, "main~2", "main~1").decode())


def test_a_merge_base_is_that_of_git(acme: Widgets) -> None:
    """As a whole commit, whichever comes first."""
    base = acme.git("merge-base", "topic", "feature/x")
    one, other = (acme.get(f"/merge-base/{spec}").json() for spec in ("topic..feature/x", "feature%2Fx..topic"))
    assert one == other == acme.get(f"/commit/{base}").json()
    assert acme.get("/merge-base/main..main?fields=hash").json() == {"hash": acme.id("main")}


# Refusals

_NO_COMMIT = (404, "Commit not found")
_STRANGERS = (404, "No common ancestor")
_NO_PAIR = (400, "This names no two commits.")


@pytest.mark.sample(10)
@pytest.mark.parametrize(
    ("target", "refusal"),
    [
        *((f"/{what}/none", _NO_COMMIT) for what in ("diff", "diffstat", "patch")),
        *((f"/{what}/main..none", _NO_COMMIT) for what in ("diff", "diffstat", "patch", "merge-base")),
        *((f"/{what}/--output=x..main", _NO_COMMIT) for what in ("diff", "diffstat", "patch", "merge-base")),
        *((f"/{what}/main..", _NO_PAIR) for what in ("diff", "diffstat", "patch", "merge-base")),
        *((f"/{what}/main...v1", _NO_PAIR) for what in ("diff", "diffstat", "patch", "merge-base")),
        ("/merge-base/main", _NO_PAIR),
        *((f"/{what}/main..alone", _STRANGERS) for what in ("diff", "diffstat", "merge-base")),
        ("/diff/main?context=-1", (400, "`context` is a number of lines.")),
        ("/diff/main?context=1000000", (400, "`context` is a number of lines.")),
        ("/diff/main?renames=perhaps", (400, "`renames` is true or false.")),
        ("/diffstat/main?topic=2", (400, "`topic` is true or false.")),
        ("/diff/main?topic=true&merge=true", (400, "The parameters `merge` and `topic` cannot be used together.")),
    ],
)
def test_what_cannot_be_compared_is_refused(acme: Widgets, target: str, refusal: tuple[int, str]) -> None:
    """An unknown commit and histories that never met are a 404; what is no pair or no option is a 400."""
    answer = acme.get(target)
    assert (answer.status_code, answer.json()["error"]["message"]) == refusal


def test_histories_that_never_met_are_compared_as_they_are(acme: Widgets) -> None:
    """With `topic=false`, no common ancestor is needed."""
    wanted = git(acme.tree, "-c", "core.abbrev=7", "diff", "-M", *PLAIN, "main", "alone")
    assert acme.get("/diff/alone..main?topic=false").content == wanted


def test_what_takes_too_long_is_the_answer_of_the_cloud(acme: Widgets, monkeypatch: pytest.MonkeyPatch) -> None:
    """A diff or a list of files beyond the limits is a 555, and the next request is answered."""
    monkeypatch.setattr("roadstead.git.diffs._INLINE", Limits(output=10))
    monkeypatch.setattr("roadstead.git.diffs._WHOLE", Limits(output=10))
    monkeypatch.setattr("roadstead.git.diffs._FILES", Limits(output=10))
    monkeypatch.setattr("roadstead.git.patches._LIMITS", Limits(output=10))
    for what in ("diff", "diffstat", "patch"):
        answer = acme.get(f"/{what}/odd")
        assert (answer.status_code, answer.json()["type"]) == (555, "error")
    monkeypatch.undo()
    assert acme.get("/diff/odd").status_code == 200


def test_a_large_diff_flows(acme: Widgets) -> None:
    """One of more than a megabyte comes in pieces, whole, and leaves no process behind."""
    wanted = git(acme.tree, "-c", "core.abbrev=7", "diff", "-M", *PLAIN, "large~1", "large")
    answer = acme.get("/diff/large")
    assert (len(wanted) > 1 << 20, answer.content == wanted) == (True, True)
    assert "Content-Length" not in answer.headers


@pytest.mark.parametrize("what", ["diff", "diffstat", "patch"])
def test_strangers_compare_what_is_public(acme: Widgets, what: str) -> None:
    """In a private repository there is nothing for them."""
    for who, status in (("ann", 200), ("ben", 404), ("anonymous", 404)):
        assert acme.send[who]("GET", f"{BELOW}/{what}/main").status_code == status
        assert acme.send[who]("GET", f"/2.0/repositories/acme/open/{what}/main").status_code == 200
