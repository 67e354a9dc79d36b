"""Projects over HTTP: who may do what there, and that the highest privilege holds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from roadstead.domain.access import credentials
from roadstead.domain.host import Host
from roadstead.domain.people import groups, users, workspaces
from roadstead.domain.upkeep import audit
from tests.conftest import NewDatabase
from tests.live import AppClient, LiveHost, live_host, recording_app, sender

Send = Callable[..., httpx.Response]

PEOPLE = ("owner", "direct", "grouped", "both", "plain", "reviewer", "stranger")
BELOW = "/2.0/workspaces/acme/projects"


@dataclass(frozen=True)
class Acme:
    """A host with a workspace, and the requests of each caller."""

    host: LiveHost
    send: dict[str, Send]
    accounts: dict[str, str]

    def user(self, name: str) -> str:
        return quote(self.accounts[name], safe="")

    def owner(self, method: str, target: str, **request: Any) -> httpx.Response:
        return self.send["owner"](method, target, **request)


async def _make(host: Host) -> tuple[dict[str, str], dict[str, str]]:
    """Return the token of each user, and the users' UUIDs."""
    tokens, accounts = {}, {}
    for name in PEOPLE:
        user = await users.create_user(host, name)
        accounts[name] = user.uuid
        tokens[name], _ = await credentials.create_api_token(host, name, None, user_id=user.id)
    await workspaces.create_workspace(host, "acme", name=None, owner="owner")
    for name in PEOPLE[1:-1]:
        await workspaces.add_member(host, "acme", name, "member")
    await groups.create_group(host, "acme", "Writers", ["grouped", "both"])
    tokens["operator"], _ = await credentials.create_api_token(host, "operator", None)
    return tokens, accounts


def _sender(host: LiveHost, token: str | None) -> Send:
    return sender(host, f"Bearer {token}" if token else None)


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[Acme]:
    scopes = ["account", "project", "project:admin"]
    with (
        recording_app(scopes=scopes) as app,
        live_host(tmp_path_factory.mktemp("acme"), database_url=new_database()) as host,
    ):
        tokens, accounts = host.work(_make)
        send: dict[str, Send] = {name: _sender(host, token) for name, token in tokens.items()}
        send["anonymous"] = _sender(host, None)
        for name, workspace in (("app", "acme"), ("app elsewhere", "other")):
            send[name] = AppClient(host.url, host.install(app, workspace))
        api = send["app"]
        form = {"grant_type": "urn:bitbucket:oauth2:jwt"}
        send["exchanged"] = _sender(host, api("POST", "/site/oauth2/access_token", data=form).json()["access_token"])
        made = Acme(host, send, accounts)
        _fill(made)
        yield made


def _fill(acme: Acme) -> None:
    """Make a private and a public project, with grants in the private one."""
    for key, is_private in (("SECRET", True), ("OPEN", False)):
        body = {"key": key, "name": f"{key.title()} Tools", "description": "Text", "is_private": is_private}
        assert acme.owner("POST", BELOW, json=body).status_code == 201
    for holder, permission in (
        (f"users/{acme.user('direct')}", "write"),
        (f"users/{acme.user('both')}", "read"),
        ("groups/writers", "admin"),
    ):
        target = f"{BELOW}/SECRET/permissions-config/{holder}"
        assert acme.owner("PUT", target, json={"permission": permission}).json()["permission"] == permission
    assert acme.owner("PUT", f"{BELOW}/SECRET/default-reviewers/{acme.user('reviewer')}").status_code == 200


# What is there for whom: `test_permissions.py` has who may do what


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("who", "keys"),
    [
        ("owner", ["SECRET", "OPEN"]),
        ("operator", ["SECRET", "OPEN"]),
        ("app", ["SECRET", "OPEN"]),
        ("direct", ["SECRET", "OPEN"]),
        ("grouped", ["SECRET", "OPEN"]),
        ("plain", ["OPEN"]),
    ],
)
def test_a_list_has_what_the_caller_sees(acme: Acme, who: str, keys: list[str]) -> None:
    """What is left out is not counted either; filters and orders are those of the members."""
    answer = acme.send[who]("GET", BELOW).json()
    assert ([one["key"] for one in answer["values"]], answer["size"]) == (keys, len(keys))
    private = acme.send[who]("GET", f"{BELOW}?q=is_private%3Dtrue").json()
    assert private["size"] == keys.count("SECRET")
    first = acme.send[who]("GET", f"{BELOW}?sort=key&pagelen=1").json()
    assert [one["key"] for one in first["values"]] == ["OPEN"]
    by_privacy = acme.send[who]("GET", f"{BELOW}?sort=-is_private&pagelen=1").json()
    assert [one["key"] for one in by_privacy["values"]] == keys[:1]
    if "next" in by_privacy:
        target = by_privacy["next"].removeprefix(acme.host.url)
        assert [one["key"] for one in acme.send[who]("GET", target).json()["values"]] == keys[1:]


