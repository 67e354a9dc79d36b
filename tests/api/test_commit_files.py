"""Commits made over HTTP: every form that clients send makes one commit, and what cannot be changes nothing."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from roadstead.api.multipart import Head, Part, parse, parts_of
from roadstead.domain.access.access_tokens import create_access_token
from roadstead.domain.access.credentials import create_user_with_token
from roadstead.domain.host import Host
from roadstead.domain.people.workspaces import add_member
from roadstead.domain.repositories import committing
from roadstead.errors import InvalidInput
from roadstead.git.writing import write_commit
from tests.api.stocked import Stocked, stocked, workspace, write
from tests.live import LiveHost, exchange

Make = Callable[..., Stocked]
Fields = list[tuple[str, str]]


@pytest.fixture(scope="module")
def people(host: LiveHost) -> tuple[str, str]:
    return workspace(host, "commit")


@pytest.fixture
def make(host: LiveHost, people: tuple[str, str], tmp_path: Path) -> Make:
    """Return a function that makes a repository with some files, or an empty one."""

    def make(*, is_empty: bool = False) -> Stocked:
        made = stocked(host, tmp_path / "work", "commit", people)
        if not is_empty:
            write(made.work, {"README.md": "# Widgets\n", "src/app.py": "print()\n", "src/lib/a.c": "a", "run.sh": "x"})
            (made.work.folder / "run.sh").chmod(0o755)
            write(made.work, {"link": "->README.md"})
            made.push()
        return made

    return make


def _form(made: Stocked, *fields: tuple[str, str], send: Callable[..., httpx.Response] | None = None) -> httpx.Response:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return (send or made.send)("POST", f"{made.at}/src", content=urlencode(fields).encode(), headers=headers)


def _multipart(made: Stocked, *parts: bytes, boundary: bytes = b"XX", kind: str = "form-data") -> httpx.Response:
    body = b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts) + b"--%b--\r\n" % boundary
    headers = {"Content-Type": f'multipart/{kind}; boundary="{boundary.decode()}"'}
    return made.send("POST", f"{made.at}/src", content=body, headers=headers)


def _field(name: str, value: str) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()


def _file(name: str, content: bytes, more: str = "") -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"; filename="x"{more}\r\nContent-Type: text/plain\r\n\r\n'
    return head.encode() + content


def _tree(made: Stocked, revision: str = "main") -> dict[str, str]:
    """Return the mode and content of each file."""
    found = {}
    for line in made.git("ls-tree", "-r", revision).splitlines():
        mode, _, id_, path = line.replace("\t", " ").split(" ", 3)
        found[path] = f"{mode} {made.git('cat-file', 'blob', id_)}"
    return found


def _log(made: Stocked, revision: str = "main") -> list[str]:
    return made.git("log", "-1", "--format=%an <%ae>%n%cn <%ce>%n%P%n%B", revision).split("\n", 3)


OWNER = "commitowner <commitowner@git.example>"


@pytest.mark.each_database
def test_a_form_of_texts_makes_one_commit(make: Make) -> None:
    """On top of the main branch, with the cloud's answer; what is not named stays, and the push is an event."""
    made = make()
    before, tip = _tree(made), made.work.head()
    answer = _form(made, ("/docs/new.md", "Lorem ipsum."), ("message", "Add a page"), ("src/app.py", "caf\u00e9\n"))
    commit = made.git("rev-parse", "main").strip()
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (
        201,
        b"",
        "text/html; charset=utf-8",
    )
    assert answer.headers["Location"] == f"{made.url}/commit/{commit}"
    assert _tree(made) == {**before, "docs/new.md": "100644 Lorem ipsum.", "src/app.py": "100644 caf\u00e9\n"}
    assert _log(made) == [OWNER, OWNER, tip, "Add a page\n"]
    assert made.place.changes()[-1] == ("main", tip, commit)
    assert made.get("/src/main/docs/new.md").content == b"Lorem ipsum."
    assert made.place.is_whole()


