"""The OpenAPI document describes exactly the real answers."""

import base64
import itertools
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

import httpx
import pytest
import schemathesis

from roadstead.api.answers import Answer
from roadstead.api.map import Map
from roadstead.api.needs import ANYONE
from roadstead.api.openapi import document, statuses_of
from roadstead.api.operation import Call, Group
from roadstead.domain.access import credentials
from roadstead.domain.access.admission import HEALTH, Admission
from roadstead.domain.access.shares import Places
from roadstead.domain.host import Host
from roadstead.domain.people import groups, projects, users, workspaces
from roadstead.domain.people.projects import ProjectChanges
from roadstead.domain.repositories.access import RepositoryMoved
from roadstead.domain.repositories.changes import put_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.domain.telemetry import readiness
from roadstead.errors import Conflict, NotFound, StorageUnavailable
from roadstead.model import ApiToken
from roadstead.model.deliveries import NewDelivery
from roadstead.routes import MAP
from roadstead.storage.deliveries import add_delivery
from tests.contract import DOCUMENT, check_answer, sample_body
from tests.live import AppClient, LiveHost, RecordingApp, live_host, sender
from tests.public_keys import public_key
from tests.smart_http.git_client import new_work

OPERATIONS = [(method.upper(), address) for address, methods in DOCUMENT["paths"].items() for method in methods]
VALUES = "/2.0/addon/linkers/{linker_key}/values"
ELSEWHERE = {"Host": "roadstead.example"}
"""A name under which the host on this machine requires a credential."""


@dataclass(frozen=True)
class Sent:
    """A request that succeeds, and one of its kind for what does not exist."""

    target: str
    not_found: str
    body: dict[str, Any] = field(default_factory=dict)
    not_found_body: dict[str, Any] = field(default_factory=dict)


THERE = {
    "linker_key": "tickets",
    "value_id": "{id}",
    "workspace": "local",
    "request_id": "{recorded}",
    "delivery_id": "{delivery}",
    "selected_user": "{user}",
    "email": "reader@acme.example",
    "member": "{reader}",
    "project_key": "THERE",
    "selected_user_id": "{reader}",
    "group_slug": "readers",
    "repo_slug": "there",
    **dict.fromkeys(("commit", "revision", "spec"), "main"),
    "revspec": "main..main",
    "comment_id": "{comment}",
    "path": "README.md",
    "name": "spare",
    "app_key": "{app}",
    "property_name": "THERE",
    "filename": "THERE",
    "download_id": "{download}",
    "key": "{status}",
    "uid": "{hook}",
    "subject_type": "repository",
    "key_id": "{key}",
}
"""What an address's parameter may be in a host with an app; nothing in it is called `0`."""
OF_A_USER = (
    "/2.0/user/emails",
    "/2.0/user/workspaces/",
    "/2.0/workspaces/local/members/",
    "/2.0/users/{user}/ssh-keys",
)
"""What only a user has, so that a user's token asks for it; the reader is a member of the workspace."""
OF_AN_ADMINISTRATOR = (
    "/2.0/workspaces/local/projects",
    "/2.0/workspaces/local/hooks",
    "/2.0/repositories",
    "/2.0/workspaces/local/permissions/repositories",
    "/2.0/user/permissions/repositories",
)
"""What the app of these tests has no scope for, so that the operator's token asks for it."""
REPOSITORY = "/2.0/repositories/local/there"
FORM = {"Content-Type": "multipart/form-data; boundary=X"}
BY_NAME = {("GET", "/-/linkers"): "?workspace=", ("POST", "/-/linkify"): {"text": "REF#7"}}
"""Operations that name a workspace elsewhere than in their address: in the query, or in a body."""


def _sent(method: str, address: str) -> Sent:
    """Return a request for an operation, made from its description: samples of parameters, examples of members."""
    target = re.sub(r"{(\w+)}", lambda found: THERE.get(found[1], "x"), address)
    not_found = re.sub(r"{\w+}", "0", address)
    body = sample_body(method, address)
    match BY_NAME.get((method, address)):
        case str(query):
            return Sent(f"{target}{query}local", f"{target}{query}nowhere")
        case dict(members):
            return Sent(target, target, {"json": members}, {"json": {**members, "workspace": "nowhere"}})
    return Sent(target, not_found, body, body)


