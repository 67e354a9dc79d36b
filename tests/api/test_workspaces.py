"""Workspaces over HTTP: which of them a caller sees, with which role, and in which era."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from roadstead.domain.access import credentials
from roadstead.domain.apps import installations
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from roadstead.errors import Conflict, NotFound
from roadstead.model import ROLES
from tests.conftest import NewDatabase
from tests.live import AppClient, LiveHost, RecordingApp, live_host, recording_app, sender

Get = Callable[[str], httpx.Response]

PEOPLE = (*ROLES, "stranger")


@dataclass(frozen=True)
class Acme:
    """A host with a workspace, a user of each role in it, and requests of each caller with each credential."""

    host: LiveHost
    gets: dict[tuple[str, str], Get]
    accounts: dict[str, str]

    def get(self, who: str, target: str, how: str = "token") -> httpx.Response:
        return self.gets[who, how](target)


async def _make(host: Host) -> tuple[dict[tuple[str, str], str], dict[str, str]]:
    """Return the `Authorization` of each user with each credential, and the users' UUIDs."""
    for name in PEOPLE:
        await users.create_user(host, name, email=f"{name}@acme.example")
    await workspaces.create_workspace(host, "acme", name="Acme Inc.", owner="owner")
    await workspaces.create_workspace(host, "elsewhere", name=None, owner="stranger")
    for role in ("collaborator", "member"):
        await workspaces.add_member(host, "acme", role, role)
    headers: dict[tuple[str, str], str] = {}
    for name in (*PEOPLE, "operator"):
        user = await users.find_user(host, name)
        for how, scopes in (("token", None), ("account", "account")):
            token, _ = await credentials.create_api_token(host, how, None, user_id=user.id, scopes=scopes)
            headers[name, how] = f"Bearer {token}"
    return headers, {user.username: user.uuid for user in await users.list_users(host)}


def _get(host: LiveHost, authorization: str | None) -> Get:
    return partial(sender(host, authorization), "GET")


def _app(host: LiveHost, app: RecordingApp, workspace: str) -> dict[str, Get]:
    api = AppClient(host.url, host.install(app, workspace))

    def exchanged(scope: str) -> Get:
        form = {"grant_type": "urn:bitbucket:oauth2:jwt", "scope": scope}
        token = api("POST", "/site/oauth2/access_token", data=form).json()["access_token"]
        return _get(host, f"Bearer {token}")

    return {
        "token": partial(api, "GET"),
        "account": exchanged("account"),
    }


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[Acme]:
    with recording_app() as app, live_host(tmp_path_factory.mktemp("acme"), database_url=new_database()) as host:
        headers, accounts = host.work(_make)
        gets = {key: _get(host, header) for key, header in headers.items()}
        gets["anonymous", "token"] = _get(host, None)
        for who, workspace in (("app", "acme"), ("app elsewhere", "other")):
            gets |= {(who, how): get for how, get in _app(host, app, workspace).items()}
        yield Acme(host, gets, accounts)


def test_a_call_without_a_credential_learns_which_there_are(acme: Acme) -> None:
    """The 401 names the tokens that the address takes: of an app and of a user, or an app's JWT alone."""
    for target, needed in (("/2.0/workspaces/acme", "Bearer <token> for a user's"), ("/2.0/addon/linkers", "JWT")):
        answer = httpx.get(f"{acme.host.url}{target}")
        detail = answer.json()["error"]["detail"]
        assert (answer.status_code, needed in detail, "Bearer" in needed or "Bearer" not in detail) == (401, True, True)


def test_a_stranger_links_no_text_of_a_workspace(acme: Acme) -> None:
    """A user's token links texts of the user's workspaces alone; another is not there."""

    def status(who: str, workspace: str) -> int:
        request = acme.gets[who, "token"]("/2.0/user").request
        headers = {"Authorization": request.headers["Authorization"], "Host": "roadstead.example"}
        body = {"text": "REF#7", "workspace": workspace}
        return httpx.post(f"{acme.host.url}/-/linkify", json=body, headers=headers).status_code

    given = {who: (status(who, "acme"), status(who, "nowhere")) for who in ("owner", "member", "stranger", "operator")}
    assert given == {"owner": (200, 404), "member": (200, 404), "stranger": (404, 404), "operator": (200, 404)}


# What they see