@pytest.mark.parametrize("kind", ["user", "app_user"])
def test_an_account_without_an_address_is_the_author(make: Make, kind: str) -> None:
    """Of its commit and its tag, whose signature has its account id: a user, or the account of an access token."""
    made = make()
    host, (workspace, slug) = made.place.host, made.place.repository.full_name.split("/")

    async def new(opened: Host) -> str:
        if kind == "app_user":
            token, _ = await create_access_token(opened, "Robot", workspace, None, scopes=None, lifetime=None)
            return token
        user, token = await create_user_with_token(opened, f"plain-{slug}", display_name="Robot")
        await add_member(opened, workspace, user.username, "owner")
        return token

    send = partial(exchange, host.url, headers={"Authorization": f"Bearer {host.work(new)}"})
    answer = send("POST", f"{made.at}/src", json={"robot.txt": "1"})
    author = made.get(f"/commit/{answer.headers['Location'][-40:]}").json()["author"]
    assert (author["user"]["type"], author["user"]["display_name"]) == (kind, "Robot")
    assert author["raw"] == f"Robot <{author['user']['account_id']}@users.noreply.invalid>"
    tag = send("POST", f"{made.at}/refs/tags", json={"name": "by-robot", "target": {"hash": "main"}}).json()
    assert tag["tagger"] == author == tag["target"]["author"]


def test_a_multipart_form_has_files_of_any_bytes(make: Make) -> None:
    """As browsers, curl and go-scm send it: a file name, even an empty one, makes a file; bytes stay as they are."""
    made = make()
    content = bytes(range(256)) * 5 + b"\r\n--X\r\n\r\n-XX--"
    large = os.urandom(3 << 20)
    answer = _multipart(
        made,
        _file("/image.png", content),
        b'Content-Disposition: form-data; name="empty"; filename=""\r\n\r\n',
        _file("large.bin", large),
        _file("message", b"a file"),
        _field("plain.txt", "no file name"),
        _field("message", "Files\n\nof any kind"),
        _field("author", "Ada Harbour <ada@example.com>"),
        _field("branch", "main"),
        'Content-Disposition: form-data; name="caf\u00e9 \\"x\\".txt"; filename="y"\r\n\r\nz'.encode(),
    )
    assert answer.status_code == 201, answer.text
    for path, wanted in {"image.png": content, "empty": b"", "large.bin": large, "message": b"a file"}.items():
        assert made.get(f"/src/main/{path}").content == wanted, path
    assert made.get("/src/main/plain.txt").text == "no file name"
    assert made.get("/src/main/caf%C3%A9%20%22x%22.txt").text == "z"
    assert _log(made)[:2] == ["Ada Harbour <ada@example.com>", OWNER]
    assert _log(made)[3] == "Files\n\nof any kind\n"
    assert made.place.is_whole()


def test_httpx_and_its_files(make: Make) -> None:
    """A published HTTP client sends files and fields as users of it do."""
    made = make()
    url, headers = f"{made.url}/src", {"Authorization": f"Bearer {made.place.ann}"}
    data = {"message": "Move", "files": ["README.md", "docs/README.md"]}
    answer = httpx.post(url, headers=headers, data=data, files={"docs/README.md": ("README.md", b"# Moved\n")})
    assert answer.status_code == 201
    assert {path for path in _tree(made) if "README" in path} == {"docs/README.md"}
    assert httpx.post(url, headers=headers, json={"/b.txt": "json", "files": ["run.sh"]}).status_code == 201
    assert (_tree(made)["b.txt"], "run.sh" in _tree(made)) == ("100644 json", False)


