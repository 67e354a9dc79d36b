"""Webhooks of repositories and workspaces: what may be given, what is answered, and who may have which."""

import asyncio
import itertools
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from roadstead.connect import encode, query_string_hash
from roadstead.domain.access import credentials
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from roadstead.events import hooks
from roadstead.model import OPERATOR_ID
from tests.api.repositories import Made, repository
from tests.live import AppClient, LiveHost, RecordingApp, recording_app, sender

Send = Callable[..., httpx.Response]
URL = "https://ci.example.com/hook?key=1"
GIVEN = {"url": URL, "events": ["repo:push"]}
SCOPES = ["webhook", "repository", "pullrequest"]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def made(host: LiveHost) -> Made:
    return repository(host)


@pytest.fixture(scope="module")
def send(host: LiveHost) -> Send:
    return sender(host, f"Bearer {host.api_token()}")


@pytest.fixture(params=["repository", "workspace"])
def at(request: pytest.FixtureRequest, made: Made) -> str:
    """Return the address of the hooks of each kind of subject."""
    return f"{made.below}/hooks" if request.param == "repository" else "/2.0/workspaces/local/hooks"


@pytest.fixture
def hook(at: str, send: Send) -> Iterator[dict[str, Any]]:
    """Yield a hook of each kind of subject."""
    created = send("POST", at, json={**GIVEN, "description": "CI", "secret": "hush"})
    assert created.status_code == 201, created.text
    yield created.json()
    send("DELETE", f"{at}/{created.json()['uuid']}")


def test_a_hook_has_the_captured_members(host: LiveHost, made: Made, at: str, send: Send) -> None:
    """A new hook has the members of the cloud's, events in order, and tells that it has a secret, not which."""
    events = ["repo:push", "pullrequest:created", "issue:updated"]
    answer = send("POST", at, json={**GIVEN, "events": events, "secret": "hush"})
    hook = answer.json()
    uuid = hook["uuid"]
    subject = hook.pop("subject")
    kind = "workspace" if "/workspaces/" in at else "repository"
    named = {"slug": "local"} if kind == "workspace" else {"full_name": made.repository.full_name}
    assert {**named, "type": kind}.items() <= subject.items()
    assert set(subject) == {"type", "name", "uuid", "links", *named}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", hook.pop("created_at"))
    url = f"{host.url}{at}/{quote(uuid)}"
    assert answer.headers["Location"] == url
    assert hook == {
        "type": "webhook_subscription",
        "uuid": uuid,
        "url": URL,
        "description": "",
        "active": True,
        "events": sorted(events),
        "subject_type": kind,
        "skip_cert_verification": False,
        "history_enabled": False,
        "source": None,
        "read_only": None,
        "secret_set": True,
        "links": {"self": {"href": url}},
    }


def test_a_hook_is_found_by_each_spelling_of_its_uuid(at: str, send: Send, hook: dict[str, Any]) -> None:
    """Bare, in braces, and encoded: clients send all three."""
    uuid = hook["uuid"]
    for spelling in (uuid, uuid.strip("{}"), quote(uuid), uuid.upper()):
        assert send("GET", f"{at}/{spelling}").json() == hook
    assert hook in send("GET", f"{at}?pagelen=100").json()["values"]


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, {}),
        ({"secret": "another"}, {"secret_set": True}),
        ({"secret": None}, {"secret_set": False}),
        ({"secret": ""}, {"secret_set": False}),
        ({"active": False, "history_enabled": True, "skip_cert_verification": True}, ...),
        ({"events": ["repo:updated", "repo:fork"]}, {"events": ["repo:fork", "repo:updated"]}),
        ({"url": "https://other.example.com/", "description": "New"}, ...),
    ],
)
def test_a_hook_is_changed_by_the_whole_object(
    at: str, send: Send, hook: dict[str, Any], changes: dict[str, Any], told: Any
) -> None:
    """Clients send back what they got, read-only members and all; what differs is changed, a secret left out stays."""
    expected = {**hook, **(changes if told is ... else told)}
    answer = send("PUT", f"{at}/{hook['uuid']}", json={**hook, **changes})
    assert (answer.status_code, answer.json()) == (200, expected)
    assert send("GET", f"{at}/{hook['uuid']}").json() == expected


def test_a_deleted_hook_is_gone(made: Made, at: str, send: Send, hook: dict[str, Any]) -> None:
    """Deleting answers without a body, and then the cloud's 404 names the subject."""
    one = f"{at}/{hook['uuid']}"
    assert (send("DELETE", one).status_code, send("DELETE", one).status_code) == (204, 404)
    slug = made.repository.slug if "/repositories/" in at else "local"
    for uid in (hook["uuid"], "0", "{}", "%00"):
        refused = send("GET", f"{at}/{uid}")
        assert (refused.status_code, refused.json()["error"]["message"]) == (404, f"{slug} is not a valid hook")


