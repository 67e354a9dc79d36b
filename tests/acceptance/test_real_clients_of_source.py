"""Published clients, unchanged, read and commit files and make branches: npm `bitbucket`, `atlassian-python-api`."""

from collections.abc import Iterator
from typing import Any

import pytest
from atlassian.bitbucket.cloud import Cloud

from tests.acceptance.node.programs import Program, running
from tests.api.stocked import Stocked, stocked, workspace, write
from tests.conftest import NewDatabase
from tests.live import live_host

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def widgets(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[Stocked]:
    folder = tmp_path_factory.mktemp("widgets")
    with live_host(folder / "data", database_url=new_database()) as host:
        made = stocked(host, folder / "work", "acme", workspace(host, "acme"))
        write(made.work, {"README.md": "# Widgets\n", **{f"src/{number:02}.txt": "x" for number in range(12)}})
        for name in ("feature/x", "v9", "v10"):
            made.work.git("branch", name)
        made.work.git("tag", "-a", "-m", "One", "v1.0")
        made.push("--all")
        made.push("--tags")
        yield made


@pytest.fixture(scope="module")
def program(widgets: Stocked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    log = tmp_path_factory.mktemp("client") / "client.log"
    with running(
        "people_client.js", log, HOST_URL=widgets.place.host.url, USERNAME="acmeowner", TOKEN=widgets.place.ann
    ) as program:
        yield program


@pytest.mark.node
def test_node_bitbucket_reads_and_commits(widgets: Stocked, program: Program) -> None:
    """Lists with their pages, names with slashes, contents, history, branches, tags, and a commit of files."""

    def call(group: str, operation: str, **parameters: Any) -> tuple[int, Any]:
        there = {"workspace": "acme", "repo_slug": widgets.place.repository.slug}
        answer = program.ask({"group": group, "operation": operation, "parameters": {**there, **parameters}})
        return answer["status"], answer.get("data")

    status, branches = call("refs", "listBranches", sort="name", q='name ~ "v"')
    assert (status, [one["name"] for one in branches["values"]]) == (200, ["v9", "v10"])
    assert call("refs", "getBranch", name="feature/x")[1]["name"] == "feature/x"
    assert call("refs", "list")[1]["size"] == 5
    tip = widgets.work.head()
    status, branch = call("refs", "createBranch", _body={"name": "from/node", "target": {"hash": tip}})
    assert (status, branch["target"]["hash"]) == (201, tip)
    assert call("refs", "deleteBranch", name="from/node")[0] == 204
    status, tag = call("refs", "createTag", _body={"name": "node", "target": {"hash": "main"}, "message": "Tagged"})
    assert (status, tag["message"], call("refs", "getTag", name="node")[1]["name"]) == (201, "Tagged\n", "node")
    assert call("refs", "deleteTag", name="node")[0] == 204
    assert call("source", "read", commit="feature/x", path="README.md") == (200, "# Widgets\n")
    status, listed = call("source", "read", commit=tip, path="src", pagelen=5)
    assert (status, len(listed["values"]), "next" in listed) == (200, 5, True)
    assert call("source", "readRoot")[1]["values"][0]["path"] == "src"
    assert call("source", "listHistory", commit="main", path="src/00.txt")[1]["values"][0]["path"] == "src/00.txt"
    assert call("source", "read", commit="main", path="none")[0] == 404
    status, _ = call(
        "source", "createFileCommit", _body={"/node.txt": "From Node.", "message": "Node", "files": "README.md"}
    )
    assert status == 201
    assert call("source", "read", commit="main", path="node.txt") == (200, "From Node.")
    assert call("source", "read", commit="main", path="README.md")[0] == 404


def test_atlassian_python_api_reads_and_makes_branches(widgets: Stocked) -> None:
    """The client's own objects: branches over pages, one with slashes, a new one, tags."""
    cloud = Cloud(  # type: ignore[no-untyped-call]
        url=widgets.place.host.url, username="acmeowner", password=widgets.place.ann
    )
    repository = cloud.workspaces.get("acme").repositories.get(widgets.place.repository.slug)
    assert [one.name for one in repository.branches.each(pagelen=1)] == ["feature/x", "main", "v10", "v9"]
    assert [one.name for one in repository.branches.each(q='name ~ "v"', sort="-name")] == ["v10", "v9"]
    tip = widgets.git("rev-parse", "v9").strip()
    created = repository.branches.create("from/python", tip)
    assert (created.name, created.hash) == ("from/python", tip)
    assert repository.branches.get("from/python").hash == tip
    assert [(one.name, one.hash) for one in repository.tags.each()] == [("v1.0", tip)]
    assert repository.tags.create("python", tip).name == "python"
