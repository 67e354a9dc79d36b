"""Files and folders over HTTP: exactly git's bytes, folders page by page, and answers that no browser runs."""

import os
import subprocess
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import pytest

from roadstead.domain.repositories.reading import Reading
from roadstead.errors import HostBusy
from tests.api.stocked import Stocked, stocked, workspace, write
from tests.live import LiveHost
from tests.smart_http.git_client import ENVIRONMENT

BIG = os.urandom(1 << 20) + bytes(range(256)) * 2048
ODD = ["a b", "caf\u00e9", "q?#&+=;", "%41", ":(top)a", "-rf", "*[x]", "data:text/html,x", "tab\there", 'quo"te\\']
LATIN = b"latin\xe9"


@pytest.fixture(scope="module")
def people(host: LiveHost) -> tuple[str, str]:
    return workspace(host, "source")


@pytest.fixture(scope="module")
def widgets(host: LiveHost, people: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Stocked:
    """A repository with files of every kind, branches with slashes, and tags."""
    made = stocked(host, tmp_path_factory.mktemp("widgets"), "source", people)
    write(made.work, {"README.md": "# Widgets\n", "src/app.py": "print()\n", "src/lib/deep/er.c": "int a;\n"})
    (made.work.folder / "run.sh").write_text("#!/bin/sh\n")
    (made.work.folder / "run.sh").chmod(0o755)
    (made.work.folder.joinpath(os.fsdecode(LATIN))).write_text("latin")
    write(
        made.work,
        {
            "page.html": "<script>alert(1)</script>",
            "logo.png": b"\x89PNG\0\0",
            "blob": b"\0\1\2",
            "big.bin": BIG,
            "empty": b"",
            "to-readme": "->README.md",
            **{f"odd/{name}": name for name in ODD},
            **{f"many/{number:03}.txt": "x" * number for number in range(25)},
        },
    )
    sub = "160000,{},vendored".format("a" * 40)
    made.work.git("update-index", "--add", "--cacheinfo", sub)
    made.work.git("commit", "--quiet", "-m", "A submodule")
    made.work.git("tag", "v1.0")
    made.work.git("tag", "-a", "-m", "Annotated", "release/1", "HEAD~1")
    made.work.git("branch", "feature/x", "HEAD~2")
    made.work.git("branch", "deed/x", "HEAD~2")
    made.push("--all")
    made.push("--tags")
    return made


def _blob(made: Stocked, revision: str, path: bytes) -> bytes:
    command = [
        b"git",
        b"--git-dir",
        os.fsencode(made.place.folder),
        b"cat-file",
        b"blob",
        revision.encode() + b":" + path,
    ]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=True).stdout


