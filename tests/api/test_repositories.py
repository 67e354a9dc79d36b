"""The group Repositories over HTTP: shapes and texts are those of the cloud, and no list shows or counts too much."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from roadstead.domain.access import access_tokens, credentials
from roadstead.domain.host import Host
from roadstead.domain.people import groups, users, workspaces
from roadstead.git.folders import Folders
from roadstead.git.refs import head
from tests.conftest import NewDatabase
from tests.live import AppClient, LiveHost, live_host, recording_app, sender

Send = Callable[..., httpx.Response]

PEOPLE = ("owner", "writer", "grouped", "member", "stranger")
BELOW = "/2.0/repositories/acme"
WIDGETS_AND_KNOWN = "q=" + quote('slug IN ("widgets", "known")')
GONE = (
    "You may not have access to this repository or it no longer exists in this workspace. If you think this repository "
    "exists and you have access, make sure you are authenticated."
)


@dataclass(frozen=True)
class Acme:
    """A host with a workspace that has a private and a public repository, and the requests of each caller."""

    host: LiveHost
    folders: Folders
    send: dict[str, Send]
    accounts: dict[str, str]

    def owner(self, method: str, target: str, **request: Any) -> httpx.Response:
        return self.send["owner"](method, target, **request)

    def make(self, slug: str, **members: Any) -> dict[str, Any]:
        """Create a repository in the private project, unless told otherwise, and return it."""
        body = {"project": {"key": "SECRET"}, **members}
        made = self.owner("POST", f"{BELOW}/{slug}", json=body)
        assert made.status_code == 200, made.text
        return made.json()  # type: ignore[no-any-return]


async def _make(host: Host) -> tuple[dict[str, str], dict[str, str]]:
    """Return the token of each user, and the users' UUIDs."""
    tokens, accounts = {}, {}
    for name in PEOPLE:
        user = await users.create_user(host, name)
        accounts[name] = user.uuid
        tokens[name], _ = await credentials.create_api_token(host, name, None, user_id=user.id)
    for slug in ("acme", "closed"):
        await workspaces.create_workspace(host, slug, name=None, owner="owner")
    for name in PEOPLE[1:-1]:
        await workspaces.add_member(host, "acme", name, "member")
    await groups.create_group(host, "acme", "Readers", ["grouped"])
    return tokens, accounts


async def _make_token(host: Host) -> str:
    return (
        await access_tokens.create_access_token(
            host, "ci", "acme", None, repository="widgets", scopes=None, lifetime=None
        )
    )[0]


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[Acme]:
    data = tmp_path_factory.mktemp("acme")
    with (
        recording_app(scopes=["account", "repository", "repository:admin", "repository:write"]) as app,
        live_host(data, database_url=new_database()) as host,
    ):
        tokens, accounts = host.work(_make)
        send: dict[str, Send] = {name: sender(host, f"Bearer {token}") for name, token in tokens.items()}
        send["anonymous"] = sender(host, None)
        send["app"] = AppClient(host.url, host.install(app, "acme"))
        send["app elsewhere"] = AppClient(host.url, host.install(app, "other"))
        made = Acme(host, Folders(data), send, accounts)
        for key, is_private in (("SECRET", True), ("OPEN", False)):
            body = {"key": key, "name": f"{key.title()} Tools", "is_private": is_private}
            assert made.owner("POST", "/2.0/workspaces/acme/projects", json=body).status_code == 201
        made.make("widgets", name="Widgets", description="Text", language="go", has_issues=True)
        made.make("known", project={"key": "OPEN"})
        for holder, permission in ((f"users/{quote(accounts['writer'])}", "write"), ("groups/readers", "read")):
            target = f"{BELOW}/widgets/permissions-config/{holder}"
            assert made.owner("PUT", target, json={"permission": permission}).status_code == 200
        send["token"] = sender(host, f"Bearer {host.work(_make_token)}")
        yield made


# Shapes