SENT = {(method, address): _sent(method, address) for method, address in OPERATIONS}


async def _delivery(host: Host) -> int:
    """Add a delivery to a hook that is gone."""
    now = host.now()
    delivery = NewDelivery("repo:push", now, "x", 0, None, "local", None, "lane", "x", "http://x/", "x", "{}")
    async with host.store.database.transaction() as tx:
        return await add_delivery(tx, delivery, now)


async def _fail(store: object) -> None:
    raise StorageUnavailable("The database is unreachable.")


async def _reader(host: Host) -> tuple[str, str]:
    try:
        reader = await users.find_user(host, THERE["email"])
    except NotFound:
        reader = await users.create_user(host, "reader", email=THERE["email"])
    await workspaces.add_member(host, "local", "reader", "member")
    return (await credentials.create_api_token(host, "test", None, user_id=reader.id))[0], reader.account_id


async def _places_of_a_reader(host: Host) -> str:
    """Make what the addresses of a project and a repository name; return the reader's account id."""
    _, account_id = await _reader(host)
    operator = ApiToken(0, "samples", await host.find_operator(), None, datetime.now(UTC), None, None, None)
    given = ProjectChanges(name="There")
    project, _ = await projects.put_project(host, operator, "local", "THERE", given)
    await projects.add_reviewer(host, operator, project, operator.user)
    await projects.put_project(host, operator, "local", "HOME", given)
    with suppress(RepositoryMoved):
        await put_repository(host, operator, "local", "earlier", RepositoryChanges(project="HOME"))
        await put_repository(host, operator, "local", "earlier", RepositoryChanges(name="there"))
    with suppress(Conflict):
        await groups.create_group(host, "local", "Readers", [])
    with suppress(Conflict):
        await users.create_user(host, "outsider")
    return account_id


def _keep_commit(host: LiveHost) -> None:
    """Push a commit with a file, a branch and a tag to the repository, unless it has them."""
    token = host.api_token()
    get = partial(sender(host, f"Bearer {token}"), "GET")
    if any(
        get(f"{REPOSITORY}{path}").status_code == 404 for path in ("/src", "/refs/branches/spare", "/refs/tags/spare")
    ):
        with tempfile.TemporaryDirectory() as folder:
            work = new_work(Path(folder))
            work.commit(file="README.md")
            url = host.url.replace("//", f"//x-token-auth:{token}@") + "/local/there.git"
            work.git("push", "--force", url, "main", "main:refs/heads/spare", "main:refs/tags/spare")


def _download_there(host: LiveHost) -> str:
    """Upload a file to the repository; return the link to its content."""
    host.work(_places_of_a_reader)
    send = sender(host, f"Bearer {host.api_token()}")
    send("POST", f"{REPOSITORY}/downloads", files={"files": ("THERE", b"content")})
    link: str = send("GET", f"{REPOSITORY}/downloads/THERE").headers["Location"]
    return link.removeprefix(host.url)


_NUMBERS = itertools.count()