def test_a_forbidden_address_comes_with_the_setting_that_allows_it(made: Made, send: Send) -> None:
    """The caller reads what to ask the operator for."""
    told = send("POST", f"{made.below}/hooks", json={**GIVEN, "url": "http://10.0.0.1/"}).json()["error"]
    assert "--allow-target 10.0.0.1, or allow_target in roadstead.toml" in told["detail"]


@pytest.mark.sample(8)
@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, ['Required field: "url" is not present', 'Required field: "events" is not present']),
        ({"events": ["repo:push"]}, ['Required field: "url" is not present']),
        ({**GIVEN, "events": []}, {"events"}),
        ({**GIVEN, "events": ["repo:push", "repo:push"]}, {"events"}),
        ({**GIVEN, "events": ["repo:pushed"]}, {"events"}),
        ({**GIVEN, "events": "repo:push"}, {"events"}),
        ({**GIVEN, "url": ""}, {"url"}),
        ({**GIVEN, "url": "ftp://ci.example.com"}, {"url"}),
        ({**GIVEN, "url": "/hook"}, {"url"}),
        ({**GIVEN, "url": "https://a:b@ci.example.com"}, {"url"}),
        ({**GIVEN, "url": "http://169.254.169.254/latest"}, {"url"}),
        ({**GIVEN, "url": "http://10.0.0.1/"}, {"url"}),
        ({**GIVEN, "url": f"https://ci.example.com/{'x' * 2048}"}, {"url"}),
        ({**GIVEN, "description": "x" * 1025}, {"description"}),
        ({**GIVEN, "description": "\0"}, {"description"}),
        ({**GIVEN, "secret": "x" * 129}, {"secret"}),
        ({**GIVEN, "active": "yes"}, {"active"}),
        ([], {""}),
    ],
)
def test_bad_hooks_are_refused(made: Made, send: Send, given: Any, fields: Any) -> None:
    """A bad hook is a 400 that names the member, or lists what is missing, and nothing is created."""
    at = f"{made.below}/hooks"
    before = send("GET", at).json()["size"]
    answer = send("POST", at, json=given)
    told = answer.json()["error"]["fields"]
    assert (answer.status_code, told if isinstance(fields, list) else set(told)) == (400, fields)
    assert send("GET", at).json()["size"] == before


def test_a_change_needs_url_and_description(at: str, send: Send, hook: dict[str, Any]) -> None:
    """Both are given with each change; a refused one leaves the hook as it was."""
    for given in ({"url": URL}, {"description": "x"}, {**GIVEN, "description": "x", "events": ["repo:none"]}):
        assert send("PUT", f"{at}/{hook['uuid']}", json=given).status_code == 400
    assert send("GET", f"{at}/{hook['uuid']}").json() == hook


def test_events_of_a_workspace_are_not_of_a_repository(made: Made, send: Send) -> None:
    """What only a workspace hears of cannot be named by a repository's hook, and the reverse."""
    for key, subject in (
        ("project:updated", "workspaces"),
        ("repo:deleted", "workspaces"),
        ("pipeline:span_created", ""),
    ):
        of_repository = send("POST", f"{made.below}/hooks", json={**GIVEN, "events": [key]}).status_code
        of_workspace = send("POST", "/2.0/workspaces/local/hooks", json={**GIVEN, "events": [key]}).status_code
        assert (of_repository, of_workspace) == ((400, 201) if subject else (201, 400)), key


def test_who_may_have_hooks(host: LiveHost, made: Made, at: str) -> None:
    """An administrator with the scope may; without it, or with less than a hook's events need, the 403 tells which."""

    async def tokens(opened: Host) -> tuple[str, list[str]]:
        member = await users.create_user(opened, f"member-{next(_numbers)}")
        await workspaces.add_member(opened, "local", member.username, "member")
        mine = await credentials.create_api_token(opened, "test", None, user_id=member.id)
        few = ["repository:admin", "webhook", "webhook pullrequest"]
        made = [await credentials.create_api_token(opened, "x", None, user_id=OPERATOR_ID, scopes=one) for one in few]
        return mine[0], [token for token, _ in made]

    member, (unscoped, no_events, scoped) = host.work(tokens)
    refused = sender(host, f"Bearer {member}")("POST", at, json=GIVEN)
    assert refused.status_code == (404 if "/repositories/" in at else 403)
    for token, events, required in (
        (unscoped, ["repo:push"], ["webhook"]),
        (no_events, ["repo:push", "issue:created"], ["webhook", "issue", "repository"]),
        (scoped, ["issue:created"], ["webhook", "issue"]),
    ):
        answer = sender(host, f"Bearer {token}")("POST", at, json={**GIVEN, "events": events})
        assert answer.status_code == 403
        error = answer.json()["error"]
        assert error["message"] == "Your credentials lack one or more required privilege scopes."
        assert error["detail"]["required"] == required
    created = sender(host, f"Bearer {scoped}")(
        "POST", at, json={**GIVEN, "events": ["repo:push", "pullrequest:created"]}
    )
    assert created.status_code == 201
    # A hook whose events a credential may not hear cannot be led elsewhere with it.
    one, moved = f"{at}/{created.json()['uuid']}", {"url": "https://else.example.com", "description": ""}
    assert sender(host, f"Bearer {no_events}")("PUT", one, json=moved).status_code == 403