def test_a_repository_has_the_shape_of_the_cloud(acme: Acme) -> None:
    """Members and their order, links, and the addresses for git, which name the caller."""
    found = acme.owner("GET", f"{BELOW}/widgets").json()
    assert " ".join(found) == (
        "type full_name links name uuid slug description scm website owner workspace is_private project fork_policy "
        "created_on updated_on size language mainbranch override_settings parent enforced_signed_commits has_issues "
        "has_wiki"
    )
    here, web = f"{acme.host.url}{BELOW}/widgets", f"{acme.host.url}/acme/widgets"
    links = found["links"]
    assert (links["self"]["href"], links["html"]["href"]) == (here, web)
    below = {"branches": "refs/branches", "tags": "refs/tags", "source": "src"}
    for name in ("pullrequests", "commits", "forks", "watchers", "downloads", "hooks", "issues", *below):
        assert links[name]["href"] == f"{here}/{below.get(name, name)}"
    netloc = acme.host.url.removeprefix("http://")
    assert links["clone"] == [{"name": "https", "href": f"http://owner@{netloc}/acme/widgets.git"}]
    assert (found["full_name"], found["owner"]["type"], found["workspace"]["slug"]) == ("acme/widgets", "team", "acme")
    assert found["project"]["links"]["self"]["href"].endswith("/workspaces/acme/projects/SECRET")
    assert (found["fork_policy"], found["size"], found["mainbranch"], found["parent"]) == (
        "no_public_forks",
        0,
        None,
        None,
    )
    assert found["override_settings"] == {"default_merge_strategy": False, "branching_model": False}
    anonymous = acme.send["anonymous"]("GET", f"{BELOW}/known").json()
    assert anonymous["links"]["clone"][0]["href"] == f"http://{netloc}/acme/known.git"
    assert "issues" not in anonymous["links"]


def test_a_project_knows_its_repositories(acme: Acme) -> None:
    """Its link leads to them, and it says whether others see one."""
    for key, slugs, is_seen in (("SECRET", ["widgets"], False), ("OPEN", ["known"], True)):
        project = acme.owner("GET", f"/2.0/workspaces/acme/projects/{key}").json()
        listed = acme.owner("GET", project["links"]["repositories"]["href"].removeprefix(acme.host.url)).json()
        assert set(slugs) <= {one["slug"] for one in listed["values"]}
        assert {one["project"]["key"] for one in listed["values"]} == {key}
        assert project["has_publicly_visible_repos"] == is_seen


# Lists


@pytest.mark.parametrize(
    ("who", "slugs"),
    [
        ("owner", {"widgets", "known"}),
        ("writer", {"widgets", "known"}),
        ("grouped", {"widgets", "known"}),
        ("member", {"known"}),
        ("stranger", {"known"}),
        ("anonymous", {"known"}),
        ("app", {"widgets", "known"}),
        ("app elsewhere", {"known"}),
        ("token", {"widgets", "known"}),
    ],
)
def test_a_list_has_what_the_caller_sees(acme: Acme, who: str, slugs: set[str]) -> None:
    """What is left out is not counted either; a page of one leads to the rest."""
    query = f"{WIDGETS_AND_KNOWN}&sort=slug"
    answer = acme.send[who]("GET", f"{BELOW}?{query}").json()
    assert ({one["slug"] for one in answer["values"]}, answer["size"]) == (slugs, len(slugs))
    pages = _pages(acme, who, f"{BELOW}?pagelen=1&{query}")
    assert [one["slug"] for page in pages for one in page["values"]] == sorted(slugs)


def _pages(acme: Acme, who: str, target: str) -> list[dict[str, Any]]:
    """Return the pages of a list, from each to the next."""
    pages = []
    while target:
        pages.append(acme.send[who]("GET", target).json())
        target = pages[-1].get("next", "").removeprefix(acme.host.url)
    return pages


@pytest.mark.parametrize(
    ("who", "role", "slugs"),
    [
        ("owner", "owner", {"widgets", "known"}),
        ("owner", "member", {"widgets", "known"}),
        ("writer", "owner", set()),
        ("writer", "admin", set()),
        ("writer", "contributor", {"widgets"}),
        ("grouped", "member", {"widgets"}),
        ("grouped", "contributor", set()),
        ("member", "member", set()),
        ("stranger", "owner", set()),
        ("anonymous", "member", set()),
        ("app", "admin", {"widgets", "known"}),
    ],
)
def test_a_role_narrows_the_list(acme: Acme, who: str, role: str, slugs: set[str]) -> None:
    """To what was granted to the caller; that something is public grants nothing."""
    answer = acme.send[who]("GET", f"{BELOW}?role={role}&{WIDGETS_AND_KNOWN}").json()
    assert ({one["slug"] for one in answer["values"]}, answer["size"]) == (slugs, len(slugs))