class Caller:
    """Sends one operation's request so that it ends with a given status."""

    def __init__(self, api: AppClient, host: LiveHost, app: RecordingApp, method: str, address: str) -> None:
        self._api, self._host, self._app, self._method = api, host, app, method
        self._sent = SENT[method, address]
        self._takes_body = "requestBody" in DOCUMENT["paths"][address][method.lower()]
        added = api("POST", "/2.0/addon/linkers/tickets/values", json={"value": "THERE"}).json()
        self._target = self._sent.target.replace("{id}", str(added["id"]))
        if "{recorded}" in self._target:
            newest = api("GET", "/-/requests").json()["values"][0]
            self._target = self._target.replace("{recorded}", str(newest["id"]))
        if "{delivery}" in self._target:
            self._target = self._target.replace("{delivery}", str(host.work(_delivery)))
        self._as_user: dict[str, str] = {}
        if self._target.startswith(OF_A_USER):
            reader, account_id = host.work(_reader)
            self._as_user = {"Authorization": f"Bearer {reader}"}
            self._target = self._target.replace("{reader}", account_id)
            if "-keys" in address:
                self._target = self._target.replace("{user}", account_id)
        if self._target.startswith(OF_AN_ADMINISTRATOR):
            self._as_user = {"Authorization": f"Bearer {host.api_token()}"}
            self._target = self._target.replace("{reader}", host.work(_places_of_a_reader))
        if self._target.startswith(REPOSITORY):
            _keep_commit(host)
        if "{comment}" in self._target:
            comments = f"{REPOSITORY}/commit/main/comments"
            written = api("POST", comments, headers=self._as_user, json={"content": {"raw": "Well done."}}).json()
            self._target = self._target.replace("{comment}", str(written["id"]))
        if "/statuses/build" in self._target:
            body = sample_body("POST", address.removesuffix("/{key}"))
            made = api("POST", self._target.removesuffix("/{status}"), headers=self._as_user, **body).json()
            self._target = self._target.replace("{status}", made["key"])
        if "{hook}" in self._target:
            body = sample_body("POST", address.removesuffix("/{uid}"))
            made = api("POST", self._target.removesuffix("/{hook}"), headers=self._as_user, **body).json()
            self._target = self._target.replace("{hook}", made["uuid"])
        if "-keys" in address:
            self._keep_key()
        if address.endswith("/{filename}"):
            link = _download_there(host)
            self._target = link if address.startswith("/-/") else self._target
        if "{user}" in self._target:
            self._target = self._target.replace("{user}", host.work(Host.find_operator).account_id)
        if "/properties/" in self._target:
            self._as_user = {}
            self._target = self._target.replace("{app}", api.installation.app_key)
            api("PUT", self._target, json={})

    def _send(self, target: str | None = None, *, token: str | None = None, **changes: Any) -> httpx.Response:
        body = {} if changes.keys() & {"json", "content", "data", "files"} else self._sent.body
        if token is None and self._as_user:
            changes.setdefault("headers", self._as_user)
        return self._api(self._method, target or self._target, token=token, **body, **changes)

    def _keep_key(self) -> None:
        """Add the key that the address names; for the list, have none, and another one to add."""
        below, keys, named = self._target.partition("-keys")
        keys = below + keys
        for key in self._api("GET", keys, headers=self._as_user).json()["values"]:
            self._api("DELETE", key["links"]["self"]["href"].removeprefix(self._host.url), headers=self._as_user)
        self._target = keys
        key = {"key": public_key()}
        if self._sent.body:
            self._sent = replace(self._sent, body={"json": key}, not_found_body={"json": key})
        if named:
            made = self._api("POST", keys, headers=self._as_user, json=key).json()
            self._target = made["links"]["self"]["href"].removeprefix(self._host.url)

    @property
    def _is_upload(self) -> bool:
        return self._method == "POST" and self._target.endswith("/downloads")

    def no_form(self) -> httpx.Response:
        return self._send(content=b"x")

    def success(self) -> httpx.Response:
        is_creation = self._method == "POST" and self._target.endswith("/there")
        return self.created() if is_creation else self._send()

    def not_accepted(self) -> httpx.Response:
        if self._is_upload:
            return self._send(content=b"", headers={**self._as_user, **FORM})
        if "/default-reviewers/" in self._target and self._method != "GET":
            outsider = self._host.work(lambda host: users.find_user(host, "outsider"))
            return self._send(f"{self._target.rpartition('/')[0]}/{outsider.account_id}")
        if "/diff/" in self._target or "/patch/" in self._target:
            return self._send(f"{self._target}..")
        if "/refs/branches/" in self._target and self._method == "DELETE":
            return self._send(self._target.replace("/spare", "/main"))
        if not self._takes_body:
            return self._send(f"{self._target.partition('?')[0]}?pagelen=0&fields={',' * 200}")
        return self._send(content=b"{")

    def not_authenticated(self) -> httpx.Response:
        return self._send(token="x", headers=ELSEWHERE)

    def not_allowed(self) -> httpx.Response:
        if self._target.startswith("/2.0/addon"):
            return self._send(headers={"Authorization": f"Bearer {self._host.api_token()}"})
        if self._target.startswith("/2.0"):
            scopes = "read:snippet:bitbucket"
            token, _ = self._host.work(lambda host: credentials.create_api_token(host, "few", None, scopes=scopes))
            basic = base64.b64encode(f"x:{token}".encode()).decode()
            return self._send(headers={"Authorization": f"Basic {basic}"})
        return self._from_another_site()

    def _from_another_site(self) -> httpx.Response:
        url, headers = f"{self._host.url}{self._target}", {"Origin": "https://elsewhere.example"}
        answer = httpx.request(self._method, url, headers=headers, **self._sent.body)
        check_answer(answer, self._target)
        return answer

    def not_found(self) -> httpx.Response:
        if self._target == "/2.0/addon":
            return self._removed_meanwhile()
        return self._send(self._sent.not_found, **self._sent.not_found_body)

    def _removed_meanwhile(self) -> httpx.Response:
        """Send a descriptor's URL, and uninstall the app while it is being read."""
        self._app.on_descriptor = lambda: self._api("DELETE", "/2.0/addon")
        answer = self._send()
        self._app.on_descriptor = None
        self._api.installation = self._host.install(self._app)
        return answer

    def in_part(self) -> httpx.Response:
        return self._send(headers={**self._as_user, "Range": "bytes=0-0"})

    def outside(self) -> httpx.Response:
        return self._send(headers={**self._as_user, "Range": "bytes=1000-"})

    def known(self) -> httpx.Response:
        return self._send(headers={**self._as_user, "If-None-Match": "*"})

    def created(self) -> httpx.Response:
        if self._is_upload:
            return self._send()
        name = f"n{next(_NUMBERS)}"
        if self._target.endswith("/forks"):
            return self._send(json={"name": name})
        if self._target.endswith("/src"):
            return self._send(json={name: "A file"})
        if self._target.endswith(("/refs/branches", "/refs/tags")):
            return self._send(json={"name": name, "target": {"hash": "main"}})
        if "/comments" in self._target or self._target.endswith("/hooks"):  # a changed comment is a 201, too
            return self._send()
        if self._target.endswith("/statuses/build"):
            return self._send(json={**self._sent.body["json"], "key": name})
        return self._send(self._target.replace("/THERE", f"/{name}").replace("/there", f"/{name}"))

    def moved(self) -> httpx.Response:
        return self._send(self._target.replace("/there", "/earlier"))

    def there_already(self) -> httpx.Response:
        if self._target.endswith("/src"):
            self.created()
            return self._send(json={"x": "A file", "parents": "spare"})
        return self._send(json={"value": "THERE"})

    def without_length(self) -> httpx.Response:
        return self._send(content=iter([b"{}"]))

    def too_large(self) -> httpx.Response:
        if self._is_upload:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("roadstead.bitbucket.downloads.operations.MOST_BYTES", 1)
                return self._send()
        return self._send(content=bytes(16 * 1024 * 1024 + 1))

    def of_another_type(self) -> httpx.Response:
        if self._is_upload:
            return self._send(content=b"x", headers={**self._as_user, "Content-Encoding": "gzip"})
        return self._send(content=b"x", headers={**self._as_user, "Content-Type": "text/plain"})

    def at_a_busy_moment(self) -> httpx.Response:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Admission, "places", lambda _, path: None if path.startswith(HEALTH) else Places(0, 1))
            patch.setattr(Admission, "few_requests", property(lambda _: 0), raising=False)
            patch.setattr(readiness, "check_store", _fail)
            return self._send()