# Shapes


def test_a_project_has_the_shape_of_the_cloud(acme: Acme) -> None:
    """In full, and condensed in a permission, whose user has no links."""
    url = acme.host.url
    workspace = acme.owner("GET", "/2.0/workspaces/acme").json()
    uuid = quote(workspace["uuid"], safe="")
    avatar = {"href": f"{url}/account/acme/avatar/"}
    project = acme.owner("GET", f"{BELOW}/SECRET").json()
    condensed = {
        "type": "project",
        "key": "SECRET",
        "uuid": project["uuid"],
        "name": "Secret Tools",
        "links": {
            "self": {"href": f"{url}{BELOW}/SECRET"},
            "html": {"href": f"{url}/acme/workspace/projects/SECRET"},
            "avatar": {"href": f"{url}/account/Secret%20Tools/avatar/"},
        },
    }
    owner = {
        "type": "team",
        "username": "acme",
        "display_name": "acme",
        "uuid": workspace["uuid"],
        "links": {
            "self": {"href": f"{url}/2.0/workspaces/{uuid}"},
            "html": {"href": f"{url}/{uuid}/"},
            "avatar": avatar,
        },
    }
    inside = {
        "type": "workspace",
        "uuid": workspace["uuid"],
        "name": "acme",
        "slug": "acme",
        "links": {
            "self": {"href": f"{url}/2.0/workspaces/acme"},
            "avatar": avatar,
            "html": {"href": f"{url}/acme/"},
        },
    }
    repositories = {"href": f'{url}/2.0/repositories/acme?q=project.key="SECRET"'}
    assert {**project, "created_on": "…", "updated_on": "…"} == {
        **condensed,
        "links": {**condensed["links"], "repositories": repositories},
        "description": "Text",
        "is_private": True,
        "has_publicly_visible_repos": False,
        "created_on": "…",
        "updated_on": "…",
        "owner": owner,
        "workspace": inside,
    }
    of_user = acme.owner("GET", f"{BELOW}/SECRET/permissions-config/users").json()["values"][0]
    assert list(of_user["user"]) == ["type", "display_name", "uuid", "account_id", "nickname"]
    assert (of_user["user"]["nickname"], of_user["project"]) == ("direct", condensed)
    of_group = acme.owner("GET", f"{BELOW}/SECRET/permissions-config/groups").json()["values"][0]
    assert of_group == {
        "type": "project_group_permission",
        "permission": "admin",
        "group": {
            "type": "group",
            "owner": owner,
            "workspace": inside,
            "slug": "writers",
            "full_slug": "acme:writers",
            "name": "Writers",
            "default_permission": None,
            "email_forwarding_disabled": False,
            "account_privilege": None,
        },
        "project": condensed,
    }
    (reviewer,) = acme.owner("GET", f"{BELOW}/SECRET/default-reviewers").json()["values"]
    assert (reviewer["type"], reviewer["reviewer_type"]) == ("default_reviewer", "project")
    assert reviewer["user"] == acme.owner("GET", f"{BELOW}/SECRET/default-reviewers/{acme.user('reviewer')}").json()


def test_the_page_of_a_project_is_there(acme: Acme) -> None:
    """The link `html` leads the operator on, and to nothing where there is no project."""
    link = acme.host.work(credentials.sign_in_link)
    with httpx.Client(base_url=acme.host.url) as browser:
        assert browser.get("/acme/workspace/projects/SECRET").status_code == 401
        browser.get(link)
        targets = ("acme/workspace/projects/SECRET", "acme/workspace/projects/NO", "no/workspace/projects/SECRET")
        assert [browser.get(f"/{target}").status_code for target in targets] == [200, 404, 404]


# Changes