def test_a_date_that_clients_send_is_not_taken_for_the_place_of_a_page(acme: Acme) -> None:
    """PyPI `bitbucket-sdk` sends `after`, which Atlassian documents for the list of all workspaces."""
    answer = acme.owner("GET", f"{BELOW}?after=2026-01-01&before=2026-01-01&{WIDGETS_AND_KNOWN}")
    assert (answer.status_code, answer.json()["size"]) == (200, 2)


@pytest.mark.parametrize(
    "query",
    [
        'name="Widgets"',
        'name~"widg"',
        'full_name~"acme/wid"',
        'slug="widgets"',
        'project.key="SECRET" AND language="go"',
        'is_private=true AND name~"widgets" AND description="Text"',
        'uuid="{uuid}"',
        'scm="git" AND fork_policy="no_public_forks" AND language="go"',
        'has_issues=true AND has_wiki=false AND website=null AND mainbranch.name=null AND workspace.name="acme"',
    ],
)
def test_a_filter_finds_repositories(acme: Acme, query: str) -> None:
    """What published clients filter by."""
    uuid = acme.owner("GET", f"{BELOW}/widgets").json()["uuid"]
    found = acme.owner("GET", f"{BELOW}?q={quote(query.replace('{uuid}', uuid))}").json()
    assert [one["slug"] for one in found["values"]] == ["widgets"]


def test_a_workspace_without_public_repositories_is_like_a_missing_one(acme: Acme) -> None:
    """For those who do not see it; so is each repository in it."""
    assert acme.owner("POST", "/2.0/repositories/closed/hidden", json={}).status_code == 200
    for who in ("stranger", "anonymous", "app", "token"):
        for below in ("", "/hidden", "/hidden/forks", "/other"):
            answers = [acme.send[who]("GET", f"/2.0/repositories/{name}{below}") for name in ("closed", "absent")]
            assert [one.status_code for one in answers] == [404, 404]
            texts = [one.json()["error"]["message"] for one in answers]
            assert texts == [f"No workspace with identifier '{name}'." for name in ("closed", "absent")]


# One repository


@pytest.mark.parametrize(
    ("who", "status"),
    [("writer", 200), ("grouped", 200), ("app", 200), ("token", 200), ("member", 404), ("stranger", 404)],
)
def test_a_repository_is_found_by_each_of_its_names(acme: Acme, who: str, status: int) -> None:
    """Slug or UUID, of the workspace too, which may be left out beside a UUID; braces may be encoded."""
    found = acme.owner("GET", f"{BELOW}/widgets").json()
    workspace, uuid = found["workspace"]["uuid"], found["uuid"]
    for name in (
        "acme/widgets",
        f"acme/{uuid}",
        f"{workspace}/widgets",
        f"{{}}/{uuid}",
        quote(f"{{}}/{uuid}", safe="/"),
        "acme/widgets/",
    ):
        answer = acme.send[who]("GET", f"/2.0/repositories/{name}")
        assert answer.status_code == status, name
        if status == 404:
            assert answer.json()["error"]["message"] == GONE
    assert acme.owner("GET", f"/2.0/repositories/closed/{uuid}").status_code == 404


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("body", "message", "fields"),
    [
        ({"name": "Widgets"}, "Repository with this Slug and Owner already exists.", ["name"]),
        ([], "Bad request", [""]),
        ({"fork_policy": "x"}, "Bad request", ["fork_policy"]),
        ({"scm": "hg"}, "Bad request", ["scm"]),
        ({"is_private": "x"}, "Bad request", ["is_private"]),
        ({"project": {"key": "NONE"}}, "project: No project with identifier 'NONE'.", ["project"]),
        ({"is_private": False}, "is_private: A private project cannot have public repositories.", ["is_private"]),
        ({"name": "名前"}, "Invalid slug. Slugs must be lowercase, alphanumerical, and may also contain", None),
    ],
)
def test_a_bad_change_is_refused_in_the_words_of_the_cloud(
    acme: Acme, body: Any, message: str, fields: list[str] | None
) -> None:
    """And changes nothing."""
    slug = "unchanged"
    acme.owner("PUT", f"{BELOW}/{slug}", json={"project": {"key": "SECRET"}})
    before = acme.owner("GET", f"{BELOW}/{slug}").json()
    answer = acme.owner("PUT", f"{BELOW}/{slug}", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["message"][: len(message)]) == (400, message)
    assert fields is None or list(error["fields"]) == fields
    assert acme.owner("GET", f"{BELOW}/{slug}").json() == before


