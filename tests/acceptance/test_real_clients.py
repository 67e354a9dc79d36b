"""The ten operations and the lifecycle tokens, with independent clients and JWT libraries."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import atlassian_jwt
import httpx
import pytest

from roadstead.domain.apps import installations
from roadstead.domain.host import Host
from roadstead.model import Installation
from tests.acceptance.node.programs import Program, running
from tests.live import LINKERS, LiveHost, Received, RecordingApp, recording_app

JWT_PACKAGES = ["@atlassian/atlassian-jwt", "atlassian-jwt"]


# npm `bitbucket`, signed by npm `atlassian-jwt`


@dataclass(frozen=True)
class BitbucketClient:
    """npm `bitbucket` with the addon operations registered. Every answer is a status and the client's reading of it."""

    program: Program

    def __call__(self, operation: str, **parameters: Any) -> tuple[int, Any]:
        return self._answer({"action": "call", "operation": operation, "parameters": parameters})

    def next_page(self, page: Any) -> tuple[int, Any]:
        return self._answer({"action": "nextPage", "page": page})

    def previous_page(self, page: Any) -> tuple[int, Any]:
        return self._answer({"action": "previousPage", "page": page})

    def decode(self, **token: str) -> Any:
        """Return the JWT package's reading of the host's token."""
        answer = self.program.ask({"action": "decode", **token})
        assert answer["status"] == 200, answer
        return answer["data"]

    def _answer(self, question: dict[str, Any]) -> tuple[int, Any]:
        answer = self.program.ask(question)
        return answer["status"], answer.get("data")


@contextmanager
def _signing_with(package: str, host: LiveHost, app: RecordingApp, log: Path) -> Iterator[BitbucketClient]:
    """Run the client of an app that is installed for it."""
    installation = host.install(app)
    with running(
        "addon_client.js",
        log,
        HOST_URL=host.url,
        APP_KEY=installation.app_key,
        CLIENT_KEY=installation.client_key,
        SHARED_SECRET=installation.shared_secret,
        JWT_PACKAGE=package,
    ) as program:
        yield BitbucketClient(program)


@pytest.fixture(scope="module", params=JWT_PACKAGES)
def running_client(
    request: pytest.FixtureRequest, host: LiveHost, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BitbucketClient]:
    log = tmp_path_factory.mktemp("client") / "client.log"
    with recording_app() as app, _signing_with(request.param, host, app, log) as client:
        yield client


@pytest.fixture
def client(running_client: BitbucketClient) -> BitbucketClient:
    """Return the client of an app without values."""
    assert running_client("deleteValues", linker_key="tickets")[0] == 204
    return running_client


def _values(page: tuple[int, Any]) -> list[str]:
    status, body = page
    assert status == 200, body
    return [value["value"] for value in body["values"]]


@pytest.mark.node
def test_node_bitbucket_reads_linkers(client: BitbucketClient, host: LiveHost) -> None:
    """The list and one linker arrive as JSON, with links that point at this host."""
    status, page = client("listLinkers")
    url = f"{host.url}/2.0/addon/linkers/tickets"
    tickets = {**LINKERS[0], "links": {"self": {"href": url}, "values": {"href": f"{url}/values"}}}
    assert (status, [linker["key"] for linker in page["values"]]) == (200, ["tickets", "any-ref"])
    assert client("getLinker", linker_key="tickets") == (200, tickets)


@pytest.mark.node
def test_node_bitbucket_adds_reads_and_deletes_a_value(client: BitbucketClient) -> None:
    """POST as JSON and as a form, GET and DELETE of one value; the client survives the empty answers."""
    status, added = client("addValue", linker_key="tickets", value="BB")
    assert (status, added["value"]) == (201, "BB")
    assert client("addValueByForm", linker_key="tickets", value="OPS")[0] == 201
    assert client("getValue", linker_key="tickets", value_id=added["id"]) == (200, added)
    assert client("deleteValue", linker_key="tickets", value_id=added["id"])[0] == 204
    assert client("getValue", linker_key="tickets", value_id=added["id"])[0] == 404
    assert _values(client("listValues", linker_key="tickets")) == ["OPS"]


