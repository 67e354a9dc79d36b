"""Files of git LFS over the API: of what git has as a pointer, the content of the object."""

import hashlib
from pathlib import Path

import pytest

from roadstead.domain.repositories import lfs
from roadstead.domain.repositories.stored_files import lfs_objects_in
from tests.api.stocked import Stocked, stocked, workspace, write
from tests.live import LiveHost
from tests.web.reading import document

LARGE = bytes(range(256)) * 512
MISSING = b"was never pushed"


def _pointer(content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"


NO_POINTERS = {
    "upper": _pointer(LARGE).replace("sha256:", "SHA256:"),
    "zeros": _pointer(LARGE).replace("size ", "size 0"),
    "more": f"{_pointer(LARGE)}\n",
    "windows": _pointer(LARGE).replace("\n", "\r\n"),
    "link": f"->{_pointer(LARGE)}",
}


@pytest.fixture(scope="module")
def art(host: LiveHost, tmp_path_factory: pytest.TempPathFactory) -> Stocked:
    """A repository with pointers, of one of which it has the object."""
    made = stocked(host, tmp_path_factory.mktemp("art"), "art", workspace(host, "art"))
    files = {"large.png": _pointer(LARGE), "large.txt": _pointer(LARGE), "missing.png": _pointer(MISSING)}
    files["missing.md"] = _pointer(MISSING)
    write(made.work, {**files, **NO_POINTERS})
    made.push()
    _store(made, LARGE)
    return made


def _store(made: Stocked, content: bytes) -> None:
    """Give a repository an object."""
    objects = lfs_objects_in(made.place.host.settings.data)
    place = objects.path(made.place.repository.uuid, hashlib.sha256(content).hexdigest())
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def test_the_content_is_that_of_the_object(art: Stocked) -> None:
    """Whole, in part, and its head; a known one is not sent again, and a stranger learns nothing."""
    whole = art.get("/src/main/large.png")
    assert (whole.status_code, whole.content) == (200, LARGE)
    assert whole.headers["Content-Type"] == "image/png"
    part = art.get("/src/main/large.png", headers={"Range": "bytes=250-259"})
    assert (part.status_code, part.content) == (206, LARGE[250:260])
    head = art.send("HEAD", f"{art.at}/src/main/large.png")
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(LARGE)))
    assert art.get("/src/main/large.png", headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    assert art.stranger("GET", f"{art.at}/src/main/large.png").status_code == 404


def test_a_description_is_that_of_the_object(art: Stocked) -> None:
    """`lfs` is among the attributes, and the size is that of the object: in lists, with `format=meta`, in histories."""
    listed = art.get("/src/main/?q=size%20%3E%20200").json()["values"]
    found = [(one["path"], one["attributes"], one["size"]) for one in listed]
    assert found == [("large.png", ["binary", "lfs"], len(LARGE)), ("large.txt", ["lfs"], len(LARGE))]
    assert art.get("/src/main/large.png?format=meta").json() == listed[0]
    (entry,) = art.get("/filehistory/main/large.png").json()["values"]
    assert (entry["attributes"], entry["size"]) == (["binary", "lfs"], len(LARGE))


def test_an_object_that_goes_while_it_is_asked_for(art: Stocked, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its repository, for instance: a 503, and none of the host's paths."""
    monkeypatch.setattr(lfs, "_size", lambda *_: len(MISSING))
    answers = [art.get(f"/src/main/{address}") for address in ("missing.png", "missing.md?format=rendered")]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert [answer.json()["error"]["detail"] for answer in answers] == ["No such file or directory."] * 2


def test_without_its_object_a_pointer_is_what_git_has(art: Stocked) -> None:
    """When the object comes, the tag is another, and a client that knows the pointer gets the content."""
    answer = art.get("/src/main/missing.png")
    assert (answer.status_code, answer.text) == (200, _pointer(MISSING))
    described = art.get("/src/main/missing.png?format=meta").json()
    assert (described["attributes"], described["size"]) == (["binary", "lfs"], len(MISSING))
    _store(art, MISSING)
    later = art.get("/src/main/missing.png", headers={"If-None-Match": answer.headers["ETag"]})
    assert (later.status_code, later.content) == (200, MISSING)


@pytest.mark.parametrize("name", NO_POINTERS)
def test_what_only_looks_like_a_pointer_is_a_file(art: Stocked, name: str) -> None:
    """git LFS writes pointers in one form, and nothing else is one."""
    assert art.get(f"/src/main/{name}").text == NO_POINTERS[name].removeprefix("->")
    assert "lfs" not in art.get(f"/src/main/{name}?format=meta").json()["attributes"]


RENDERED = {
    "README.md": (b"# Large\n", "markdown", '<h1 id="markdown-header-large">Large</h1>'),
    "notes.text": (b"one\n\ntwo", "plaintext", "<p>one</p>\n<p>two</p>"),
}


@pytest.mark.parametrize("name", RENDERED)
def test_the_text_of_an_object_is_rendered(art: Stocked, name: str) -> None:
    """A README in git LFS is read as one in git; until its object comes, the pointer is what there is to show."""
    content, markup, html = RENDERED[name]
    write(art.work, {name: _pointer(content)})
    art.push()
    assert art.get(f"/src/main/{name}?format=rendered").json()["raw"] == _pointer(content)
    _store(art, content)
    answer = art.get(f"/src/main/{name}?format=rendered").json()
    assert answer == {"type": "rendered", "raw": content.decode(), "markup": markup, "html": html}


def test_a_long_object_is_not_rendered(art: Stocked) -> None:
    """As a long file of git is not: its pointer is not the text that was asked for."""
    long = b"x" * (1 << 17) + b"\n"
    write(art.work, {"long.md": _pointer(long)})
    art.push()
    _store(art, long)
    assert art.get("/src/main/long.md?format=rendered").status_code == 400


def test_pages_show_what_a_pointer_stands_for(host: LiveHost, tmp_path: Path) -> None:
    """The text of the README, and the size of the object in a list of files."""
    made = stocked(host, tmp_path, "lfsread", workspace(host, "lfsread"), is_private=False)
    content, _, html = RENDERED["README.md"]
    write(made.work, {"README.md": _pointer(content)})
    _store(made, content)
    made.push()
    page = f"/{made.place.repository.full_name}"
    assert html in made.anonymous("GET", page).text
    (listed,) = document(made.anonymous("GET", f"{page}/src/main/")).css(".entries li")
    assert [one.text() for one in listed.css(".badge, .size")] == ["LFS", f"{len(content)} B"]
