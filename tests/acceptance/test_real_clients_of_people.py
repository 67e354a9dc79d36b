"""Published clients, unchanged, manage people and projects, with Basic.

npm `bitbucket`, npm `@coderabbitai/bitbucket`, and `atlassian-python-api`; only the address of the host is theirs to be
told.
"""

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests
from atlassian.bitbucket.cloud import Cloud

from roadstead.domain.access import credentials
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from tests.acceptance.node.programs import Program, running
from tests.conftest import NewDatabase
from tests.live import LiveHost, live_host


async def _make(host: Host) -> str:
    ann = await users.create_user(host, "ann", display_name="Ann Lee", email="ann@acme.example")
    await users.create_user(host, "ben")
    await workspaces.create_workspace(host, "acme", name="Acme", owner="ann")
    await workspaces.add_member(host, "acme", "ben", "member")
    return (await credentials.create_api_token(host, "test", None, user_id=ann.id))[0]


@dataclass(frozen=True)
class People:
    """A host with a workspace of two people, and the token of its owner."""

    host: LiveHost
    token: str


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[People]:
    with live_host(tmp_path_factory.mktemp("people"), database_url=new_database()) as host:
        yield People(host, host.work(_make))


@pytest.fixture(scope="module")
def program(people: People, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with _client("people_client.js", people, tmp_path_factory) as program:
        yield program


def _client(script: str, people: People, tmp_path_factory: pytest.TempPathFactory) -> AbstractContextManager[Program]:
    log = tmp_path_factory.mktemp("client") / "client.log"
    return running(script, log, HOST_URL=people.host.url, USERNAME="ann@acme.example", TOKEN=people.token)


def _call(program: Program, group: str, operation: str, **parameters: Any) -> tuple[int, Any]:
    answer = program.ask({"group": group, "operation": operation, "parameters": parameters})
    return answer["status"], answer.get("data")


@pytest.mark.node
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


@pytest.mark.node
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


@pytest.fixture(scope="module")
def coderabbit(people: People, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with _client("coderabbit_client.js", people, tmp_path_factory) as program:
        yield program


def _ask(program: Program, method: str, address: str, **request: Any) -> tuple[int, Any]:
    answer = program.ask({"method": method, "address": address, **request})
    return answer["status"], answer.get("data")


@pytest.mark.node
def test_coderabbit_reads_people_and_workspaces(coderabbit: Program) -> None:
    """The user, another by UUID, and the lists of a workspace, by the client's typed addresses."""
    status, user = _ask(coderabbit, "GET", "/user")
    assert (status, user["username"]) == (200, "ann")
    found = _ask(coderabbit, "GET", "/users/{selected_user}", path={"selected_user": user["uuid"]})
    assert (found[0], found[1]["account_id"]) == (200, user["account_id"])
    status, accesses = _ask(coderabbit, "GET", "/user/workspaces", query={"administrator": True})
    assert (status, [one["workspace"]["slug"] for one in accesses["values"]]) == (200, ["acme"])
    acme = {"workspace": "acme"}
    assert _ask(coderabbit, "GET", "/workspaces/{workspace}", path=acme)[1]["name"] == "Acme"
    owners = {"q": 'permission="owner"', "fields": "values.permission,values.user.nickname"}
    status, permissions = _ask(coderabbit, "GET", "/workspaces/{workspace}/permissions", path=acme, query=owners)
    assert (status, permissions) == (200, {"values": [{"permission": "owner", "user": {"nickname": "ann"}}]})
    status, error = _ask(coderabbit, "GET", "/workspaces/{workspace}", path={"workspace": "nowhere"})
    assert (status, error["error"]["message"]) == (404, "No workspace with identifier 'nowhere'.")


@pytest.mark.node
@pytest.mark.slow
def test_coderabbit_manages_projects(coderabbit: Program) -> None:
    """Created, changed by key, granted to a user, and deleted."""
    projects, project = "/workspaces/{workspace}/projects", "/workspaces/{workspace}/projects/{project_key}"
    acme, rabbit = {"workspace": "acme"}, {"workspace": "acme", "project_key": "RABBIT"}
    body = {"key": "RABBIT", "name": "Rabbit", "is_private": True}
    assert _ask(coderabbit, "POST", projects, path=acme, body=body)[0] == 201
    assert _ask(coderabbit, "POST", projects, path=acme, body=body)[0] == 400
    status, changed = _ask(coderabbit, "PUT", project, path=rabbit, body={"name": "Hare", "description": "quick"})
    assert (status, changed["name"], changed["description"]) == (200, "Hare", "quick")
    query = {"q": 'name~"hare"', "sort": "-created_on"}
    assert _ask(coderabbit, "GET", projects, path=acme, query=query)[1]["size"] == 1
    members = _ask(coderabbit, "GET", "/workspaces/{workspace}/members", path=acme)[1]["values"]
    ben = {**rabbit, "selected_user_id": members[1]["user"]["uuid"]}
    granted = f"{project}/permissions-config/users/{{selected_user_id}}"
    status, permission = _ask(coderabbit, "PUT", granted, path=ben, body={"permission": "create-repo"})
    assert (status, permission["permission"]) == (200, "create-repo")
    assert _ask(coderabbit, "GET", granted, path=ben)[1]["user"]["nickname"] == "ben"
    assert _ask(coderabbit, "DELETE", project, path=rabbit)[0] == 204
    assert _ask(coderabbit, "GET", project, path=rabbit)[0] == 404


def test_atlassian_python_api_reads_workspaces_and_manages_projects(people: People) -> None:
    """The client's own objects: workspaces by role, members, permissions over pages, a project from birth to end."""
    cloud = Cloud(  # type: ignore[no-untyped-call]
        url=people.host.url, username="ann", password=people.token
    )
    assert [one.slug for one in cloud.workspaces.each(administrator=True)] == ["acme"]
    assert [one.slug for one in cloud.workspaces.each(administrator=False, sort="slug")] == []
    assert (cloud.workspaces.exists("acme"), cloud.workspaces.exists("nowhere")) == (True, False)
    acme = cloud.workspaces.get("acme")
    assert (acme.name, acme.is_private, cloud.workspaces.get(acme.uuid).slug) == ("Acme", True, "acme")
    members = list(acme.members.each())
    assert [one.user["nickname"] for one in members] == ["ann", "ben"]
    assert acme.members.get(members[1].user["uuid"]).user["display_name"] == "ben"
    assert [one.permission for one in acme.permissions.each(pagelen=1)] == ["owner", "member"]
    project = acme.projects.create("Python", "PY", "In one piece.", is_private=False)
    assert (project.key, project.is_private, acme.projects.exists("PY"), acme.projects.exists("NO")) == (
        "PY",
        False,
        True,
        False,
    )
    project.description = "In pieces."
    assert acme.projects.get("Python", by="name").description == "In pieces."
    assert [one.name for one in acme.projects.each(q='key="PY"', sort="name")] == ["Python"]
    with pytest.raises(requests.HTTPError, match="Bad request"):
        acme.projects.create("Python", "PY", "")
    project.delete()
    assert not acme.projects.exists("PY")


@pytest.mark.parametrize("username", ["ann", "ann@acme.example"])
def test_a_credential_that_git_stores_opens_the_api(people: People, tmp_path: Path, username: str) -> None:
    """`git credential` gives user name or e-mail address, and the token: Basic takes both, and no other token."""
    place = urlsplit(people.host.url)
    store = tmp_path / "credentials"
    store.write_text(f"http://{quote(username, safe='')}:{people.token}@{place.netloc}\n")
    command = ["git", "-c", f"credential.helper=store --file={store}", "credential", "fill"]
    asked = f"protocol=http\nhost={place.netloc}\nusername={username}\n\n"
    filled = subprocess.run(command, input=asked, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    given = dict(line.split("=", 1) for line in filled.split())
    answer = requests.get(f"{people.host.url}/2.0/user", auth=(given["username"], given["password"]), timeout=10)
    assert (answer.status_code, answer.json()["username"]) == (200, "ann")
    wrong = requests.get(f"{people.host.url}/2.0/user", auth=(given["username"], f"{given['password']}x"), timeout=10)
    assert wrong.status_code == 401