def test_a_workspace_has_the_shapes_of_the_cloud(acme: Acme) -> None:
    """In full, condensed, and as the base of `workspace_access`, which has no name."""
    url = acme.host.url
    full = acme.get("member", "/2.0/workspaces/acme").json()
    links = {
        "self": {"href": f"{url}/2.0/workspaces/acme"},
        "avatar": {"href": f"{url}/account/acme/avatar/"},
        "html": {"href": f"{url}/acme/"},
        "html_overview": {"href": f"{url}/acme/workspace/overview/"},
        "members": {"href": f"{url}/2.0/workspaces/acme/members"},
        "owners": {"href": f"{url}/2.0/workspaces/acme/members?q=permission%3D%22owner%22"},
        "projects": {"href": f"{url}/2.0/workspaces/acme/projects"},
        "hooks": {"href": f"{url}/2.0/workspaces/acme/hooks"},
        "repositories": {"href": f"{url}/2.0/repositories/acme"},
    }
    assert {**full, "created_on": "…"} == {
        "type": "workspace",
        "uuid": full["uuid"],
        "name": "Acme Inc.",
        "slug": "acme",
        "is_private": True,
        "is_privacy_enforced": False,
        "forking_mode": "allow_forks",
        "created_on": "…",
        "links": links,
    }
    (access,) = acme.get("member", "/2.0/user/workspaces").json()["values"]
    assert access == {
        "type": "workspace_access",
        "administrator": False,
        "workspace": {
            "type": "workspace_base",
            "uuid": full["uuid"],
            "slug": "acme",
            "links": {name: links[name] for name in ("self", "avatar")},
        },
    }
    permission = acme.get("member", "/2.0/user/workspaces/acme/permission").json()
    assert (permission["permission"], permission["type"]) == ("member", "workspace_membership")
    condensed = {name: full[name] for name in ("type", "uuid", "name", "slug")}
    assert permission["workspace"] == {**condensed, "links": {name: links[name] for name in ("self", "avatar", "html")}}
    member = httpx.get(
        permission["links"]["self"]["href"], headers=acme.get("member", "/2.0/user").request.headers
    ).json()
    assert member == {name: value for name, value in permission.items() if name != "permission"}
    assert member["user"]["uuid"] == acme.accounts["member"]
    assert list(member["user"]) == ["type", "display_name", "uuid", "account_id", "nickname", "links"]


def _values(answer: httpx.Response, *path: str) -> list[Any]:
    found: list[Any] = answer.json()["values"]
    for name in path:
        found = [one[name] for one in found]
    return found


@pytest.mark.parametrize(
    ("query", "nicknames"),
    [
        ("", ["owner", "collaborator", "member"]),
        ('?q=permission="owner"', ["owner"]),
        ('?q=permission IN ("owner", "member")', ["owner", "member"]),
        ('?q=user.nickname~"OLL"', ["collaborator"]),
        ("?sort=-user.nickname", ["owner", "member", "collaborator"]),
        ("?sort=user.nickname&pagelen=1&page=2", ["member"]),
        ("?q=permission!=null&sort=permission", ["collaborator", "member", "owner"]),
        ('?q=user.uuid="{0f4d1c1e-6a0d-4c0e-9a59-2b3f6d0d1111}"', []),
    ],
)
def test_members_are_a_list(acme: Acme, query: str, nicknames: list[str]) -> None:
    """Filtered by role and user, sorted, in pages; the list of permissions has the roles, too."""
    answer = acme.get("member", f"/2.0/workspaces/acme/members{query}")
    assert _values(answer, "user", "nickname") == nicknames
    permissions = acme.get("member", f"/2.0/workspaces/acme/permissions{query}")
    assert _values(permissions, "permission") == nicknames  # each user has the name of the role
    assert "permission" not in str(_values(answer))


def test_only_administrators_ask_about_e_mail_addresses(acme: Acme) -> None:
    """By filter and by order: owners and apps may, others get a 403; 90 addresses at a time."""
    members, email = "/2.0/workspaces/acme/members", "user.email"
    one = f'{members}?q={email}="member@acme.example"'
    callers = ("owner", "operator", "app", "collaborator", "member", "stranger")
    given = {who: acme.get(who, one).status_code for who in callers}
    assert given == {"owner": 200, "operator": 200, "app": 200, "collaborator": 403, "member": 403, "stranger": 404}
    assert _values(acme.get("owner", one), "user", "nickname") == ["member"]
    assert "acme.example" not in acme.get("owner", one).text
    assert acme.get("member", f"{members}?sort={email}").status_code == 403
    assert acme.get("member", f'{members}?q=permission="owner" AND ({email}~"a" OR {email}~"b")').status_code == 403
    assert _values(acme.get("owner", f"{members}?sort=-{email}"), "user", "nickname")[0] == "owner"
    for number, status in ((90, 200), (91, 400)):
        listed = ", ".join(f'"u{one}@acme.example"' for one in range(number))
        assert acme.get("owner", f"{members}?q={email} IN ({listed})").status_code == status