def test_a_project_is_created_changed_and_deleted(acme: Acme) -> None:
    """By POST, and by PUT at a new key; a new key moves it, and its permissions with it; then all is gone."""
    made = acme.owner("POST", BELOW, json={"key": "NEW", "name": "New", "links": {"avatar": {"href": "data:,"}}})
    assert (made.status_code, made.headers["Location"]) == (201, f"{acme.host.url}{BELOW}/NEW")
    assert (made.json()["description"], made.json()["is_private"]) == ("", True)
    permission = f"permissions-config/users/{acme.user('plain')}"
    acme.owner("PUT", f"{BELOW}/NEW/{permission}", json={"permission": "create-repo"})
    changed = acme.owner("PUT", f"{BELOW}/NEW", json={"name": "Newer", "description": "x", "is_private": False})
    assert (changed.status_code, "Location" in changed.headers) == (200, False)
    assert (changed.json()["name"], changed.json()["uuid"]) == ("Newer", made.json()["uuid"])
    assert changed.json()["updated_on"] > made.json()["updated_on"]
    assert changed.json() == acme.owner("GET", f"{BELOW}/NEW").json()
    moved = acme.owner("PUT", f"{BELOW}/NEW", json={"key": "MOVED"})
    assert (moved.status_code, moved.headers["Location"]) == (200, f"{acme.host.url}{BELOW}/MOVED")
    assert acme.owner("GET", f"{BELOW}/NEW").status_code == 404
    assert acme.owner("GET", f"{BELOW}/MOVED/{permission}").json()["permission"] == "create-repo"
    put = acme.owner("PUT", f"{BELOW}/put_1", json={"name": "Put"})
    assert (put.status_code, put.json()["key"]) == (201, "put_1")
    for key in ("MOVED", "put_1"):
        assert acme.owner("DELETE", f"{BELOW}/{key}").status_code == 204
        assert acme.owner("DELETE", f"{BELOW}/{key}").status_code == 404
    by_app = acme.send["app"]("POST", BELOW, json={"key": "BYAPP", "name": "By an app"})
    again = [acme.send["app"]("PUT", f"{BELOW}/BYAPP", json={"name": name}).status_code for name in ("One", "Two")]
    assert (by_app.status_code, again) == (201, [200, 200])
    assert acme.send["exchanged"]("DELETE", f"{BELOW}/BYAPP").status_code == 204
    entries = [(one.actor.partition(" ")[0], one.action, one.details) for one in acme.host.work(_latest)]
    # What an app repeats is one entry: it must not fill the log.
    assert entries == [
        *(("app", f"project {done}", {"project": "BYAPP"}) for done in ("deleted", "changed", "created")),
        ("user", "project deleted", {}),
    ]


async def _latest(host: Host) -> list[Any]:
    return list(await audit.latest_entries(host, 4))


TAKEN = {"message": "Bad request", "fields": {"__all__": ["Project with this Owner and Key already exists."]}}
WRONG: list[tuple[str, str, Any, dict[str, Any] | None]] = [
    ("POST", "", {"key": "OPEN", "name": "x"}, TAKEN),
    ("PUT", "/SECRET", {"key": "OPEN"}, TAKEN),
    ("POST", "", {"name": "x"}, {"message": "Bad request", "fields": {"key": "required key not provided"}}),
    ("PUT", "/NEW", {}, {"message": "Bad request", "fields": {"name": "required key not provided"}}),
    ("POST", "", {"key": "1x", "name": "x"}, None),
    ("POST", "", {"key": "a-b", "name": "x"}, None),
    ("POST", "", {"key": "K" * 64, "name": "x"}, None),
    ("POST", "", {"key": "K\n", "name": "x"}, None),
    ("POST", "", {"key": "K", "name": " "}, None),
    ("POST", "", {"key": "K", "name": "x" * 101}, None),
    ("POST", "", {"key": "K", "name": "x\0"}, None),
    ("POST", "", {"key": "K", "name": "x", "description": "\0"}, None),
    ("POST", "", {"key": "K", "name": "x", "is_private": "maybe"}, None),
    ("PUT", "/a%2Fb", {"name": "x"}, None),
    ("POST", "", [], None),
    ("POST", "", None, None),
    ("PUT", "/SECRET/permissions-config/groups/writers", {}, None),
    ("PUT", "/SECRET/permissions-config/groups/writers", {"permission": "none"}, None),
    ("PUT", "/SECRET/permissions-config/groups/writers", {"permission": "owner"}, None),
    ("PUT", "/SECRET/permissions-config/groups/writers", {"permission": 1}, None),
    ("PUT", "/SECRET/permissions-config/users/{owner}", {"permission": "read"}, None),
    ("PUT", "/SECRET/permissions-config/users/{stranger}", {"permission": "read"}, None),
    ("PUT", "/SECRET/default-reviewers/{stranger}", {}, None),
    ("GET", "/SECRET/default-reviewers/{plain}", None, None),
    ("DELETE", "/SECRET/default-reviewers/{plain}", None, None),
]