PROVOKE: dict[int, Callable[[Caller], httpx.Response]] = {
    400: Caller.not_accepted,
    401: Caller.not_authenticated,
    403: Caller.not_allowed,
    404: Caller.not_found,
    410: Caller.success,
    409: Caller.there_already,
    411: Caller.without_length,
    406: Caller.no_form,
    413: Caller.too_large,
    415: Caller.of_another_type,
    301: Caller.moved,
    308: Caller.moved,
    503: Caller.at_a_busy_moment,
    # Last, because it may uninstall the app.
    200: Caller.success,
    201: Caller.created,
    204: Caller.success,
    206: Caller.in_part,
    302: Caller.success,
    304: Caller.known,
    416: Caller.outside,
}


@pytest.mark.sample(10)
@pytest.mark.parametrize(("method", "address"), OPERATIONS)
def test_every_documented_answer_is_given(
    api: AppClient, host: LiveHost, connect_app: RecordingApp, method: str, address: str
) -> None:
    """Each documented status of an operation occurs, in the documented shape; `AppClient` compares."""
    caller = Caller(api, host, connect_app, method, address)
    documented = {int(status) for status in DOCUMENT["paths"][address][method.lower()]["responses"]} - {429, 555}
    if 410 in documented:
        documented -= {200, 400}  # of an earlier era, which `test_workspaces.py` shows
    given = {status: PROVOKE[status](caller).status_code for status in PROVOKE if status in documented}
    assert given == {status: status for status in documented}


