"""Addresses under `/-/` are the operator's: refused to other sites in the browser, and to callers behind a proxy."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.types import Message

from roadstead.api.answers import json_answer
from tests.live import AppClient, LiveHost, RecordingApp, live_host

OPERATORS = [
    ("GET", "/-/audit"),
    ("GET", "/-/linkers"),
    ("GET", "/-/requests"),
    ("GET", "/-/requests/1"),
    ("GET", "/-/metrics"),
    ("POST", "/-/linkify"),
    ("POST", "/-/debug-jwt"),
]
PUBLIC = [("GET", "/-/health/live"), ("GET", "/-/health/ready"), ("GET", "/-/openapi.json")]
ELSEWHERE = {"Origin": "https://elsewhere.example"}


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHost]:
    """Yield a host that listens on loopback, and is known by the name of a proxy in front of it."""
    with live_host(tmp_path_factory.mktemp("proxied"), base_url="https://roadstead.example.com") as running:
        yield running


def ask(host: LiveHost, method: str, path: str, **headers: str) -> httpx.Response:
    body = b'{"text": "x", "workspace": "local"}' if method == "POST" else None
    return httpx.request(method, f"{host.url}{path}", headers=headers, content=body)


def cors_of(answer: httpx.Response) -> list[str]:
    return [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.sample(9)
@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        *((method, path, {}, 200) for method, path in PUBLIC),
        *((method, path, ELSEWHERE, 200) for method, path in PUBLIC),
        ("GET", "/-/audit", {}, 200),
        ("GET", "/%2d/audit/", {}, 200),
        ("HEAD", "/-/audit", {}, 200),
        ("GET", "/-/audit", ELSEWHERE, 403),
        ("GET", "/-/audit", {"Host": "evil.example"}, 401),
        ("GET", "/-/audit", {**ELSEWHERE, "Authorization": "Bearer x"}, 401),
        ("GET", "/-/audit?pagelen=0", {}, 400),
        ("DELETE", "/-/audit", ELSEWHERE, 405),
        ("GET", "/-/requests/nothing", {}, 404),
        ("GET", "/-/nothing", ELSEWHERE, 404),
        ("GET", "/-", ELSEWHERE, 404),
        *(("OPTIONS", path, ELSEWHERE, 204) for _, path in (*OPERATORS, *PUBLIC)),
    ],
)
def test_no_answer_is_for_other_origins(
    host: LiveHost, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """Neither an answer nor a refusal nor a preflight has a CORS header, at any address."""
    preflight = {"Access-Control-Request-Method": "GET"} if method == "OPTIONS" else {}
    answer = ask(host, method, path, **headers, **preflight)
    assert (answer.status_code, cors_of(answer)) == (status, [])


def test_bitbuckets_addresses_are_for_every_origin(host: LiveHost, api: AppClient) -> None:
    """Requests of apps from a browser, with their own credential, are answered as on the cloud."""
    assert cors_of(ask(host, "GET", "/-/audit")) == []
    answers = [api("GET", "/2.0/addon/linkers"), ask(host, "GET", "/2.0/nothing"), ask(host, "GET", "/2.0/user")]
    assert [(one.status_code, cors_of(one)) for one in answers] == [
        (status, ["access-control-allow-origin"]) for status in (200, 404, 401)
    ]


def test_one_answer_may_be_given_at_both() -> None:
    """A refusal that is made once for all requests keeps its headers for later ones."""
    answer = json_answer({})
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    for path in ("/-/audit", "/2.0/user"):
        asyncio.run(answer({"path": path}, receive, send))
    headers = [[name for name, _ in message["headers"]] for message in sent[::2]]
    assert [b"access-control-allow-origin" in names for names in headers] == [False, True]


async def receive() -> Message:
    raise AssertionError


FOREIGN = [
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1", "Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "something-new"},
]


@pytest.mark.sample(5)
@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize(("method", "path"), OPERATORS)
def test_a_page_of_another_site_needs_a_credential(
    host: LiveHost, method: str, path: str, headers: dict[str, str]
) -> None:
    """It is refused on this machine too, with what to send; with a token it is a client like any other."""
    refused = ask(host, method, path, **headers)
    assert refused.status_code == 403
    assert "roadstead token-create" in refused.json()["error"]["detail"]
    token = {"Authorization": f"Bearer {host.api_token()}"}
    assert ask(host, method, path, **headers, **token).status_code not in (401, 403)


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "same-origin"}], ids=str)
def test_this_machine_needs_none(host: LiveHost, headers: dict[str, str]) -> None:
    """A command, an address that is typed into the browser, and a page of this host need no credential."""
    assert ask(host, "GET", "/-/audit", **headers).status_code == 200


HERE = ["127.0.0.1", "localhost", "[::1]", "127.0.0.1:{port}", "localhost:{port}", "roadstead.example.com"]


@pytest.mark.sample(5)
@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize(("method", "path"), OPERATORS)
def test_with_a_base_url_of_others_everybody_is_asked(proxied: LiveHost, method: str, path: str, name: str) -> None:
    """Under any name and from any peer a token is needed, because a proxy may send these for anyone; an app's JWT is
    refused.
    """
    host_name = name.format(port=proxied.settings.port)
    assert ask(proxied, method, path, Host=host_name).status_code == 401
    token = {"Authorization": f"Bearer {proxied.api_token()}"}
    assert ask(proxied, method, path, Host=host_name, **token).status_code not in (401, 403)


def test_an_address_that_others_reach_asks_everybody(tmp_path: Path) -> None:
    """A host that others reach requires a credential, also if its base URL is not set to their name."""
    with live_host(tmp_path, host="0.0.0.0") as reached:
        assert ask(reached, "GET", "/-/audit").status_code == 401


@pytest.mark.sample(2)
@pytest.mark.parametrize(("method", "path"), PUBLIC)
def test_what_says_nothing_of_the_host_is_open(proxied: LiveHost, method: str, path: str) -> None:
    """Load balancers and service managers read the health, and anyone may read the API's document."""
    assert ask(proxied, method, path).status_code == 200