def test_files_are_deleted_moved_and_made_programs_and_links(make: Make) -> None:
    """`files` without content deletes; attributes make programs and links; a file without them is neither."""
    made = make()
    answer = _multipart(
        made,
        _field("files", "/src/app.py"),
        _field("files", "src/lib/a.c"),
        _field("files", "moved.py"),
        _file("moved.py", b"print()\n"),
        _file("bin/stop.sh", b"halt", '; x-attributes="executable"'),
        _file("run.sh", b"plain"),
        _file("link", b"plain"),
        b'Content-Disposition: attachment; filename="R"; x-attributes:"link"\r\nContent-ID: "/R.txt"\r\n\r\nREADME',
    )
    assert answer.status_code == 201, answer.text
    assert _tree(made) == {
        "README.md": "100644 # Widgets\n",
        "R.txt": "120000 README",
        "bin/stop.sh": "100755 halt",
        "link": "100644 plain",
        "moved.py": "100644 print()\n",
        "run.sh": "100644 plain",
    }
    assert made.place.is_whole()


def test_branches_and_parents(make: Make) -> None:
    """A new branch begins at the main one or at the parent; the parent of an existing one must be its newest commit."""
    made = make()
    tip, first = made.work.head(), made.work.head("HEAD~1")
    assert _form(made, ("a", "1"), ("branch", "feature/a")).status_code == 201
    assert made.git("rev-parse", "feature/a^", "main").split() == [tip, tip]
    assert _form(made, ("a", "1"), ("branch", "old"), ("parents", first)).status_code == 201
    assert made.git("rev-parse", "old^").strip() == first
    assert _form(made, ("branch", "same"), ("parents", first[:10])).status_code == 201
    assert made.git("rev-parse", "same^", "same^{tree}").split() == [first, made.work.head(f"{first}^{{tree}}")]
    assert _form(made, ("a", "2"), ("parents", tip)).status_code == 201
    for fields in ([("parents", tip)], [("parents", first)], [("branch", "old"), ("parents", first)]):
        answer = _form(made, ("a", "3"), *fields)
        assert answer.status_code == 409, fields
    assert _form(made, ("a", "3"), ("branch", "old")).status_code == 201
    assert made.place.is_whole()


def test_the_first_commit_of_a_repository(make: Make) -> None:
    """It has no parent, and its branch is the main one from then on."""
    made = make(is_empty=True)
    assert _form(made, ("branch", "x")).status_code == 400
    assert _form(made, ("a", "1"), ("parents", "0" * 40)).json()["error"]["fields"] == {"parents": []}
    assert _form(made, ("a", "1"), ("branch", "trunk")).status_code == 201
    assert _log(made, "trunk")[2:] == ["", "a edited online\n"]
    location = made.get("/src").headers["Location"]
    assert location.endswith(f"/src/{made.git('rev-parse', 'trunk').strip()}/")
    assert _form(made, ("b", "2")).status_code == 201
    assert set(_tree(made, "trunk")) == {"a", "b"}
    assert made.place.is_whole()


REFUSED: list[tuple[Fields, str]] = [
    ([], "There is nothing to commit."),
    ([("message", "nothing")], "There is nothing to commit."),
    ([("files", "none")], "files: No such file or directory: none"),
    ([("files", "src")], "src is a folder: name the files in it."),
    ([("files", "README.md/x")], "README.md/x is a file and a folder"),
    ([("README.md/x", "1")], "README.md/x is a file and a folder"),
    ([("src", "1")], "src is a file and a folder"),
    ([("a", "1"), ("a/b", "2")], "a is a file and a folder"),
    ([("a", "1"), ("/a", "2")], "The file a is given more than once."),
    ([("a", "1"), ("branch", "x"), ("branch", "y")], "branch: It is given more than once."),
    ([("a", "1"), ("parents", "main"), ("parents", "main")], "parents: It is given more than once."),
    ([("a", "1"), ("parents", "none")], "parents: Commit not found: none"),
    ([("a", "1"), ("parents", "main^")], "parents: Commit not found: main^"),
    ([("a", "1"), ("parents", "--all")], "parents: Commit not found: --all"),
    ([("a", "1"), ("author", "Ada")], "author: "),
    ([("a", "1"), ("author", "<ada@example.com>")], "author: "),
    ([("a", "1"), ("author", "A\nb <x@y>")], "author: "),
    ([("a", "1"), ("author", " " * 100_000)], "author: "),
    ([("a", "1"), ("author", "A\0 <x@y>")], ""),
    ([("a", "1"), ("message", "a\0b")], ""),
    ([(".gitmodules", '[submodule "x"]\npath = x\nurl = -u./x\n')], "git accepts no such file"),
    *(([("a", "1"), ("branch", name)], "branch: ") for name in ("a..b", "-x", "x.lock", "a b", "../x", "@", "x" * 251)),
    *(([("a", "1"), ("branch", name)], "branch: ") for name in ("HEAD", "refs/heads/main")),
    *(
        ([(path, "1")], "This cannot be the path of a file: ")
        for path in (
            *(
                "/",
                "//x",
                "x/",
                "x//y",
                ".",
                "..",
                "../x",
                "x/../../y",
                "./x",
                "a\0b",
                ".git",
                ".git/config",
                "x/.GIT/y",
            ),
            *(
                ".Git ",
                "git~1",
                "GIT~1/x",
                ".g\u200cit/config",
                ".git::$INDEX_ALLOCATION",
                "a\\.git\\config",
                "x" * 5000,
                "x/" * 1500 + "y",
            ),
        )
    ),
]