def test_a_change_answers_with_the_fields_that_are_asked_for(acme: Acme) -> None:
    """A creation, a change and a fork, each with its status and `Location`; a mistake in `fields` changes nothing."""
    wanted = "?fields=full_name,mainbranch.name"
    for method, below, body, status in (
        ("POST", "asked", {"project": {"key": "OPEN"}}, 200),
        ("PUT", "asked", {"name": "Asked 2"}, 200),
        ("POST", "asked-2/forks", {"name": "Asked 3"}, 201),
    ):
        answer = acme.owner(method, f"{BELOW}/{below}{wanted}", json=body)
        made = answer.json()
        assert (answer.status_code, list(made)) == (status, ["full_name"])
        assert answer.headers["Location"] == f"{acme.host.url}/2.0/repositories/{made['full_name']}"
    assert "links" not in acme.owner("PUT", f"{BELOW}/asked-2?fields=-links", json={}).json()
    assert acme.owner("POST", f"{BELOW}/never?fields={',' * 200}", json={}).status_code == 400
    assert acme.owner("GET", f"{BELOW}/never").status_code == 404


@pytest.mark.parametrize("form", [{"json": {"is_private": "true"}}, {"data": {"is_private": "True"}}])
def test_a_flag_may_be_a_text(acme: Acme, form: dict[str, Any]) -> None:
    """Scripts for the cloud send one in JSON, and a form has nothing else."""
    acme.make("flagged", project={"key": "OPEN"})
    assert acme.owner("PUT", f"{BELOW}/flagged", **form).json()["is_private"] is True
    acme.owner("DELETE", f"{BELOW}/flagged")


def test_a_website_can_be_taken_away(acme: Acme) -> None:
    """By `null`, as a repository without one shows it, and by an empty text; a body without it lets it stay."""
    acme.make("shown", website="https://acme.example")
    for given, shown in (({}, "https://acme.example"), ({"website": None}, None), ({"website": ""}, None)):
        assert acme.owner("PUT", f"{BELOW}/shown", json=given).json()["website"] == shown


def test_a_new_name_moves_a_repository(acme: Acme) -> None:
    """`Location` is where it is; its earlier address redirects readers and writers, for those who see it alone."""
    acme.make("first")
    renamed = acme.owner("PUT", f"{BELOW}/first", json={"name": "Sècond Name", "language": "c#"})
    there = f"{acme.host.url}{BELOW}/second-name"
    assert (renamed.status_code, renamed.headers["Location"], renamed.json()["language"]) == (200, there, "c#")
    moved = acme.owner("GET", f"{BELOW}/first/forks?pagelen=1")
    assert (moved.status_code, moved.headers["Location"]) == (301, f"{there}/forks?pagelen=1")
    for method in ("PUT", "DELETE"):
        moved = acme.owner(method, f"{BELOW}/first", json={})
        assert (moved.status_code, moved.headers["Location"]) == (308, there)
    listed = acme.owner("GET", "/2.0/workspaces/acme/permissions/repositories/first")
    assert listed.headers["Location"].endswith("/workspaces/acme/permissions/repositories/second-name")
    assert acme.send["member"]("GET", f"{BELOW}/first").json()["error"]["message"] == GONE
    again = acme.owner("PUT", f"{BELOW}/second-name", json={"name": "Sècond Name", "description": "More"})
    assert (again.status_code, again.json()["description"], "Location" in again.headers) == (200, "More", False)
    assert acme.owner("PUT", f"{BELOW}/second-name", json={"name": "?!"}).headers["Location"].endswith("/acme/-")
    by_uuid = acme.owner("PUT", f"{BELOW}/{quote(again.json()['uuid'])}", json={"name": "Third"})
    assert by_uuid.headers["Location"] == f"{acme.host.url}{BELOW}/third"