@pytest.mark.parametrize(
    ("path", "version", "status"), [("/-/audit", "1.1", 200), ("/-/audit", "1.0", 401), ("/-/health/live", "1.0", 200)]
)
def test_http_1_0_is_a_proxy(host: LiveHost, path: str, version: str, status: int) -> None:
    """With nothing but `proxy_pass`, nginx sends others' requests like this machine's, except for the version."""
    with socket.create_connection(("127.0.0.1", host.settings.port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/{version}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert int(connection.recv(100).split()[1]) == status


@pytest.mark.sample(14)
@pytest.mark.parametrize("authorization", [None, "Bearer x", "Basic eDp5", "Digest x", "jwt x", "JWT x"])
@pytest.mark.parametrize(("method", "path"), OPERATORS)
def test_a_401_names_the_operators_credential(
    proxied: LiveHost, method: str, path: str, authorization: str | None
) -> None:
    """The 401 names an API token, not an app's, in its text and in its challenge."""
    refused = ask(proxied, method, path, **({} if authorization is None else {"Authorization": authorization}))
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="Roadstead"'
    detail = refused.json()["error"]["detail"]
    assert "Authorization: Bearer <token>" in detail
    assert "roadstead token-create NAME" in detail


def test_an_apps_credential_is_told_so(proxied: LiveHost, connect_app: RecordingApp) -> None:
    """A valid JWT opens the links of a text, and no address of the operator."""
    app = AppClient(proxied.url, proxied.install(connect_app))
    assert app("POST", "/-/linkify", json={"text": "x"}).status_code == 200
    refused = app("GET", "/-/audit")
    assert refused.status_code == 403
    assert "roadstead token-create NAME" in refused.json()["error"]["detail"]