@pytest.mark.slow
def test_an_app_over_its_limit_gets_the_documented_answer_everywhere(tmp_path: Path, connect_app: RecordingApp) -> None:
    """Each operation that apps may call answers the 429, and no other operation documents it."""
    with live_host(tmp_path, rate_limit=1) as limited:
        api = AppClient(limited.url, limited.install(connect_app))
        assert api("GET", "/2.0/addon/linkers").status_code == 200
        for (method, address), sent in SENT.items():
            answer = api(method, sent.target.replace("{id}", "1"), headers=ELSEWHERE, **sent.body)
            assert (answer.status_code == 429) == ("429" in DOCUMENT["paths"][address][method.lower()]["responses"])


def test_every_route_is_documented_and_nothing_else() -> None:
    """Addresses and methods are those of the map, except HEAD and OPTIONS, which every address has."""
    assert list(DOCUMENT["paths"]) == [address.path for address in MAP.addresses]
    for address in MAP.addresses:
        methods = {method.lower() for method in address.operations}
        assert set(DOCUMENT["paths"][address.path]) == methods, address.path


def test_the_document_is_valid_openapi() -> None:
    """An independent tool reads it, and every operation has a unique name and a summary."""
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    operations = [operation for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"].endswith(".") for operation in operations)


def test_the_document_is_served_to_everyone(host: LiveHost) -> None:
    """Any caller may read it; its only server is the host's base URL."""
    answer = httpx.get(f"{host.url}/-/openapi.json", headers={"Host": "roadstead.example"})
    assert answer.status_code == 200
    assert answer.json() == document(MAP, host.url)
    assert answer.json()["servers"] == [{"url": host.url}]


def test_refusals_follow_from_what_an_operation_takes() -> None:
    """An operation with a body, a query or an address of its own cannot be added without their refusals."""
    operations = {(operation.method, operation.template.path): operation for operation in MAP.operations}
    posted = statuses_of(operations["POST", VALUES])
    assert set(posted) == {201, 400, 401, 403, 404, 409, 411, 413, 415, 429, 503}
    assert set(statuses_of(operations["GET", "/-/audit"])) == {200, 400, 401, 403, 429, 503}


def _by_id() -> type:
    class Value(TypedDict):
        id: str

    return Value


def _by_key() -> type:
    class Value(TypedDict):
        key: str

    return Value


def test_two_types_of_one_name_are_refused() -> None:
    """One of them would replace the other in the document; types of the same form may share a name."""

    async def handler(call: Call) -> Answer:
        """Do nothing: no test calls it."""
        raise AssertionError

    def described(*kinds: type) -> object:
        group = Group("values", below="/")
        for number, kind in enumerate(kinds):
            group.get(str(number), needs=ANYONE, gives={200: kind})(handler)
        return document(Map([group]), "")["components"]["schemas"]["Value"]

    assert described(_by_id(), _by_id()) != described(_by_key())
    with pytest.raises(TypeError, match="Value"):
        described(_by_id(), _by_key())