def test_an_app_subscribes_while_it_is_installed(host: LiveHost, send: Send) -> None:
    """As today's Sentry does, an app creates a hook of its workspace inside `installed`; uninstalling deletes it."""
    with recording_app(scopes=SCOPES) as app:
        answers: list[httpx.Response] = []

        async def subscribe(body: dict[str, Any]) -> None:
            await asyncio.to_thread(_subscribe, host, app, body, answers)

        app.on_installed = subscribe
        installation = host.install(app)
        (created,) = answers
        assert created.status_code == 201, created.text
        assert created.json()["source"] == app.descriptor["key"]
        at = "/2.0/workspaces/local/hooks"
        api = AppClient(host.url, installation)
        assert api("GET", f"{at}/{created.json()['uuid'].strip('{}')}").json() == created.json()
        other = {**GIVEN, "url": "http://127.0.0.1:1/hook"}
        assert api("POST", at, json=other).status_code == 400  # on this machine, an app is called where it is
        mine = send("POST", at, json={**other, "description": ""}).json()
        quiet = api("PUT", f"{at}/{mine['uuid']}", json={**mine, "active": False})
        assert (quiet.status_code, quiet.json()) == (200, {**mine, "active": False})  # it goes nowhere else
        app.on_installed = None
        assert api("DELETE", "/2.0/addon").status_code == 204
    assert send("GET", f"{at}/{created.json()['uuid']}").status_code == 404
    assert send("DELETE", f"{at}/{mine['uuid']}").status_code == 204


def _subscribe(host: LiveHost, app: RecordingApp, body: dict[str, Any], answers: list[httpx.Response]) -> None:
    """Create a hook as the app that was just sent its secret, named by the workspace's UUID."""
    path = f"/2.0/workspaces/{quote(body['principal']['uuid'])}/hooks"
    now = int(time.time())
    claims = {"iss": body["key"], "sub": body["clientKey"], "iat": now, "exp": now + 180}
    token = encode({**claims, "qsh": query_string_hash("POST", path, "")}, body["sharedSecret"])
    given = {
        "description": "sentry-bitbucket-repo-hook",
        "url": f"{app.base_url}/extensions/bitbucket/organizations/1/webhook/",
        "active": True,
        "events": ["repo:push", "pullrequest:fulfilled"],
    }
    answers.append(httpx.post(f"{host.url}{path}", headers={"Authorization": f"JWT {token}"}, json=given))


def test_an_app_leaves_room_for_others(host: LiveHost, made: Made, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subject has a most of hooks, and of these an app may have a share only."""
    monkeypatch.setattr(hooks, "MOST", 2)
    monkeypatch.setattr(hooks, "MOST_OF_APP", 1)
    at = f"{repository(host).below}/hooks"
    with recording_app(scopes=SCOPES) as app:
        api = AppClient(host.url, host.install(app))
        statuses = [one("POST", at, json=GIVEN).status_code for one in (api, api, send, send)]
    assert statuses == [201, 400, 201, 400]


def test_the_catalogue_is_public(host: LiveHost) -> None:
    """Everyone may read what hooks can belong to, and the events of each; team and user are older names."""
    get = partial(sender(host, None), "GET")
    links = {one: f"{host.url}/2.0/hook_events/{one}" for one in ("repository", "workspace")}
    assert get("/2.0/hook_events").json() == {one: {"links": {"events": {"href": href}}} for one, href in links.items()}
    told = {one: get(f"/2.0/hook_events/{one}").json() for one in ("repository", "workspace", "team", "user", "other")}
    assert (told["repository"]["pagelen"], told["repository"]["size"]) == (30, 24)
    push = {"category": "Repository", "label": "Push", "description": "Whenever a repository push occurs"}
    assert {**push, "event": "repo:push"} in told["repository"]["values"]
    only = {one["event"] for one in told["workspace"]["values"]} - {
        one["event"] for one in told["repository"]["values"]
    }
    assert only == {"repo:created", "repo:deleted", "repo:imported", "repo:transfer", "project:updated"}
    assert told["team"] == told["user"]
    assert told["team"]["values"] == told["workspace"]["values"]
    assert get("/2.0/hook_events/other").status_code == 404
