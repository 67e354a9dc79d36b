"""Access tokens of workspaces and projects over HTTP: what each sees and may do, and that it is no person."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import httpx
import pytest

from roadstead.domain.access import credentials
from roadstead.domain.access.access_tokens import create_access_token
from roadstead.domain.host import Host
from roadstead.domain.people import groups, projects, users, workspaces
from roadstead.domain.people.projects import ProjectChanges
from roadstead.domain.upkeep import audit
from roadstead.model import ListedToken
from tests.live import LiveHost, live_host, sender

OURS = "/2.0/workspaces/acme"
OWN, PUBLIC, SECRET = (f"{OURS}/projects/{key}" for key in ("OWN", "PUBLIC", "SECRET"))
NOT_SUPPORTED = "Token is invalid, expired, or not supported for this endpoint."


@dataclass(frozen=True)
class Tokens:
    """A host with two workspaces, and one token of each kind that a test needs, by name."""

    host: LiveHost
    made: dict[str, tuple[str, ListedToken]]
    member: str

    def __call__(self, name: str, method: str, target: str, **request: object) -> httpx.Response:
        return sender(self.host, f"Bearer {self.made[name][0]}")(method, target, **request)


async def _make(host: Host) -> tuple[dict[str, tuple[str, ListedToken]], str]:
    await users.create_user(host, "owner")
    member = await users.create_user(host, "member", email="member@acme.example")
    operator = (await credentials.create_api_token(host, "operator", None))[1]
    for slug in ("acme", "other"):
        await workspaces.create_workspace(host, slug, name=None, owner="owner")
        await workspaces.add_member(host, slug, "member", "member")
        await groups.create_group(host, slug, "Writers", ["member"])
        for key in ("OWN", "PUBLIC", "SECRET"):
            given = ProjectChanges(key=key, name=key, is_private=key != "PUBLIC")
            await projects.create_project(host, operator, slug, given)
    wanted = {
        "workspace": (None, None),
        "project": ("OWN", None),
        "readers": (None, "account project"),
        "project readers": ("OWN", "read:project:bitbucket"),
    }
    made = {
        name: await create_access_token(host, name, "acme", key, scopes=scopes, lifetime=None)
        for name, (key, scopes) in wanted.items()
    }
    return made, quote(member.uuid, safe="")


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tokens]:
    with live_host(tmp_path_factory.mktemp("access tokens")) as running:
        yield Tokens(running, *running.work(_make))


EXPECTED = [
    # who, method, target, status, words of the refusal
    ("workspace", "GET", OURS, 200, ""),
    ("workspace", "GET", f"{OURS}/members", 200, ""),
    ("workspace", "GET", f'{OURS}/members?q=user.email="member@acme.example"', 200, ""),
    ("workspace", "GET", SECRET, 200, ""),
    ("workspace", "GET", "/2.0/workspaces/other", 404, "No workspace with identifier 'other'."),
    ("workspace", "GET", "/2.0/workspaces/other/projects/PUBLIC", 404, "No workspace with identifier 'other'."),
    ("workspace", "PUT", f"{OURS}/projects/NEW", 201, ""),
    ("workspace", "DELETE", f"{OURS}/projects/NEW", 204, ""),
    ("workspace", "PUT", f"{OWN}/default-reviewers/{{member}}", 200, ""),
    ("project", "GET", OURS, 200, ""),
    ("project", "GET", OWN, 200, ""),
    ("project", "PUT", OWN, 200, ""),
    ("project", "GET", PUBLIC, 404, "No project with identifier 'PUBLIC'."),
    ("project", "GET", SECRET, 404, "No project with identifier 'SECRET'."),
    ("project", "GET", "/2.0/workspaces/other/projects/OWN", 404, "No workspace with identifier 'other'."),
    ("project", "PUT", SECRET, 403, "admin access to this workspace"),
    ("project", "PUT", f"{OURS}/projects/NEW", 403, "admin access to this workspace"),
    ("project", "DELETE", SECRET, 404, "No project with identifier 'SECRET'."),
    ("project", "GET", f'{OURS}/members?q=user.email="member@acme.example"', 403, "admin access to this workspace"),
    ("readers", "GET", OWN, 200, ""),
    ("readers", "PUT", OWN, 403, "lack one or more required privilege scopes"),
    ("readers", "DELETE", OWN, 403, "lack one or more required privilege scopes"),
    ("project readers", "GET", OWN, 200, ""),
    ("project readers", "PUT", OWN, 403, "lack one or more required privilege scopes"),
    ("project readers", "GET", f"{OURS}/members", 403, "lack one or more required privilege scopes"),
]


@pytest.mark.sample(10)
@pytest.mark.parametrize(("name", "method", "target", "status", "words"), EXPECTED)
def test_what_an_access_token_may_do(
    tokens: Tokens, name: str, method: str, target: str, status: int, words: str
) -> None:
    """A workspace's does everything in its workspace, a project's in its project, each within its scopes; what it does
    not see is answered like what is not there.
    """
    body = {"json": {"name": "Name"}} if method == "PUT" else {}
    answer = tokens(name, method, target.format(member=tokens.member), **body)
    assert answer.status_code == status, answer.text
    assert words in answer.text


_PERMISSIONS = [f"{OWN}/permissions-config/{of}" for of in ("users", "users/{member}", "groups", "groups/writers")]


@pytest.mark.sample(8)
@pytest.mark.parametrize("name", ["workspace", "project"])
@pytest.mark.parametrize(
    ("method", "target"),
    [
        *[("GET", target) for target in (*_PERMISSIONS, f"{OURS}/permissions")],
        *[(method, target) for method in ("PUT", "DELETE") for target in _PERMISSIONS[1::2]],
    ],
)
def test_an_access_token_neither_reads_nor_changes_permissions(
    tokens: Tokens, name: str, method: str, target: str
) -> None:
    """Whatever its scopes, where a person with the same rights may."""
    body = {"json": {"permission": "read"}} if method == "PUT" else {}
    answer = tokens(name, method, target.format(member=tokens.member), **body)
    assert answer.status_code == 403
    assert "only accessible with the following authentication types: apitoken" in answer.text


@pytest.mark.sample(6)
@pytest.mark.parametrize("name", ["workspace", "project", "readers"])
@pytest.mark.parametrize(
    "target",
    ["", "/emails", "/emails/member@acme.example", "/workspaces", "/workspaces/acme/permission"],
)
def test_an_access_token_is_no_user(tokens: Tokens, name: str, target: str) -> None:
    """What is a user's own is the cloud's 401, with a description of the credential, and with any scopes."""
    answer = tokens(name, "GET", f"/2.0/user{target}")
    assert (answer.status_code, answer.json()["error"]["message"]) == (401, NOT_SUPPORTED)
    made = tokens.made[name][1].token
    assert (
        answer.headers["X-Credential-Type"]
        == made.user.kind
        == f"{'project' if name == 'project' else 'workspace'}_access_token"
    )
    assert answer.headers["X-Accepted-OAuth-Scopes"] in ("account", "email")


def test_the_account_of_an_access_token(tokens: Tokens) -> None:
    """Everyone sees the app user that it acts as; it goes by no user name, and no list of people has it."""
    account = tokens.made["project"][1].token.user
    shown = tokens("workspace", "GET", f"/2.0/users/{quote(account.uuid)}").json()
    avatar = shown.pop("links").pop("avatar")["href"]
    assert shown == {
        "type": "app_user",
        "created_on": shown["created_on"],
        "display_name": "project",
        "uuid": account.uuid,
        "account_id": account.account_id,
        "account_status": "active",
        "kind": "project_access_token",
    }
    assert httpx.get(avatar).headers["Content-Type"].startswith("image/")
    with pytest.raises(users.UserNotFound):
        tokens.host.work(lambda host: users.find_user(host, account.username))
    assert account.uuid not in [one.uuid for one in tokens.host.work(users.list_users)]


def test_a_project_token_lists_its_project_alone(tokens: Tokens) -> None:
    """Neither public projects nor their number appear; a workspace's token lists all."""
    listed = {name: tokens(name, "GET", f"{OURS}/projects").json() for name in ("project", "workspace")}
    assert (listed["project"]["size"], [one["key"] for one in listed["project"]["values"]]) == (1, ["OWN"])
    assert listed["workspace"]["size"] == 3


