"""Clients of git that are no git: libraries with a protocol of their own."""

import io
import json
from pathlib import Path

import pygit2
import pytest
from dulwich import porcelain
from dulwich.client import HTTPUnauthorized
from dulwich.refs import Ref

from tests.acceptance.node.programs import running
from tests.smart_http.conftest import Place
from tests.smart_http.git_client import Work


@pytest.mark.node
@pytest.mark.slow
def test_isomorphic_git_clones_and_pushes(place: Place, work: Work, tmp_path: Path) -> None:
    """npm `isomorphic-git` makes a shallow clone, and its push is as git's."""
    work.git("push", place.url(), "main")
    environment = {"GIT_URL": place.public_url, "FOLDER": str(tmp_path / "clone"), "TOKEN": place.ann}
    with running("git_client.js", tmp_path / "log", **environment) as program:
        answer = json.loads(program.line())
    assert answer["ok"]
    assert place.changes()[1:] == [("library", None, answer["commit"])]
    assert place.is_whole()


def test_dulwich_clones_fetches_and_pushes(place: Place, work: Work, tmp_path: Path) -> None:
    """PyPI `dulwich` clones by a token, sees a commit that came later, and its push is as git's; no token, no clone."""
    work.git("push", place.url(), "main")
    with porcelain.clone(place.url(), tmp_path / "clone", errstream=io.BytesIO()) as clone:
        assert clone.head().decode() == work.head()
        later = work.commit("later")
        work.git("push", place.url(), "main")
        fetched = porcelain.fetch(clone, place.url(), errstream=io.BytesIO())
        assert fetched.refs[Ref(b"refs/heads/main")] == later.encode()
        (tmp_path / "clone" / "more").write_text("more\n")
        porcelain.add(clone, [tmp_path / "clone" / "more"])
        made = porcelain.commit(
            clone, "by a library", author=b"Ann <ann@example.com>", committer=b"Ann <ann@example.com>"
        )
        porcelain.push(clone, place.url(), "HEAD:refs/heads/library", io.BytesIO(), io.BytesIO())
    assert place.changes()[2:] == [("library", None, made.decode())]
    assert place.is_whole()
    with pytest.raises(HTTPUnauthorized):
        porcelain.clone(place.public_url, tmp_path / "none", errstream=io.BytesIO())


def test_libgit2_clones_and_pushes(place: Place, work: Work, tmp_path: Path) -> None:
    """PyPI `pygit2` clones, and pushes a branch and a tag, which are as git's; then it deletes both."""
    work.git("push", place.url(), "main")
    author = pygit2.Signature("Ann", "ann@example.com")
    callbacks = pygit2.RemoteCallbacks(pygit2.UserPass("x-token-auth", place.ann))
    clone = pygit2.clone_repository(place.public_url, tmp_path / "clone", callbacks=callbacks)
    assert str(clone.head.target) == work.head()
    tree = clone.head.peel(pygit2.Commit).tree_id
    made = clone.create_commit("refs/heads/library", author, author, "by a library", tree, [clone.head.target])
    tag = clone.create_tag("v1", made, pygit2.enums.ObjectType.COMMIT, author, "One")
    refs = ["refs/heads/library", "refs/tags/v1"]
    clone.remotes["origin"].push(refs, callbacks)
    assert place.changes()[1:] == [("library", None, str(made)), ("v1", None, str(tag))]
    assert place.is_whole()
    clone.remotes["origin"].push([f":{ref}" for ref in refs], callbacks)
    assert [name for name, _, new in place.changes()[3:] if new is None] == ["library", "v1"]