@pytest.mark.sample(2)
@pytest.mark.node
@pytest.mark.parametrize(
    "body", [{"values": ["BB", "OPS"]}, ["BB", "OPS"], [{"value": "BB"}, {"value": "OPS"}]], ids=str
)
def test_node_bitbucket_replaces_and_clears_the_values(client: BitbucketClient, body: object) -> None:
    """PUT in each accepted form of the body, then DELETE of all."""
    client("addValue", linker_key="tickets", value="OLD")
    assert client("replaceValues", linker_key="tickets", _body=body)[0] == 204
    assert sorted(_values(client("listValues", linker_key="tickets"))) == ["BB", "OPS"]
    assert client("deleteValues", linker_key="tickets")[0] == 204
    assert _values(client("listValues", linker_key="tickets")) == []


@pytest.mark.node
def test_node_bitbucket_turns_pages(client: BitbucketClient) -> None:
    """The client follows `next` and `previous`, each signed over its whole query."""
    client("replaceValues", linker_key="tickets", _body={"values": ["A1", "A2", "A3", "A4", "A5"]})
    first = client("listValues", linker_key="tickets", pagelen=2, sort="value")
    second = client.next_page(first[1])
    third = client.next_page(second[1])
    assert [_values(page) for page in (first, second, third)] == [["A1", "A2"], ["A3", "A4"], ["A5"]]
    assert "next" not in third[1]
    assert _values(client.previous_page(second[1])) == ["A1", "A2"]


QUERIES: list[tuple[dict[str, Any], list[str]]] = [
    ({"q": 'value ~ "b" AND id > 0', "sort": "value"}, ["AB", "BB"]),
    ({"q": 'value = "A+B" OR value = "C-1"'}, ["C-1"]),
    ({"sort": "-value", "pagelen": 2}, ["C-1", "BB"]),
    ({"sort": "value", "fields": "values.value,size", "note": "(1,2)*'é ~!"}, ["AB", "BB", "C-1"]),
    ({"sort": "value", "note": ["b", "a", "a,b", "", "B"]}, ["AB", "BB", "C-1"]),
    ({"sort": "value", "ids[]": ["2", "1"], "ids2": "3"}, ["AB", "BB", "C-1"]),
    ({"sort": "value", "\U0001f600": "1", "\uff21": ["\uff21", "\U0001f600"], "z": "2"}, ["AB", "BB", "C-1"]),
]


@pytest.mark.sample(4)
@pytest.mark.node
@pytest.mark.parametrize(("query", "found"), QUERIES, ids=str)
def test_node_bitbucket_queries_are_hashed_alike(
    client: BitbucketClient, query: dict[str, Any], found: list[str]
) -> None:
    """The client's form of a query and its JWT package's hash agree with the host's hash."""
    client("replaceValues", linker_key="tickets", _body={"values": ["BB", "AB", "C-1"]})
    assert _values(client("listValues", linker_key="tickets", **query)) == found


REFUSALS: list[tuple[str, dict[str, Any], int]] = [
    ("getLinker", {"linker_key": "nothing"}, 404),
    ("addValue", {"linker_key": "tickets", "value": "B B"}, 400),
    ("addValue", {"linker_key": "any-ref", "value": "BB"}, 400),
    ("addValue", {"linker_key": "tickets", "value": "BB"}, 409),
    ("replaceValues", {"linker_key": "tickets", "_body": {"values": ["OK", "not ok"]}}, 400),
    ("update", {"descriptor": {"key": "another"}}, 400),
]


@pytest.mark.sample(4)
@pytest.mark.node
@pytest.mark.parametrize(("operation", "parameters", "status"), REFUSALS, ids=str)
def test_node_bitbucket_shows_why_it_was_refused(
    client: BitbucketClient, operation: str, parameters: dict[str, Any], status: int
) -> None:
    """The client's exception has the status and the API's error body."""
    client("addValue", linker_key="tickets", value="BB")
    refused, body = client(operation, **parameters)
    assert (refused, body["type"], bool(body["error"]["message"])) == (status, "error", True)
    assert _values(client("listValues", linker_key="tickets")) == ["BB"]