EMAIL, OWNERS, MEMBERS = "user.email", '"owner@acme.example"', '"member@acme.example"'


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("who", "query", "shown"),
    [
        ("owner", f"{EMAIL} IN ({OWNERS}, {MEMBERS})&fields=%2Bvalues.user.email", [OWNERS, MEMBERS]),
        ("app", f"{EMAIL}={MEMBERS}&fields=values.user.email", [MEMBERS]),
        ("owner", f"({EMAIL} IN ({MEMBERS.upper()}))&fields=values.user.email", [MEMBERS]),
        ("owner", f"{EMAIL}={MEMBERS}", [None]),
        ("owner", f"{EMAIL}={MEMBERS}&fields=-values.links", [None]),
        ("owner", f'{EMAIL}~"member@"&fields=%2Bvalues.user.email', [None]),
        ("owner", f'{EMAIL}!={MEMBERS} AND user.nickname="owner"&fields=%2Bvalues.user.email', [None]),
        ("owner", 'user.nickname="member"&fields=%2Bvalues.user.email', [None]),
        ("member", 'user.nickname="member"&fields=%2Bvalues.user.email', [None]),
    ],
)
def test_members_show_the_addresses_that_the_filter_names(
    acme: Acme, who: str, query: str, shown: list[str | None]
) -> None:
    """Only to administrators and apps, only the addresses that they gave, and only if `fields` asks."""
    for target in ("members", "permissions"):
        answer = acme.get(who, f"/2.0/workspaces/acme/{target}?q={query}")
        found = [one["user"].get("email") for one in answer.json()["values"]]
        assert found == [address and address.strip('"') for address in shown]


def test_answers_name_the_scopes(acme: Acme) -> None:
    """What the operation needs, what the credential has, and its kind; of a JWT, the scopes are in the descriptor."""

    def headers(who: str, how: str) -> tuple[str | None, ...]:
        found = acme.get(who, "/2.0/user/workspaces", how).headers
        return tuple(found.get(f"X-{name}") for name in ("Accepted-OAuth-Scopes", "OAuth-Scopes", "Credential-Type"))

    assert headers("member", "account") == ("account", "account", "apitoken")
    assert headers("app", "account") == ("account", "account", "oauth2")
    assert headers("app", "token") == ("account", None, "jwt")
    accepted, granted, kind = headers("member", "token")
    assert (accepted, kind) == ("account", "apitoken")
    assert {"account", "repository:write", "pullrequest:write"} < set(str(granted).split(", "))


def test_pages_of_members_are_followed(acme: Acme) -> None:
    """`next` leads through all members, in the filter's order."""
    answer = acme.get("owner", "/2.0/workspaces/acme/members?pagelen=1&sort=user.nickname")
    found = _values(answer, "user", "nickname")
    while "next" in answer.json():
        answer = acme.get("owner", answer.json()["next"].removeprefix(acme.host.url))
        found += _values(answer, "user", "nickname")
    assert found == ["collaborator", "member", "owner"]


def test_a_user_lists_their_workspaces(acme: Acme) -> None:
    """The memberships of the user, chosen by role and slug; an app has none."""

    def slugs(who: str, query: str = "") -> list[str]:
        found: list[str] = _values(acme.get(who, f"/2.0/user/workspaces{query}"), "workspace", "slug")
        return found

    assert {who: slugs(who) for who in ("owner", "member", "stranger", "operator", "app")} == {
        "owner": ["acme"],
        "member": ["acme"],
        "stranger": ["elsewhere"],
        "operator": ["other"],
        "app": [],
    }
    assert (slugs("owner", "?administrator=true"), slugs("member", "?administrator=true")) == (["acme"], [])
    assert (slugs("owner", "?administrator=false"), slugs("member", "?administrator=false")) == ([], ["acme"])
    assert slugs("owner", '?q=slug="acme"&sort=-slug') == ["acme"]
    assert acme.get("owner", "/2.0/user/workspaces?administrator=maybe").status_code == 400
    assert acme.get("owner", "/2.0/workspaces/acme/members/nobody").status_code == 404