def test_what_cannot_be_committed_changes_nothing(make: Make) -> None:
    """A path that leaves the repository or reaches git's own folder, a name, a parent: a 400 with its reason."""
    made = make()
    before = made.place.refs()
    for fields, message in REFUSED:
        answer = _form(made, *fields)
        assert answer.status_code == 400, (fields, answer.text)
        assert answer.json()["error"]["message"].startswith(message), (fields, answer.text)
    assert (made.place.refs(), made.place.open_pushes()) == (before, [])
    assert made.place.is_whole()


BROKEN = {
    b"": "ends within",
    b"--XX": "within",
    b"--XX\r\n": "within",
    b"nonsense": "Expected boundary",
    b"--YY\r\n\r\n--YY--": "Expected boundary",
    b"--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nno end": "within",
    b"--XX\r\nContent-Disposition: form-data; name=a\r\n--XX--": "within",
    b"--XX\r\nContent-Disposition: form-data\r\n\r\nx\r\n--XX--": "no name",
    b'--XX\r\nContent-Disposition: form-data; name=""\r\n\r\nx\r\n--XX--': "no name",
    b"--XX\r\n\r\nx\r\n--XX--": "no name",
    b"--XXX\r\nContent-ID: a\r\n\r\nx\r\n--XX--": "end of boundary",
    b"--XX\r\nContent-ID: a\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--XX--": "bytes",
    b"--XX\r\n" + b"X: y\r\n" * 5000 + b"\r\nx\r\n--XX--": "header count",
    b"--XX\r\nContent-ID: " + b"y" * 20_000 + b"\r\n\r\nx\r\n--XX--": "header size",
    b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 1001 + b"--XX--": "more than 1000",
}


def test_a_broken_form_is_refused(make: Make) -> None:
    """Whatever is wrong with its boundary, its headers or its end."""
    made = make()
    headers = {"Content-Type": "multipart/form-data; boundary=XX"}
    for body, reason in BROKEN.items():
        answer = made.send("POST", f"{made.at}/src", content=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, "The form cannot be read."), body[:60]
        assert reason in answer.json()["error"]["detail"], body[:60]
    for kind in ("multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary=""'):
        answer = made.send("POST", f"{made.at}/src", content=b"--XX--", headers={"Content-Type": kind})
        assert answer.status_code == 400, kind
    many = [(f"f{number}", "") for number in range(1001)]
    assert _form(made, *many).json()["error"]["detail"] == "It has more than 1000 parts."
    answer = made.send("POST", f"{made.at}/src", content=b"x", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, "multipart/form-data" in answer.json()["error"]["detail"]) == (415, True)
    long = _form(made, ("a", "x" * (1 << 20)))
    assert (long.status_code, long.json()["error"]["message"]) == (413, "The body is too large.")
    assert len(made.place.refs()) == 1


async def _in_pieces(body: bytes, length: int) -> list[Part]:
    """Return the parts of a body that comes in pieces of a length."""

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), length):
            yield body[at : at + length]

    found: list[Part] = []
    async for one in parts_of(pieces(), b"b"):
        if isinstance(one, Head):
            found.append(Part(one.name, b"", one.filename is not None, one.attributes))
        else:
            found[-1] = found[-1]._replace(content=found[-1].content + one)
    return found