@pytest.mark.parametrize(
    ("target", "status", "accepted"),
    [
        (OWN, 200, "project"),
        (SECRET.replace("SECRET", "GHOST"), 404, "project"),
        (f"{OWN}/default-reviewers", 403, "project:admin"),
    ],
)
def test_refusals_describe_the_credential(tokens: Tokens, target: str, status: int, accepted: str) -> None:
    """As answers do: the scope that is needed, the scopes that were granted, and the kind."""
    answer = tokens("readers", "GET", target)
    assert answer.status_code == status
    described = [answer.headers[f"X-{name}"] for name in ("Accepted-OAuth-Scopes", "OAuth-Scopes", "Credential-Type")]
    assert described == [accepted, "account, project", "workspace_access_token"]


def test_what_it_changes_is_logged_with_its_name(tokens: Tokens) -> None:
    """The audit log has the token's making, and what it does, with the account."""
    account = tokens.made["project"][1].token.user
    assert tokens("project", "PUT", OWN, json={"name": "Renamed"}).status_code == 200
    entries = tokens.host.work(lambda host: audit.latest_entries(host, 100))
    assert entries[0].actor == f"access token project {account.uuid}"
    assert entries[0].action == "project changed"
    assert [one.subject for one in entries if one.action == "access token made"] == ["acme/OWN", "acme"] * 2


def test_an_access_token_ends(tokens: Tokens) -> None:
    """Before the answer when it is revoked or its project is deleted, as Bearer and as Basic."""
    name = {"name": "Gone"}
    assert tokens("workspace", "PUT", f"{OURS}/projects/GONE", json=name).status_code == 201

    async def make(host: Host) -> list[tuple[str, ListedToken]]:
        return [
            await create_access_token(host, "x", "acme", key, scopes=None, lifetime=None) for key in ("GONE", "OWN")
        ]

    (of_gone, _), (revoked, listed) = tokens.host.work(make)
    basic = base64.b64encode(f"x-token-auth:{revoked}".encode()).decode()
    send = {one: sender(tokens.host, f"Bearer {one}") for one in (of_gone, revoked)}
    send["basic"] = sender(tokens.host, f"Basic {basic}")
    assert [one("GET", OURS).status_code for one in send.values()] == [200, 200, 200]
    tokens.host.work(lambda host: credentials.revoke_api_token(host, listed.token.id))
    assert send[of_gone]("DELETE", f"{OURS}/projects/GONE").status_code == 204
    assert [one("GET", OURS).status_code for one in send.values()] == [401, 401, 401]