@pytest.mark.node
@pytest.mark.parametrize("package", JWT_PACKAGES)
def test_node_bitbucket_updates_and_removes_the_app(
    package: str, host: LiveHost, connect_app: RecordingApp, tmp_path: Path
) -> None:
    """PUT without and with a body, then DELETE: the app is notified, and its token is no longer accepted."""
    with _signing_with(package, host, connect_app, tmp_path / "client.log") as client:
        connect_app.descriptor["modules"] = {"linkers": [LINKERS[1]]}
        assert client("update")[0] == 204
        assert [linker["key"] for linker in client("listLinkers")[1]["values"]] == ["any-ref"]
        assert client("update", _body={})[0] == 204
        assert client("update", descriptor={**connect_app.descriptor, "modules": {"linkers": LINKERS}})[0] == 204
        assert [linker["key"] for linker in client("listLinkers")[1]["values"]] == ["tickets", "any-ref"]
        assert client("delete")[0] == 204
        assert len(connect_app.calls("uninstalled")) == 1
        assert client("listLinkers")[0] == 401


# The host's tokens, read by the vendor's libraries


@dataclass(frozen=True)
class SignedCall:
    """A request of the host to an app, and the secret that the app knows."""

    method: str
    path: str
    token: str
    secret: str


@pytest.fixture
def signed_calls(host: LiveHost) -> list[SignedCall]:
    """Return one call of every kind: a reinstallation, a page load with a difficult query, a removal."""
    welcome = {"key": "welcome", "url": "/welcome?to={principal.username}&note=1%2B1%20is%20*&note=%C3%A9,(2)"}
    with recording_app(modules={"postInstallRedirect": welcome}) as app:
        first, second = host.install(app), host.install(app)
        page = host.post_install_url(second)
        host.work(lambda opened: _remove(opened, second))
        return [
            _lifecycle_call(app.calls("installed")[1], first.shared_secret),
            _page_load((page or "").removeprefix(app.base_url), second.shared_secret),
            _lifecycle_call(app.calls("uninstalled")[0], second.shared_secret),
        ]


async def _remove(host: Host, installation: Installation) -> None:
    await installations.uninstall_and_tell(host, installation.id)


def _lifecycle_call(call: Received, secret: str) -> SignedCall:
    return SignedCall(call.method, call.path, call.headers["authorization"].removeprefix("JWT "), secret)


def _page_load(path: str, secret: str) -> SignedCall:
    return SignedCall("GET", path, parse_qs(urlsplit(path).query)["jwt"][0], secret)


@pytest.mark.node
def test_npm_atlassian_jwt_accepts_our_tokens(client: BitbucketClient, signed_calls: list[SignedCall]) -> None:
    """The package accepts signature, algorithm and hash of every kind of call; the sender's key is in it."""
    for call in signed_calls:
        read = client.decode(token=call.token, secret=call.secret, method=call.method, url=call.path)
        assert (read["algorithm"], read["qsh"]) == ("HS256", read["claims"]["qsh"])
        assert read["claims"]["aud"] == [read["claims"]["iss"]]


class _App(atlassian_jwt.Authenticator):  # type: ignore[misc]  # the package has no types
    """An app in Python that knows one host."""

    def __init__(self, secret: str) -> None:
        super().__init__()
        self._secret = secret

    def get_shared_secret(self, client_key: str) -> str:
        return self._secret


def test_python_atlassian_jwt_accepts_our_tokens(signed_calls: list[SignedCall]) -> None:
    """The authenticator of the package reads each call's token, from the header and from the page's address."""
    for call in signed_calls:
        headers = {} if "jwt=" in call.path else {"Authorization": f"JWT {call.token}"}
        client_key, claims = _App(call.secret).authenticate(call.method, call.path, headers)
        assert (client_key, claims["exp"] - claims["iat"]) == (claims["aud"], 3600)