def test_a_put_creates_what_is_missing(acme: Acme) -> None:
    """With 201 and `Location`; the folder for git is there before the answer, and goes with the repository."""
    made = acme.owner("PUT", f"{BELOW}/put-there", json={"project": {"key": "OPEN"}, "website": "https://acme.example"})
    assert (made.status_code, made.headers["Location"]) == (201, f"{acme.host.url}{BELOW}/put-there")
    found = made.json()
    assert (found["name"], found["is_private"], found["website"]) == ("put-there", False, "https://acme.example")
    folder = acme.folders.path(found["uuid"])
    assert (folder / "HEAD").exists()
    watchers = acme.owner("GET", f"{BELOW}/put-there/watchers").json()
    assert [one["uuid"] for one in watchers["values"]] == [acme.accounts["owner"]]
    gone = acme.owner("DELETE", f"{BELOW}/put-there")
    assert (gone.status_code, gone.content) == (204, b"")
    assert acme.owner("GET", f"{BELOW}/put-there").status_code == 404
    acme.host.work(Host.finish)
    assert not folder.exists()


@pytest.mark.sample(2)
@pytest.mark.parametrize("who", ["writer", "member", "stranger", "anonymous", "token"])
def test_who_may_not_create_makes_no_folder(acme: Acme, who: str) -> None:
    """A refusal leaves nothing on the disk."""
    before = sorted(acme.folders.uuids())
    answer = acme.send[who]("POST", f"{BELOW}/refused", json={"project": {"key": "OPEN"}})
    assert answer.status_code in (400, 401, 403, 404)
    assert (sorted(acme.folders.uuids()), acme.owner("GET", f"{BELOW}/refused").status_code) == (before, 404)


# Forks


def test_a_fork_is_as_its_parent_but_for_what_is_given(acme: Acme) -> None:
    """It names its parent to those who see that; the list of forks has it; it stays when its parent goes."""
    parent = acme.make("parent", description="Origin", language="go", project={"key": "SECRET"})
    taken = acme.owner("POST", f"{BELOW}/parent/forks")
    assert taken.json()["error"]["message"] == "Repository with this Slug and Owner already exists."
    made = acme.owner("POST", f"{BELOW}/parent/forks", json={"name": "My fork", "language": "c"})
    fork = made.json()
    assert (made.status_code, made.headers["Location"]) == (201, f"{acme.host.url}{BELOW}/my-fork")
    assert (fork["description"], fork["language"], fork["project"]["key"], fork["is_private"]) == (
        "Origin",
        "c",
        "SECRET",
        True,
    )
    assert (fork["parent"]["uuid"], list(fork["parent"])) == (
        parent["uuid"],
        ["type", "full_name", "links", "name", "uuid"],
    )
    assert (acme.folders.path(fork["uuid"]) / "HEAD").exists()
    listed = acme.owner("GET", f"{BELOW}/parent/forks").json()
    assert [(one["slug"], one["parent"]["uuid"]) for one in listed["values"]] == [("my-fork", parent["uuid"])]
    target = f"{BELOW}/my-fork/permissions-config/users/{quote(acme.accounts['member'])}"
    assert acme.owner("PUT", target, json={"permission": "read"}).status_code == 200
    seen = acme.send["member"]("GET", f"{BELOW}/my-fork").json()
    in_list = acme.send["member"]("GET", f'{BELOW}?q=slug="my-fork"').json()["values"]
    assert [one["parent"] for one in (seen, *in_list)] == [None, None]
    assert acme.owner("DELETE", f"{BELOW}/parent").status_code == 204
    assert acme.owner("GET", f"{BELOW}/my-fork").json()["parent"] is None


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("policy", "who", "body", "status"),
    [
        ("no_forks", "owner", {"name": "fork-1"}, 403),
        ("no_public_forks", "owner", {"name": "fork-2", "is_private": False, "project": {"key": "OPEN"}}, 400),
        ("no_public_forks", "owner", {"name": "fork-3", "project": {"key": "OPEN"}}, 201),
        ("allow_forks", "owner", {"name": "fork-4", "is_private": False, "project": {"key": "OPEN"}}, 201),
        ("allow_forks", "owner", {"name": "fork-5", "workspace": {"slug": "absent"}}, 404),
        ("allow_forks", "member", {"name": "fork-6"}, 404),
        ("allow_forks", "writer", {"name": "fork-7"}, 404),
    ],
)
def test_a_fork_policy_holds(acme: Acme, policy: str, who: str, body: dict[str, Any], status: int) -> None:
    """For all, administrators too; and a fork needs both to read its parent and to create in its project."""
    acme.owner("PUT", f"{BELOW}/strict", json={"project": {"key": "SECRET"}, "fork_policy": policy})
    answer = acme.send[who]("POST", f"{BELOW}/strict/forks", json=body)
    assert answer.status_code == status, answer.text
    if policy == "no_public_forks" and status == 201:
        assert answer.json()["is_private"]