def test_a_long_file_takes_a_place_of_its_reader(widgets: Stocked, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader without a place is told to come back; a short file takes none."""

    def refuse(reading: Reading, made: object) -> NoReturn:
        raise HostBusy("There is no place.")

    monkeypatch.setattr(Reading, "pieces", refuse)
    long, short = widgets.get("/src/v1.0/big.bin"), widgets.get("/src/v1.0/blob")
    assert (long.status_code, long.headers.get("Retry-After"), short.status_code) == (503, "1", 200)


def test_the_content_of_each_file_is_that_of_git(widgets: Stocked) -> None:
    """Whatever its name, its size and its bytes; a link has its target, a submodule the hash of its commit."""
    listed = subprocess.run(
        ["git", "--git-dir", str(widgets.place.folder), "ls-tree", "-r", "-z", "HEAD"],
        env=ENVIRONMENT,
        capture_output=True,
        check=True,
    )
    for line in listed.stdout.split(b"\0")[:-1]:
        kind, path = line.split()[1], line.partition(b"\t")[2]
        answer = widgets.get(f"/src/main/{quote(path)}")
        assert answer.status_code == 200, path
        assert answer.content == (b"a" * 40 if kind == b"commit" else _blob(widgets, "HEAD", path)), path
        assert answer.headers["Content-Length"] == str(len(answer.content))
        assert widgets.get(f"/src/main/{quote(path, safe='')}").content == answer.content, path


TYPES = {
    "src/app.py": "text/x-python",
    "logo.png": "image/png",
    "page.html": "text/html",
    "empty": "text/plain",
    "run.sh": "application/x-sh",
    "blob": "application/octet-stream",
    "big.bin": "application/octet-stream",
    "vendored": "text/plain",
    "odd/data:text%2Fhtml,x": "text/plain",
    "src/lib/deep/er.c": "text/plain",
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_browser_runs_a_file(widgets: Stocked, method: str) -> None:
    """The type follows from the name without a charset, and the headers keep a browser from running what it says."""
    for path, kind in TYPES.items():
        answer = widgets.send(method, f"{widgets.at}/src/main/{path}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind), path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Disposition"] == "attachment"
        assert method == "GET" or (answer.content == b"" and "Content-Length" in answer.headers)


RANGES = {
    "bytes=0-9": (0, 10),
    "bytes=5-": (5, None),
    "bytes=-7": (-7, None),
    "bytes=-999999999": (0, None),
    "bytes=0-999999999999": (0, None),
    "bytes=1500000-1500009": (1500000, 1500010),
}


def test_a_part_of_a_file(widgets: Stocked) -> None:
    """One range is answered with it; several, or one of another version, with the whole; one outside is a 416."""
    for wanted, (start, end) in RANGES.items():
        answer = widgets.get("/src/main/big.bin", headers={"Range": wanted})
        assert answer.content == BIG[start:end], wanted
        assert answer.status_code == (206 if len(answer.content) < len(BIG) else 200)
    whole = widgets.get("/src/main/src/app.py")
    assert widgets.get("/src/main/src/app.py", headers={"Range": "bytes=2-3"}).content == whole.content[2:4]
    for ignored in ("bytes=-", "bytes=1-2,4-5", "lines=1-2", "bytes=a-b"):
        assert widgets.get("/src/main/src/app.py", headers={"Range": ignored}).content == whole.content
    other = {"Range": "bytes=2-3", "If-Range": '"other"'}
    assert widgets.get("/src/main/src/app.py", headers=other).content == whole.content
    same = {"Range": "bytes=2-3", "If-Range": whole.headers["ETag"]}
    assert widgets.get("/src/main/src/app.py", headers=same).status_code == 206
    for outside in ("bytes=9999999-", "bytes=5-2", "bytes=-0"):
        answer = widgets.get("/src/main/src/app.py", headers={"Range": outside})
        assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(whole.content)}")


def test_a_known_file_is_not_sent_again(widgets: Stocked) -> None:
    """The ETag is that of the content and its attributes, whatever the commit; `If-None-Match` is a 304."""
    tag = widgets.get("/src/main/README.md").headers["ETag"]
    assert widgets.get("/src/feature/x/README.md").headers["ETag"] == tag
    assert widgets.get("/src/main/src/app.py").headers["ETag"] != tag
    for known in (tag, f'W/{tag}, "x"', "*"):
        answer = widgets.get("/src/main/README.md", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)
    assert widgets.get("/src/main/README.md", headers={"If-None-Match": '"x"'}).status_code == 200


def test_a_revision_is_any_name_of_a_commit(widgets: Stocked) -> None:
    """Branches and tags with raw slashes or `%2F`, `HEAD`, a hash and its beginning; links always have the hash."""
    heads = {
        name: widgets.work.head(f"{name}^{{commit}}") for name in ("main", "feature/x", "deed/x", "v1.0", "release/1")
    }
    heads |= {"HEAD": heads["main"], heads["main"]: heads["main"], heads["main"][:9].upper(): heads["main"]}
    heads["refs/heads/feature/x"] = heads["feature/x"]
    for name, commit in heads.items():
        for spelling in (name, quote(name, safe="")):
            for path in ("", "/", "/src", "/src/"):
                answer = widgets.get(f"/src/{spelling}{path}")
                assert answer.status_code == 200, (spelling, path)
                assert answer.json()["values"][0]["commit"]["hash"] == commit
                assert f"/src/{commit}/" in answer.json()["values"][0]["links"]["self"]["href"]
            assert widgets.get(f"/src/{spelling}/README.md").content == b"# Widgets\n"


NOT_THERE = {
    "none": "Commit not found",
    "none/README.md": "Commit not found",
    "main~1/README.md": "Commit not found",
    "main%00/README.md": "Commit not found",
    "main..feature/README.md": "Commit not found",
    "--all": "Commit not found",
    "-": "Commit not found",
    "%FF/README.md": "Commit not found",
    "..%2F..%2Fconfig": "Commit not found",
    "0" * 40: "Commit not found",
    "{tree}/README.md": "Commit not found",
    "main/none": "No such file or directory: none",
    "main/tests/none.py": "No such file or directory: tests/none.py",
    "main/README.md/x": "No such file or directory: README.md/x",
    "main/src//app.py": "No such file or directory: src//app.py",
    "main/../config": "No such file or directory: ../config",
    "main/%2E%2E/%2E%2E/config": "No such file or directory: ../../config",
    "main/.git/config": "No such file or directory: .git/config",
    "main/a%00b": "No such file or directory: a\0b",
    "main/vendored/x": "No such file or directory: vendored/x",
    "main/to-readme/x": "No such file or directory: to-readme/x",
    "main/" + "x/" * 3000 + "x": "No such file or directory: x/",
    "/".join("x" * 3000): "Commit not found",
}


@pytest.mark.sample(8)
@pytest.mark.parametrize("below", NOT_THERE)
def test_what_is_not_there(widgets: Stocked, below: str) -> None:
    """A 404 with the cloud's words, whichever way an address tries to leave the commit."""
    tree = widgets.git("rev-parse", "HEAD^{tree}").strip()
    answer = widgets.get(f"/src/{below.replace('{tree}', tree)}")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith(NOT_THERE[below])


def _walk(made: Stocked, target: str) -> tuple[list[Any], int]:
    """Return all items of a list, and how many pages it has."""
    found, pages, address = [], 0, f"{made.at}{target}"
    while address:
        page = made.send("GET", address).json()
        found += page["values"]
        pages += 1
        address = page.get("next", "").removeprefix(made.place.host.url)
    return found, pages


def test_a_folder_is_listed_page_by_page(widgets: Stocked) -> None:
    """Folders come first, then files, by bytes; pages are whole, and `size` is not counted."""
    first = widgets.get("/src/main/many").json()
    assert (first["pagelen"], first["page"], len(first["values"]), "size" in first) == (10, 1, 10, False)
    found, pages = _walk(widgets, "/src/main/many/?pagelen=7")
    assert (pages, [one["path"] for one in found]) == (4, [f"many/{number:03}.txt" for number in range(25)])
    assert [one["size"] for one in found] == list(range(25))
    assert widgets.get("/src/main/many?page=4").json()["values"] == []
    root, _ = _walk(widgets, "/src/main/?pagelen=100")
    kinds = [one["type"] for one in root]
    assert kinds == sorted(kinds)
    names = widgets.git("ls-tree", "--name-only", "HEAD").split("\n")[:-1]
    assert len(root) == len(names)
    assert widgets.get("/src/main/many?pagelen=101").json()["error"]["message"] == "Invalid pagelen"


@pytest.mark.parametrize("listed", ["src/team/x", "src/team/x/in%20it/", "filehistory/team/x/one"])
def test_a_push_between_two_pages_changes_no_list(
    host: LiveHost, people: tuple[str, str], tmp_path: Path, listed: str
) -> None:
    """The other pages of a branch are those of the commit that it was at: nothing is twice in a list or missing."""
    made = stocked(host, tmp_path, "source", people)
    made.work.git("checkout", "--quiet", "-b", "team/x")
    for number in range(3):
        write(made.work, {"one": str(number), f"f{number}": "", f"in it/{number}": ""})
    made.push()
    target = f"/{listed}?pagelen=2"
    before, _ = _walk(made, target)
    first = made.get(target).json()
    write(made.work, {"a": "", "in it/a": "", "one": "3"})
    made.push()
    second = made.send("GET", first["next"].removeprefix(host.url)).json()
    found = [*first["values"], *second["values"]]
    assert [one["path"] for one in found] == [one["path"] for one in before][: len(found)]
    assert {one["commit"]["hash"] for one in found} <= {one["commit"]["hash"] for one in before}
    assert made.send("GET", second["previous"].removeprefix(host.url)).json()["values"] == first["values"]


def test_levels_are_listed_one_after_the_other(widgets: Stocked) -> None:
    """`max_depth` adds the folders of a level after it; with enough of them, everything that git has is there."""
    found, _ = _walk(widgets, "/src/feature/x/?max_depth=2")
    assert [one["path"] for one in found] == ["src", "README.md", "src/lib", "src/app.py"]
    everything, _ = _walk(widgets, "/src/main/?max_depth=64&pagelen=9")
    listed = widgets.git("ls-tree", "-r", "-t", "--name-only", "HEAD").splitlines()
    assert len(everything) == len({one["path"] for one in everything}) == len(listed)
    for wrong in ("0", "-1", "x", "1000001", "\u0663", ""):
        answer = widgets.get(f"/src/main/?max_depth={quote(wrong)}")
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Invalid max_depth"), wrong


CHOSEN = {
    'q=path~".MD"': ["README.md"],
    "q=size>500000": ["big.bin"],
    'q=attributes="binary" and size<100': ["logo.png"],
    'q=attributes="executable"': ["run.sh"],
    'q=attributes="link" or attributes="subrepository"': ["to-readme", "vendored"],
    'q=type="commit_directory"&sort=-path': ["src", "odd", "many"],
    'q=type="commit_file" and size>9&sort=-size&pagelen=3': ["big.bin", "vendored", "page.html"],
    'q=path="none"': [],
}


@pytest.mark.parametrize("query", CHOSEN)
def test_a_folder_can_be_filtered_and_sorted(widgets: Stocked, query: str) -> None:
    """By path, size, type, attributes and media type."""
    answer = widgets.get(f"/src/main/?{quote(query, safe='=&')}")
    assert [one["path"] for one in answer.json()["values"]] == CHOSEN[query]


def test_a_filter_that_cannot_be_is_refused(widgets: Stocked) -> None:
    for query in ("q=nothing=1", "q=path>", "sort=nothing", "page=0", "page=x", "pagelen=0"):
        assert widgets.get(f"/src/main/?{query}").status_code == 400, query


def test_the_description_of_a_file(widgets: Stocked) -> None:
    """`format=meta` says what listings say, with the cloud's members in its order of links."""
    commit = widgets.work.head()
    answer = widgets.get("/src/main/src/app.py?format=meta").json()
    below = f"{widgets.url}/src/{commit}/src/app.py"
    assert answer == {
        "type": "commit_file",
        "path": "src/app.py",
        "commit": {
            "type": "commit",
            "hash": commit,
            "links": {
                "self": {"href": f"{widgets.url}/commit/{commit}"},
                "html": {"href": f"{widgets.place.host.url}/{widgets.place.repository.full_name}/commits/{commit}"},
            },
        },
        "links": {
            "self": {"href": below},
            "meta": {"href": f"{below}?format=meta"},
            "history": {"href": f"{widgets.url}/filehistory/{commit}/src/app.py"},
        },
        "attributes": [],
        "escaped_path": "src/app.py",
        "size": 8,
        "mimetype": "text/x-python",
    }
    assert answer in widgets.get("/src/main/src").json()["values"]
    assert widgets.get("/src/main/src/app.py?format=meta&fields=size,links.self.href").json() == {
        "size": 8,
        "links": {"self": {"href": below}},
    }
    assert widgets.get("/src/main/README.md?format=html").status_code == 400


def test_a_text_is_rendered(widgets: Stocked) -> None:
    """`format=rendered` gives Markdown as HTML, with a link to a commit, and other markup as plain text; none else."""
    work, commit = widgets.work, widgets.work.head()
    branch = work.git("branch", "--show-current").strip()
    work.git("checkout", "--quiet", "-b", "texts")
    files: dict[str, str | bytes] = {
        "a.MD": f"# Hi\n\n<b> {commit}",
        "a.rst": "*one*\n\ntwo <b>",
        "a.txt": "text",
        "b.md": b"\0",
        "long.md": b"x" * 200_000,
        "link.md": "->a.MD",
    }
    write(work, files)
    widgets.push("texts")
    work.git("checkout", "--quiet", branch)
    answer = widgets.get("/src/texts/a.MD?format=rendered").json()
    page = f"/{widgets.place.repository.full_name}/commits/{commit}"
    assert (answer["type"], answer["raw"], answer["markup"]) == ("rendered", files["a.MD"], "markdown")
    assert "&lt;b&gt;" in answer["html"]
    assert f'href="{page}"' in answer["html"]
    assert widgets.get("/src/texts/a.rst?format=rendered").json() == {
        "type": "rendered",
        "raw": files["a.rst"],
        "markup": "plaintext",
        "html": "<p>*one*</p>\n<p>two &lt;b&gt;</p>",
    }
    for path, status in (
        ("a.txt", 400),
        ("b.md", 400),
        ("long.md", 400),
        ("link.md", 400),
        ("", 400),
        ("none.md", 404),
    ):
        assert widgets.get(f"/src/texts/{path}?format=rendered").status_code == status, path


def test_the_description_of_a_folder(widgets: Stocked) -> None:
    """Its address ends in a slash; that of the root has no path."""
    commit = widgets.work.head()
    for path, address in (("", ""), ("src", "src/"), ("src/lib/", "src/lib/")):
        answer = widgets.get(f"/src/main/{path}?format=meta").json()
        assert (answer["type"], answer["path"], set(answer["links"])) == (
            "commit_directory",
            path.strip("/"),
            {"self", "meta"},
        )
        assert answer["links"]["self"]["href"] == f"{widgets.url}/src/{commit}/{address}"


def test_links_lead_to_the_same_file(widgets: Stocked) -> None:
    """Also for names that are no text: each file of the folder is read by the address that its list has."""
    found, _ = _walk(widgets, "/src/main/?max_depth=2&pagelen=100")
    assert len(found) > 40
    for one in found:
        for link in one["links"].values():
            target = link["href"].removeprefix(widgets.place.host.url)
            if "/filehistory/" not in target:
                assert widgets.send("GET", target).status_code == 200, target
    latin = next(one for one in found if one["path"] == "latin\ufffd")
    assert latin["escaped_path"] == '"latin\\351"'
    quoted = next(one for one in found if one["path"].startswith("odd/quo"))
    assert quoted["escaped_path"] == '"odd/quo\\"te\\\\"'


def test_the_root_of_the_main_branch(widgets: Stocked, host: LiveHost, people: Any, tmp_path: Path) -> None:
    """`/src` leads there with its query, and says that an empty repository has no commit."""
    for target in ("/src", "/src/"):
        answer = widgets.get(f"{target}?pagelen=3&q=path~%22a%22")
        place = f"{widgets.url}/src/{widgets.work.head('main')}/?pagelen=3&q=path~%22a%22"
        assert (answer.status_code, answer.headers["Location"], answer.content) == (302, place, b"")
    empty = stocked(host, tmp_path / "empty", "source", people)
    for path in ("/src", "/src/main/", "/src/HEAD/README.md"):
        answer = empty.get(path)
        assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Commit not found")


def test_a_stranger_learns_nothing(widgets: Stocked) -> None:
    """What is private answers as what is missing."""
    for path in ("/src", "/src/main/", "/src/main/README.md", "/src/none/x"):
        for send in (widgets.stranger, widgets.anonymous):
            missing = send("GET", f"/2.0/repositories/source/nothing{path}")
            answer = send("GET", f"{widgets.at}{path}")
            assert (answer.status_code, answer.json()) == (missing.status_code, missing.json())
            assert answer.status_code in (401, 404)


@pytest.mark.slow
def test_a_folder_of_folders_without_end_is_cut_off(host: LiveHost, people: Any, tmp_path: Path) -> None:
    """A repository of some kilobytes has ten billion paths: pages of it are quick, and the whole is refused."""
    bomb = stocked(host, tmp_path / "bomb", "source", people)
    tree = bomb.work.git("hash-object", "-w", "-t", "tree", "/dev/null").strip()
    for _ in range(10):
        lines = "".join(f"040000 tree {tree}\tf{number}\n" for number in range(10))
        made = subprocess.run(
            ["git", "mktree"],
            cwd=bomb.work.folder,
            env=ENVIRONMENT,
            input=lines,
            capture_output=True,
            text=True,
            check=True,
        )
        tree = made.stdout.strip()
    commit = bomb.work.git("commit-tree", "-m", "Deep", tree).strip()
    bomb.work.git("update-ref", "refs/heads/main", commit)
    bomb.push("main")
    assert len(bomb.get("/src/main/?max_depth=1000000&pagelen=100").json()["values"]) == 100
    for query in ("page=1000000", "sort=-path", "q=size>5"):
        answer = bomb.get(f"/src/main/?max_depth=64&{query}")
        assert (answer.status_code, answer.json()["type"]) == (555, "error")


def test_the_history_of_a_file_is_that_of_git(host: LiveHost, people: Any, tmp_path: Path) -> None:
    """Page by page, through a rename, through merges, and past a commit that deleted it."""
    made = stocked(host, tmp_path / "history", "source", people)
    lines = "".join(f"line {number}\n" for number in range(20))
    for content in ("", "a\n", None, "b\n"):
        write(made.work, {"old.txt": None if content is None else lines + content, "other": str(content)})
    made.work.git("checkout", "--quiet", "-b", "side")
    write(made.work, {"old.txt": lines + "side\n"})
    made.work.git("checkout", "--quiet", "main")
    write(made.work, {"third": "x"})
    made.work.git("merge", "--quiet", "--no-edit", "side")
    made.work.git("mv", "old.txt", "new.txt")
    made.work.git("commit", "--quiet", "-m", "Renamed")
    write(made.work, {"new.txt": lines + "c\n"})
    made.push()
    wanted = made.work.git("log", "--follow", "-M", "--format=%H", "--", "new.txt").split()
    found, pages = _walk(made, "/filehistory/main/new.txt?pagelen=2")
    assert ([one["commit"]["hash"] for one in found], pages) == (wanted, (len(wanted) + 1) // 2)
    assert [one["path"] for one in found] == ["new.txt"] * 2 + ["old.txt"] * (len(wanted) - 2)
    deleted = [one for one in found if "size" not in one]
    assert [one["commit"]["hash"] for one in deleted] == made.work.git(
        "log", "--diff-filter=D", "--format=%H", "--", "old.txt"
    ).split()[-1:]
    for one in found[:2]:
        target = one["links"]["self"]["href"].removeprefix(host.url)
        assert len(made.send("GET", target).content) == one["size"]
    assert made.get("/filehistory/main/new.txt").json()["pagelen"] == 50
    assert made.get("/filehistory/main/new.txt?renames=some").json()["error"]["fields"] == {
        "renames": ["Not a boolean."]
    }
    short, _ = _walk(made, "/filehistory/main/new.txt?renames=False")
    assert [one["commit"]["hash"] for one in short] == made.work.git(
        "log", "--no-renames", "--format=%H", "--", "new.txt"
    ).split()
    chosen = quote(f'commit.hash="{wanted[-1]}" or commit.message~"RENAMED"')
    page = made.get(
        f"/filehistory/main/new.txt?q={chosen}&sort=commit.date&fields=values.path,values.commit.hash"
    ).json()
    assert {one["commit"]["hash"] for one in page["values"]} == {wanted[-1], wanted[1]}
    assert made.get("/filehistory/main/new.txt?q=commit.date<2001-01-01").json()["values"] == []
    assert made.get("/filehistory/side/old.txt?page=9").json()["values"] == []


def test_a_history_of_what_is_not_there(widgets: Stocked) -> None:
    """A 404, as for the file itself; a folder has the commits that changed something in it."""
    for path in ("main/none", "none/README.md", "main/-rf", "main/..", "main/README.md%00"):
        assert widgets.get(f"/filehistory/{path}").status_code == 404, path
    found = widgets.get("/filehistory/main/src").json()["values"]
    assert [(one["type"], one["path"]) for one in found] == [("commit_directory", "src")]
    root = widgets.get("/filehistory/main/%2F").json()["values"]
    assert {(one["type"], one["path"]) for one in root} == {("commit_directory", "")}
    for name in ODD:
        assert len(widgets.get(f"/filehistory/main/odd/{quote(name)}").json()["values"]) == 1, name
    assert len(widgets.get(f"/filehistory/main/{quote(LATIN)}").json()["values"]) == 1
