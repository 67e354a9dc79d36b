"""A published client manages people and projects: npm `bitbucket`, which nobody here wrote, with Basic."""

from collections.abc import Iterator
from typing import Any

import pytest

from roadstead.domain.access import credentials
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from tests.acceptance.node.programs import Program, running
from tests.live import LiveHost

pytestmark = pytest.mark.node


async def _make(host: Host) -> str:
    ann = await users.create_user(host, "ann", display_name="Ann Lee", email="ann@acme.example")
    await users.create_user(host, "ben")
    await workspaces.create_workspace(host, "acme", name="Acme", owner="ann")
    await workspaces.add_member(host, "acme", "ben", "member")
    return (await credentials.create_api_token(host, "test", None, user_id=ann.id))[0]


@pytest.fixture(scope="module")
def program(host: LiveHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    log = tmp_path_factory.mktemp("client") / "client.log"
    token = host.work(_make)
    with running("people_client.js", log, HOST_URL=host.url, USERNAME="ann@acme.example", TOKEN=token) as program:
        yield program


def _call(program: Program, group: str, operation: str, **parameters: Any) -> tuple[int, Any]:
    answer = program.ask({"group": group, "operation": operation, "parameters": parameters})
    return answer["status"], answer.get("data")


def test_node_bitbucket_reads_people_and_workspaces(program: Program) -> None:
    """The user, the addresses, another user, a workspace and its members, as the client's own operations ask."""
    status, user = _call(program, "users", "getAuthedUser")
    assert (status, user["display_name"], user["username"]) == (200, "Ann Lee", "ann")
    status, emails = _call(program, "users", "listEmailsForAuthedUser")
    assert (status, [one["email"] for one in emails["values"]]) == (200, ["ann@acme.example"])
    status, found = _call(program, "users", "get", selected_user=user["uuid"])
    assert (status, found["account_id"]) == (200, user["account_id"])
    status, workspace = _call(program, "workspaces", "getWorkspace", workspace="acme")
    assert (status, workspace["name"]) == (200, "Acme")
    status, members = _call(program, "workspaces", "getMembersForWorkspace", workspace="acme")
    assert (status, [one["user"]["nickname"] for one in members["values"]]) == (200, ["ann", "ben"])
    assert _call(program, "workspaces", "getWorkspace", workspace="nowhere")[0] == 404
    status, gone = _call(program, "workspaces", "getWorkspaces")
    assert (status, gone["error"]["message"][:11]) == (410, "CHANGE-2770")


def test_node_bitbucket_manages_projects(program: Program) -> None:
    """Created, listed, changed, shared and deleted."""
    body = {"key": "TOOLS", "name": "Tools", "is_private": True}
    status, project = _call(program, "projects", "createProject", workspace="acme", _body=body)
    assert (status, project["key"]) == (201, "TOOLS")
    status, listed = _call(program, "workspaces", "getProjects", workspace="acme")
    assert (status, [one["key"] for one in listed["values"]]) == (200, ["TOOLS"])
    status, changed = _call(
        program, "projects", "createOrUpdateProject", workspace="acme", project_key="TOOLS", _body={"name": "Better"}
    )
    assert (status, changed["name"]) == (200, "Better")
    assert _call(program, "projects", "getProject", workspace="acme", project_key="TOOLS")[1]["name"] == "Better"
    status, members = _call(program, "workspaces", "getMembersForWorkspace", workspace="acme")
    ben = {"workspace": "acme", "project_key": "TOOLS", "selected_user_id": members["values"][1]["user"]["uuid"]}
    status, permission = _call(program, "projects", "updateUserPermission", **ben, _body={"permission": "write"})
    assert (status, permission["permission"]) == (200, "write")
    assert _call(program, "projects", "deleteUserPermission", **ben)[0] == 204
    assert _call(program, "projects", "getUserPermission", **ben)[1]["permission"] == "none"
    assert _call(program, "projects", "deleteProject", workspace="acme", project_key="TOOLS")[0] == 204