def test_who_may_not_create_in_a_project_is_told_so(acme: Acme) -> None:
    """A caller who reads the parent, and has given no project, is refused as for an empty repository."""
    acme.make("readable")
    target = f"{BELOW}/readable/permissions-config/users/{quote(acme.accounts['member'])}"
    assert acme.owner("PUT", target, json={"permission": "read"}).status_code == 200
    refused = acme.send["member"]("POST", f"{BELOW}/readable/forks", json={"name": "fork-9"})
    message = "Access denied. You must have create-repo access to this project."
    assert (refused.status_code, refused.json()["error"]["message"]) == (403, message)


def test_a_private_fork_stays_private_where_its_parent_says_so(acme: Acme) -> None:
    """It cannot be made public later, until the parent allows public forks."""
    acme.make("origin", project={"key": "OPEN"}, is_private=True)
    assert acme.owner("POST", f"{BELOW}/origin/forks", json={"name": "fork-8"}).status_code == 201
    public = {"is_private": False}
    refused = acme.owner("PUT", f"{BELOW}/fork-8", json=public)
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["is_private"])
    assert acme.owner("GET", f"{BELOW}/fork-8").json()["is_private"] is True
    acme.owner("PUT", f"{BELOW}/origin", json={"fork_policy": "allow_forks"})
    assert acme.owner("PUT", f"{BELOW}/fork-8", json=public).json()["is_private"] is False


def test_a_fork_may_have_another_main_branch(acme: Acme) -> None:
    """One of its parent's branches, which a clone of the fork checks out."""
    acme.make("branched")
    for branch in ("main", "next/1"):
        form = {"files": {"a": ("a", branch)}, "data": {"branch": branch}}
        assert acme.owner("POST", f"{BELOW}/branched/src", **form).status_code == 201
    refused = acme.owner("POST", f"{BELOW}/branched/forks", json={"name": "fork-9", "mainbranch": {"name": "none"}})
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, "mainbranch: branch not found: none")
    given = {"name": "fork-9", "mainbranch": {"name": "next/1"}}
    fork = acme.owner("POST", f"{BELOW}/branched/forks", json=given).json()
    assert fork["mainbranch"] == {"name": "next/1", "type": "branch"}
    assert head(acme.folders.path(fork["uuid"])) == "refs/heads/next/1"


# Permissions


def test_permissions_are_shown_as_on_the_cloud(acme: Acme) -> None:
    """What is granted directly, to whom; a privilege of projects cannot be granted in a repository."""
    below = f"{BELOW}/widgets/permissions-config"
    (of_user,) = acme.owner("GET", f"{below}/users").json()["values"]
    assert (of_user["type"], of_user["permission"]) == ("repository_user_permission", "write")
    assert list(of_user["user"]) == ["type", "display_name", "uuid", "account_id", "nickname"]
    (of_group,) = acme.owner("GET", f"{below}/groups").json()["values"]
    assert (of_group["permission"], of_group["group"]["full_slug"]) == ("read", "acme:readers")
    assert of_group["repository"]["full_name"] == "acme/widgets"
    refused = acme.owner("PUT", f"{below}/groups/readers", json={"permission": "create-repo"})
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["permission"])
    none = acme.owner("GET", f"{below}/users/{quote(acme.accounts['member'])}").json()
    assert none["permission"] == "none"