def test_python_atlassian_jwt_would_refuse_another_secret(signed_calls: list[SignedCall]) -> None:
    """The test above is meaningful: the package does check the signature."""
    call = signed_calls[0]
    with pytest.raises(atlassian_jwt.DecodeError):
        _App("x" * 43).authenticate(call.method, call.path, {"Authorization": f"JWT {call.token}"})


# PyPI `atlassian-jwt` as the encoder of an app's requests


@dataclass(frozen=True)
class PythonClient:
    """httpx, signed by PyPI `atlassian-jwt`. Its tokens name the installation in `aud` too, as Jira requires."""

    http: httpx.Client
    installation: Installation

    def __call__(self, method: str, target: str, body: object = None, **claims: str) -> httpx.Response:
        """Send a request. `claims` replace those that an app sends to Bitbucket."""
        sent = {"iss": self.installation.app_key, "sub": self.installation.client_key, **claims}
        token = atlassian_jwt.encode_token(
            method, target, self.installation.client_key, self.installation.shared_secret, payload_kwargs=sent
        )
        return self.http.request(method, target, headers={"Authorization": f"JWT {token}"}, json=body)


@pytest.fixture
def python_client(host: LiveHost, connect_app: RecordingApp) -> Iterator[PythonClient]:
    """Yield the client of an installed app."""
    installation = host.install(connect_app)
    with httpx.Client(base_url=host.url) as http:
        yield PythonClient(http, installation)


def test_ten_operations_signed_by_python_atlassian_jwt(python_client: PythonClient) -> None:
    """Each operation once, in the order an app would use them."""
    values = "/2.0/addon/linkers/tickets/values"
    added = python_client("POST", values, {"value": "BB"})
    one = urlsplit(added.headers["Location"]).path
    conversation = [
        ("GET", "/2.0/addon/linkers", None, 200),
        ("GET", "/2.0/addon/linkers/tickets", None, 200),
        ("GET", one, None, 200),
        ("DELETE", one, None, 204),
        ("PUT", values, {"values": ["BB", "OPS"]}, 204),
        ("GET", values, None, 200),
        ("DELETE", values, None, 204),
        ("PUT", "/2.0/addon", {}, 204),
        ("DELETE", "/2.0/addon", None, 204),
        ("GET", "/2.0/addon/linkers", None, 401),
    ]
    seen = [python_client(method, target, body).status_code for method, target, body, _ in conversation]
    assert added.status_code == 201
    assert seen == [status for *_, status in conversation]


TARGETS = [
    "/2.0/addon/linkers/",
    "/2.0/addon/linkers?",
    "/2.0/addon/linkers?pagelen=1&page=2",
    "/2.0/addon/linkers?q=key+~+%22tick%22",
    "/2.0/addon/linkers?q=key%20~%20%22tick%22&sort=-key&fields=values.key,size",
    "/2.0/addon/linkers?a=1%2C2&a=0,2&b&c=&d=%28%29*%27%21~&tic=%C3%A9%2B",
    "/2.0/addon/linkers?ids[]=1&ids2=2&ids[]=0",
    "/2.0/addon/linkers?z=1&%F0%9F%98%80=1&%EF%BC%A1=%F0%9F%98%80&%EF%BC%A1=%EF%BC%A1",
]


@pytest.mark.sample(2)
@pytest.mark.parametrize("target", TARGETS)
def test_targets_hashed_by_python_atlassian_jwt(python_client: PythonClient, target: str) -> None:
    """The package's hash of a target is the host's."""
    answer = python_client("GET", target)
    assert answer.status_code == 200, answer.text


def test_python_atlassian_jwt_may_name_the_client_key_as_issuer(python_client: PythonClient) -> None:
    """The package's own `iss` is the client key; with a `sub` it is accepted."""
    client_key = python_client.installation.client_key
    assert python_client("GET", "/2.0/addon/linkers", iss=client_key).status_code == 200