# Eras


REMOVED = ("/2.0/workspaces", "/2.0/user/permissions/workspaces")


def test_lists_over_workspaces_are_gone_since_april_2026(acme: Acme) -> None:
    """The cloud's own 410, for each caller who is known."""
    for target in REMOVED:
        for who in ("owner", "stranger", "operator", "app"):
            answer = acme.get(who, target)
            assert (answer.status_code, answer.json()) == (
                410,
                {
                    "type": "error",
                    "error": {
                        "message": "CHANGE-2770 - Functionality has been deprecated",
                        "detail": "Please read the changelog entry for more details.",
                        "data": {
                            "announcement_url": "https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770"
                        },
                    },
                },
            )


def test_the_list_of_all_snippets_is_gone_too(acme: Acme) -> None:
    """Though there are no snippets yet; what the cloud still has is missing, not removed."""
    for method, status in (("GET", 410), ("HEAD", 410), ("POST", 404)):
        assert httpx.request(method, f"{acme.host.url}/2.0/snippets/").status_code == status
    gone = httpx.get(f"{acme.host.url}/2.0/snippets").json()["error"]
    assert gone == acme.get("owner", REMOVED[0]).json()["error"]


def test_an_earlier_era_has_them(tmp_path: Path) -> None:
    """With `before-2026-04` they are lists; with the era after it they are not."""
    with live_host(tmp_path, era="before-2026-04") as host:
        headers, _ = host.work(_make)
        get = _get(host, headers["member", "token"])
        assert _values(get("/2.0/workspaces"), "slug") == ["acme"]
        assert get("/2.0/snippets").status_code == 404
        assert _values(get("/2.0/workspaces?role=owner"), "slug") == []
        assert _values(get('/2.0/workspaces?role=member&q=slug="acme"&sort=-created_on'), "name") == ["Acme Inc."]
        assert get("/2.0/workspaces?role=admin").status_code == 400
        answer = get("/2.0/user/permissions/workspaces").json()
        assert answer["pagelen"] == 50
        (permission,) = answer["values"]
        assert (permission["permission"], permission["last_accessed"]) == ("member", None)
        assert len(permission["added_on"]) == len("2021-04-02T14:20:48.179")
    with live_host(tmp_path, era="before-2026-08") as host:
        assert _get(host, headers["member", "token"])("/2.0/workspaces").status_code == 410


# Members come and go


def test_a_workspace_keeps_an_owner(tmp_path: Path) -> None:
    """The last owner is neither removed nor given another role; a removed member sees the workspace no longer."""
    with live_host(tmp_path) as host:
        headers, _ = host.work(_make)
        member = _get(host, headers["member", "token"])
        assert member("/2.0/workspaces/acme").status_code == 200
        host.work(lambda host: workspaces.remove_member(host, "acme", "member"))
        assert member("/2.0/workspaces/acme").status_code == 404
        works = (
            lambda host: workspaces.remove_member(host, "acme", "owner"),
            lambda host: workspaces.add_member(host, "acme", "owner", "member"),
        )
        for work in works:
            with pytest.raises(Conflict, match="needs an active owner"):
                host.work(work)
        with pytest.raises(NotFound):
            host.work(lambda host: workspaces.remove_member(host, "acme", "member"))
        with pytest.raises(Conflict, match="already"):
            host.work(lambda host: workspaces.create_workspace(host, "acme", name=None, owner="member"))
        host.work(lambda host: workspaces.add_member(host, "acme", "member", "owner"))
        host.work(works[0])
        assert member("/2.0/workspaces/acme/permissions").json()["size"] == 2


def test_a_refused_installation_leaves_a_workspace_that_was_there(host: LiveHost, connect_app: RecordingApp) -> None:
    """A workspace that the operator created stays; one that the installation made goes with it."""
    name = f"made-{connect_app.key}"
    host.work(lambda host: workspaces.create_workspace(host, name, name=None, owner="operator"))
    connect_app.status = 500
    for slug, there in ((name, True), (f"new-{connect_app.key}", False)):
        with pytest.raises(Exception, match="500"):
            host.install(connect_app, slug)
        found = [one.slug for one in host.work(installations.list_workspaces) if one.slug == slug]
        assert bool(found) == there
