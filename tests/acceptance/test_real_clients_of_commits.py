"""Published clients, unchanged, read, compare and comment commits.

npm `bitbucket`, npm `@coderabbitai/bitbucket`, and `atlassian-python-api`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from atlassian.bitbucket.cloud import Cloud

from tests.acceptance.node.programs import Program, running
from tests.api.widgets import Widgets, widgets
from tests.conftest import NewDatabase

pytestmark = pytest.mark.slow
WIDGETS = {"workspace": "acme", "repo_slug": "widgets"}


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[Widgets]:
    with widgets(tmp_path_factory.mktemp("widgets"), new_database()) as made:
        yield made


@pytest.fixture(scope="module")
def program(acme: Widgets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    log = tmp_path_factory.mktemp("client") / "client.log"
    with running("people_client.js", log, HOST_URL=acme.host.url, USERNAME="ann", TOKEN=acme.token) as program:
        yield program


def _call(program: Program, operation: str, **parameters: Any) -> tuple[int, Any]:
    asked = {"group": "commits", "operation": operation, "parameters": {**WIDGETS, **parameters}}
    answer = program.ask(asked)
    return answer["status"], answer.get("data")


@pytest.mark.node
def test_node_bitbucket_reads_and_comments_commits(acme: Widgets, program: Program) -> None:
    """One commit, lists by GET and POST, diff and patch as texts, comments and an approval."""
    main = acme.id("main")
    status, commit = _call(program, "get", commit="main")
    assert (status, commit["hash"], commit["parents"][0]["hash"]) == (200, main, acme.id("main~1"))
    status, listed = _call(program, "list", pagelen=2, exclude="v1")
    assert (status, len(listed["values"]), "next" in listed) == (200, 2, True)
    status, of_branch = _call(program, "listAt", revision="feature/x", path="src/b")
    assert (status, [one["message"] for one in of_branch["values"]]) == (
        200,
        ["Change b\n", "Begin\n\nWith a body.\n"],
    )
    assert _call(program, "listAlt")[0] == _call(program, "listAtAlt", revision="main")[0] == 200
    status, diff = _call(program, "getDiff", spec="topic..main")
    assert (status, diff.splitlines()[0]) == (200, "diff --git a/topic b/topic")
    assert _call(program, "getPatch", spec=main)[1].startswith(f"From {main} ")
    status, comment = _call(program, "createComment", commit=main, _body={"content": {"raw": "Well done."}})
    assert (status, comment["content"]["html"]) == (201, "<p>Well done.</p>")
    there = {"commit": main, "comment_id": comment["id"]}
    changed = _call(program, "updateComment", **there, _body={"content": {"raw": "Better."}})
    assert (changed[0], _call(program, "getComment", **there)[1]["content"]["raw"]) == (201, "Better.")
    assert [one["id"] for one in _call(program, "listComments", commit=main)[1]["values"]] == [comment["id"]]
    assert _call(program, "deleteComment", **there)[0] == 204
    assert _call(program, "createApproval", commit=main)[1]["approved"] is True
    assert _call(program, "deleteApproval", commit=main)[0] == 204
    assert _call(program, "get", commit="none")[0] == 404


@pytest.mark.node
def test_coderabbit_reads_a_repository(acme: Widgets, tmp_path: Path) -> None:
    """The repository, its commits, files and changes, by the client's typed addresses."""
    log, below = tmp_path / "client.log", "/repositories/{workspace}/{repo_slug}"
    with running("coderabbit_client.js", log, HOST_URL=acme.host.url, USERNAME="ann", TOKEN=acme.token) as program:

        def ask(method: str, address: str, **path: str) -> tuple[int, Any]:
            answer = program.ask({"method": method, "address": f"{below}{address}", "path": {**WIDGETS, **path}})
            return answer["status"], answer.get("data")

        main = acme.id("main")
        status, repository = ask("GET", "")
        assert (status, repository["uuid"], repository["mainbranch"]["name"]) == (200, acme.uuid, "main")
        status, listed = ask("GET", "/commits/{revision}", revision="main")
        assert (status, listed["values"][0]["hash"]) == (200, main)
        assert ask("GET", "/commit/{commit}", commit=main)[1]["hash"] == main
        status, folder = ask("GET", "/src/{commit}/{path}", commit=main, path="")
        assert (status, folder["values"][0]["commit"]["hash"]) == (200, main)
        status, changed = ask("GET", "/diffstat/{spec}", spec=main)
        assert (status, changed["values"][0]["type"]) == (200, "diffstat")
        assert ask("GET", "/commit/{commit}", commit="none")[0] == 404


def test_atlassian_python_api_reads_and_comments_commits(acme: Widgets) -> None:
    """The client's own objects: commits over pages, one commit, a comment and an approval."""
    cloud = Cloud(  # type: ignore[no-untyped-call]
        url=acme.host.url, username="ann", password=acme.token
    )
    repository = cloud.workspaces.get("acme").repositories.get("widgets")
    listed = [one.hash for one in repository.commits.each()]
    assert listed == acme.git("log", "--format=%H", "--branches", "--tags").splitlines()
    some = [one.hash for one in repository.commits.each(top="topic", exclude="main", sort="-date")]
    assert some == [acme.id("topic")]
    commit = repository.commits.get(acme.id("main"))
    assert (commit.message, [one.hash for one in commit.parents()]) == ("Rename a\n", [acme.id("main~1")])
    # The client reads comments of pull requests alone.
    assert commit.comment("From Python.")["content"]["raw"] == "From Python."
    commit.approve()
    approved = repository.commits.get(acme.id("main"))
    assert [(one.has_approved, one.user.display_name) for one in approved.participants()] == [(True, "Ann Lee")]
