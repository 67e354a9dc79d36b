"""Published clients, unchanged, make, change, fork and share repositories: npm `bitbucket`, `atlassian-python-api`."""

from collections.abc import Iterator
from typing import Any

import pytest
from atlassian.bitbucket.cloud import Cloud

from roadstead.domain.host import Host
from roadstead.domain.people import groups, users, workspaces
from tests.acceptance.node.programs import Program, running
from tests.api.stocked import workspace
from tests.conftest import NewDatabase
from tests.live import LiveHost, live_host

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[LiveHost]:
    with live_host(tmp_path_factory.mktemp("host"), database_url=new_database()) as host:
        yield host


@pytest.fixture(scope="module")
def token(host: LiveHost) -> str:
    """Return the token of the owner of a workspace that has a member and a group."""
    owner, _ = workspace(host, "acme")

    async def add(opened: Host) -> None:
        await users.create_user(opened, "ben")
        await workspaces.add_member(opened, "acme", "ben", "member")
        await groups.create_group(opened, "acme", "Developers", ["ben"])

    host.work(add)
    return owner


@pytest.fixture(scope="module")
def program(host: LiveHost, token: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    log = tmp_path_factory.mktemp("client") / "client.log"
    with running("people_client.js", log, HOST_URL=host.url, USERNAME="acmeowner", TOKEN=token) as program:
        yield program


@pytest.mark.node
def test_node_bitbucket_makes_changes_forks_and_shares(program: Program) -> None:
    """From the creation to the deletion, with what is granted to a user and a group, watchers and downloads."""

    def call(operation: str, repo_slug: str = "widgets", **parameters: Any) -> tuple[int, Any]:
        there = {"workspace": "acme", "repo_slug": repo_slug}
        answer = program.ask({"group": "repositories", "operation": operation, "parameters": {**there, **parameters}})
        return answer["status"], answer.get("data")

    status, made = call("create", _body={"scm": "git", "is_private": "true", "project": {"key": "OPEN"}})
    assert (status, made["full_name"], made["is_private"]) == (200, "acme/widgets", True)
    status, changed = call("update", _body={"description": "Parts", "language": "go"})
    assert (status, changed["description"], call("get")[1]["language"]) == (200, "Parts", "go")
    status, listed = call("list", q='project.key="OPEN" AND name~"widg"', role="admin", sort="-updated_on")
    assert (status, [one["slug"] for one in listed["values"]]) == (200, ["widgets"])
    status, fork = call("createFork", _body={"name": "Spare widgets", "workspace": {"slug": "acme"}})
    assert (status, fork["slug"], fork["parent"]["uuid"]) == (201, "spare-widgets", made["uuid"])
    assert call("listForks")[1]["values"][0]["uuid"] == fork["uuid"]
    (watcher,) = call("listWatchers")[1]["values"]
    _share(call)
    assert (watcher["nickname"], call("listDownloads")[1]["values"]) == ("acmeowner", [])
    assert [call("delete", slug)[0] for slug in ("spare-widgets", "widgets", "widgets")] == [204, 204, 404]


def _share(call: Any) -> None:
    """Grant to a group, which has a user; the user's own permission is none, and then one."""
    body = {"permission": "write"}
    status, granted = call("updateGroupPermission", group_slug="developers", _body=body)
    assert (status, granted["group"]["name"]) == (200, "Developers")
    (listed,) = call("listGroupPermissions")[1]["values"]
    assert (listed["permission"], call("listUserPermissions")[1]["values"]) == ("write", [])
    assert call("deleteGroupPermission", group_slug="developers")[0] == 204
    assert call("getGroupPermission", group_slug="developers")[1]["permission"] == "none"


def test_atlassian_python_api_makes_renames_and_deletes(host: LiveHost, token: str) -> None:
    """Each change of the client's object is a PUT; after a rename, its old address still leads to the repository."""
    cloud = Cloud(url=host.url, username="acmeowner", password=token)  # type: ignore[no-untyped-call]
    repositories = cloud.workspaces.get("acme").repositories
    made = repositories.create("gears", project_key="OPEN", is_private=False, fork_policy="no_public_forks")
    assert (made.slug, made.is_private, made.fork_policy) == ("gears", False, "no_public_forks")
    made.description, made.is_private = "Wheels", True
    assert (made.description, made.is_private) == ("Wheels", True)
    made.name = "Large Gears"
    assert [one.slug for one in repositories.each(q='slug~"gears"')] == ["large-gears"]
    assert list(made.branches.each()) == []
    assert [one.slug for one in cloud.workspaces.get("acme").projects.get("OPEN").repositories.each()] == [
        "large-gears"
    ]
    repositories.get("large-gears").delete()
    assert [one.slug for one in repositories.each()] == []