@pytest.mark.parametrize(
    ("who", "target", "held"),
    [
        ("writer", "/2.0/user/workspaces/acme/permissions/repositories?", {("writer", "write")}),
        ("grouped", "/2.0/user/workspaces/acme/permissions/repositories?", {("grouped", "read")}),
        ("owner", "/2.0/user/workspaces/acme/permissions/repositories?", {("owner", "admin")}),
        (
            "owner",
            "/2.0/workspaces/acme/permissions/repositories?",
            {("owner", "admin"), ("writer", "write"), ("grouped", "read")},
        ),
        (
            "owner",
            "/2.0/workspaces/acme/permissions/repositories/widgets?",
            {("owner", "admin"), ("writer", "write"), ("grouped", "read")},
        ),
        (
            "owner",
            '/2.0/workspaces/acme/permissions/repositories/widgets?q=permission>"read"&',
            {("owner", "admin"), ("writer", "write")},
        ),
        (
            "owner",
            '/2.0/workspaces/acme/permissions/repositories?q=permission<="write" AND user.nickname="writer"&',
            {("writer", "write")},
        ),
        (
            "writer",
            '/2.0/user/workspaces/acme/permissions/repositories?q=permission="admin" OR permission="write"&',
            {("writer", "write")},
        ),
    ],
)
def test_the_highest_privilege_is_listed(acme: Acme, who: str, target: str, held: set[tuple[str, str]]) -> None:
    """Of the caller, or of all for administrators; filters compare privileges by what they include."""
    found = acme.send[who]("GET", f"{target}pagelen=100").json()["values"]
    named = {uuid: name for name, uuid in acme.accounts.items()}
    listed = {
        (named[one["user"]["uuid"]], one["permission"]) for one in found if one["repository"]["name"] == "Widgets"
    }
    assert listed == held
    assert {one["type"] for one in found} == {"repository_permission"}


@pytest.mark.each_database
@pytest.mark.parametrize("below", ["", "/widgets"])
def test_permissions_are_sorted_by_what_they_include(acme: Acme, below: str) -> None:
    """By `sort=permission` those who may only read come first, on pages of one that lead to each other."""
    rising = ["read", "write", "admin"]
    for sort, held in (("permission", rising), ("-permission", rising[::-1])):
        chosen = f'q=repository.name="Widgets"&pagelen=1&sort={sort}'
        pages = _pages(acme, "owner", f"/2.0/workspaces/acme/permissions/repositories{below}?{chosen}")
        assert [one["permission"] for page in pages for one in page["values"]] == held
        before = pages[-1]["previous"].removeprefix(acme.host.url)
        assert acme.owner("GET", before).json()["values"] == pages[-2]["values"]


def test_own_settings_are_set_and_shown(acme: Acme) -> None:
    """One of them leaves the other as it is."""
    acme.make("settled")
    for given in ({"branching_model": True}, {"default_merge_strategy": True}, {"branching_model": False}, {}):
        answer = acme.owner("PUT", f"{BELOW}/settled/override-settings", json={"override_settings": given})
        assert answer.status_code == 204
    state = acme.owner("GET", f"{BELOW}/settled/override-settings").json()
    assert state["override_settings"] == {"default_merge_strategy": True, "branching_model": False}
    assert acme.owner("GET", f"{BELOW}/settled").json()["override_settings"] == state["override_settings"]


def test_an_earlier_era_lists_the_repositories_of_all_workspaces(
    tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase
) -> None:
    """Those that the caller sees; and what was granted to the caller."""
    with live_host(tmp_path_factory.mktemp("era"), database_url=new_database(), era="before-2026-04") as host:
        tokens, _ = host.work(_make)
        owner, stranger = (sender(host, f"Bearer {tokens[name]}") for name in ("owner", "stranger"))
        for name, is_private in (("acme/a", True), ("closed/b", True), ("closed/c", True)):
            assert owner("POST", f"/2.0/repositories/{name}", json={"is_private": is_private}).status_code == 200
        for target in ("/2.0/repositories", "/2.0/user/permissions/repositories", "/2.0/repositories?role=owner"):
            assert (owner("GET", target).json()["size"], stranger("GET", target).json()["size"]) == (3, 0), target