def test_the_size_of_the_list_follows_each_change(acme: Acme) -> None:
    """Projects that are created either way or deleted count at once; a refused or repeated change does not."""

    def size() -> int:
        counted: int = acme.owner("GET", BELOW).json()["size"]
        return counted

    before = size()
    steps = (
        ("POST", BELOW, {"key": "COUNT", "name": "Counted"}, 201, 1),
        ("POST", BELOW, {"key": "COUNT", "name": "Counted"}, 400, 1),
        ("PUT", f"{BELOW}/COUNT2", {"name": "Counted too"}, 201, 2),
        ("PUT", f"{BELOW}/COUNT2", {"name": "Counted still"}, 200, 2),
        ("DELETE", f"{BELOW}/COUNT", None, 204, 1),
        ("DELETE", f"{BELOW}/COUNT", None, 404, 1),
        ("DELETE", f"{BELOW}/COUNT2", None, 204, 0),
    )
    for method, target, body, status, more in steps:
        assert acme.owner(method, target, json=body).status_code == status
        assert size() == before + more, (method, target)


@pytest.mark.sample(8)
@pytest.mark.parametrize(("method", "template", "body", "error"), WRONG)
def test_what_cannot_be_is_a_400(
    acme: Acme, method: str, template: str, body: Any, error: dict[str, Any] | None
) -> None:
    """With the cloud's text where it is known; nothing changes."""
    before = acme.owner("GET", f"{BELOW}?sort=key").text
    names = {name: acme.user(name) for name in PEOPLE}
    request = {} if method in ("GET", "DELETE") else {"json": body}
    answer = acme.owner(method, f"{BELOW}{template.format(**names)}", **request)
    assert answer.status_code == 400
    assert error is None or answer.json() == {"type": "error", "error": error}
    assert acme.owner("GET", f"{BELOW}?sort=key").text == before


@pytest.mark.parametrize(
    "target",
    [
        "/SECRET/permissions-config/users/%7B0f4d1c1e-6a0d-4c0e-9a59-2b3f6d0d1111%7D",
        "/SECRET/permissions-config/groups/nobody",
        "/SECRET/default-reviewers/nobody",
        "/x%00y",
        "/secret",
    ],
)
def test_what_is_not_there_is_a_404(acme: Acme, target: str) -> None:
    """Users, groups and projects that do not exist; a key is compared exactly."""
    assert acme.owner("GET", f"{BELOW}{target}").status_code == 404


@pytest.mark.parametrize("who", ["direct", "grouped", "plain"])
def test_only_owners_and_apps_create_projects(acme: Acme, who: str) -> None:
    """An administrator of another project, too, may not."""
    for method, target in (("POST", BELOW), ("PUT", f"{BELOW}/MINE")):
        assert acme.send[who](method, target, json={"key": "MINE", "name": "Mine"}).status_code == 403
    assert acme.owner("GET", f"{BELOW}/MINE").status_code == 404


def test_a_member_who_is_removed_keeps_nothing(acme: Acme) -> None:
    """Roles, grants and default reviews are gone, also when the user comes back."""

    async def leave_and_return(host: Host) -> None:
        await workspaces.add_member(host, "acme", "stranger", "member")

    target = f"{BELOW}/SECRET/permissions-config/users/{acme.user('stranger')}"
    reviewer = f"{BELOW}/SECRET/default-reviewers/{acme.user('stranger')}"
    acme.host.work(leave_and_return)
    assert acme.owner("PUT", target, json={"permission": "admin"}).status_code == 200
    assert acme.owner("PUT", reviewer).status_code == 200
    assert acme.send["stranger"]("GET", f"{BELOW}/SECRET").status_code == 200
    acme.host.work(lambda host: workspaces.remove_member(host, "acme", "stranger"))
    acme.host.work(leave_and_return)
    assert acme.send["stranger"]("GET", f"{BELOW}/SECRET").status_code == 404
    assert acme.owner("GET", target).json()["permission"] == "none"
    assert acme.owner("GET", reviewer).status_code == 400
    acme.host.work(lambda host: workspaces.remove_member(host, "acme", "stranger"))


def test_what_was_granted_is_taken_back(acme: Acme) -> None:
    """A grant to a user, and one to a group, end with their DELETE; a second one is a 204, too."""
    for holder in (f"users/{acme.user('plain')}", "groups/writers"):
        target = f"{BELOW}/OPEN/permissions-config/{holder}"
        assert acme.owner("PUT", target, json={"permission": "write"}).status_code == 200
        for _ in range(2):
            assert acme.owner("DELETE", target).status_code == 204
            assert acme.owner("GET", target).json()["permission"] == "none"
    target = f"{BELOW}/OPEN/default-reviewers/{acme.user('plain')}"
    assert [acme.owner(method, target).status_code for method in ("PUT", "PUT", "DELETE", "DELETE")] == [
        200,
        200,
        204,
        400,
    ]