def test_the_parts_of_a_form() -> None:
    """Bytes stay as they are, those of lines that are no boundary, too; what follows the last part is left out.

    It makes no difference in which pieces a form comes.
    """
    first = b'Content-Disposition: form-data; name="n"\r\n\r\n\r\n-b\r\n'
    body = b"\r\n--b\r\n" + first + b"\r\n--b\r\nContent-ID: <i>\r\n\r\n\r\n--b--after"
    assert parse(body, b"b") == [Part(b"n", b"\r\n-b\r\n"), Part(b"<i>", b"")]
    assert parse(b"--b--", b"b") == []
    for length in range(1, len(body)):
        assert asyncio.run(_in_pieces(body, length)) == parse(body, b"b"), length
    with pytest.raises(InvalidInput):
        parse(body, b"c")


def test_commits_at_once_are_all_kept(make: Make) -> None:
    """Of commits to one branch at the same moment each is there; of those that name a parent, one is."""
    made = make()
    tip = made.work.head()
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda number: _form(made, (f"f{number}", "x")), range(4)))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert {path for path in _tree(made) if path.startswith("f")} == {f"f{number}" for number in range(4)}
    assert len(made.git("rev-list", f"{tip}..main").split()) == 4
    parent = made.git("rev-parse", "main").strip()
    with ThreadPoolExecutor(4) as threads:
        given = threads.map(lambda number: _form(made, (f"g{number}", "x"), ("parents", parent)), range(4))
        assert sorted(answer.status_code for answer in given) == [201, 409, 409, 409]
    assert len(made.git("rev-list", f"{parent}..main").split()) == 1
    assert made.place.is_whole()


def test_a_commit_that_lost_a_race_is_made_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit that is pushed between its first and its last step is its parent; it gives up when pushes never stop."""
    made = make()
    others: list[str] = []

    async def slow(folder: Path, *arguments: Any) -> str:
        commit = await write_commit(folder, *arguments)
        if len(others) < 6:
            tree = made.git("rev-parse", "main^{tree}").strip()
            others.append(made.git("commit-tree", "-p", "main", "-m", "Other", tree).strip())
            made.git("update-ref", "refs/heads/main", others[-1])
        return commit

    monkeypatch.setattr(committing, "write_commit", slow)
    assert _form(made, ("a", "1")).status_code == 409
    assert len(others) == 5
    assert _form(made, ("a", "1")).status_code == 201
    assert made.git("rev-parse", "main^").strip() == others[-1]


def test_who_may_not_write_commits_nothing(make: Make) -> None:
    """Strangers, and callers without a credential, learn nothing of a private repository; the query does nothing."""
    made = make()
    before = made.place.refs()
    for send in (made.stranger, made.anonymous):
        assert _form(made, ("a", "1"), send=send).status_code in (401, 404)
    assert made.place.refs() == before
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert made.send("POST", f"{made.at}/src?branch=x", content=b"a=1", headers=headers).status_code == 201
    assert set(made.place.refs()) == {"refs/heads/main"}


def test_a_committer_is_whom_git_takes(make: Make, people: Any) -> None:
    """A display name may have characters that would end a name for git; they are left out."""
    made = make()

    async def rename(host: Any) -> None:
        async with host.store.database.transaction() as tx:
            await tx.run("UPDATE users SET display_name = ? WHERE username = ?", "A <b>\n c", "commitowner")

    made.place.host.work(rename)
    assert _form(made, ("a", "1")).status_code == 201
    assert _log(made)[0] == "A b c <commitowner@git.example>"
    assert made.place.is_whole()
