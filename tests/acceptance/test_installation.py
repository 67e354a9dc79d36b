"""Installing, reinstalling, updating and removing a real app over real HTTP."""

import asyncio
import base64
import time
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from roadstead.connect import read, verify
from roadstead.connect.qsh import canonical_request
from roadstead.domain.apps import installations, lifecycle
from roadstead.errors import InstallationFailed, OutgoingCallFailed
from roadstead.model import Installation
from roadstead.outbound.calls import Outbound
from tests.live import LINKERS, AppClient, LiveHost, Received, RecordingApp, recording_app

VALUES = "/2.0/addon/linkers/tickets/values"


def _claims(call: Received, secret: str) -> dict[str, Any]:
    """Return the claims of a lifecycle call's token, with its signature and hash checked as an app does."""
    scheme, token = call.headers["authorization"].split(" ")
    assert scheme == "JWT"
    canonical = canonical_request(call.method, call.path, "")
    return dict(verify(read(token), shared_secret=secret, now=time.time(), canonical=canonical))


def _apps(host: LiveHost, app: RecordingApp) -> list[Installation]:
    found: list[Installation] = host.work(lambda opened: installations.list_apps(opened, app_key=app.key))
    return found


def test_the_first_call_carries_every_captured_member(host: LiveHost, connect_app: RecordingApp) -> None:
    """`installed` has the form captured from Bitbucket, unsigned for an app that is not registered."""
    installation = host.install(connect_app, "first-call")
    (call,) = connect_app.calls("installed")
    body = call.body
    principal = body.pop("principal")
    assert body.pop("user") == principal
    key = load_der_public_key(base64.b64decode(body.pop("publicKey")))
    assert isinstance(key, RSAPublicKey)
    actor = body.pop("actor")
    assert (actor["type"], "{" in actor["uuid"], set(actor)) == (
        "user",
        False,
        {"type", "uuid", "account_id"},
    )
    assert body == {
        "key": connect_app.key,
        "clientKey": f"ari:cloud:bitbucket::app/{principal['uuid']}/{connect_app.key}",
        "sharedSecret": installation.shared_secret,
        "eventType": "installed",
        "productType": "bitbucket",
        "baseUrl": host.url,
        "baseApiUrl": host.url,
    }
    assert 32 <= len(body["sharedSecret"]) <= 128
    assert {name: principal[name] for name in ("type", "username", "display_name", "is_active", "properties")} == {
        "type": "team",
        "username": "first-call",
        "display_name": "first-call",
        "is_active": True,
        "properties": {},
    }
    assert principal["has_2fa_enabled"] is None
    assert set(principal["links"]) == {"self", "html", "avatar"}
    assert all(link["href"].startswith(host.url) for link in principal["links"].values())
    assert principal["created_on"].endswith("+00:00")
    assert "authorization" not in call.headers
    assert call.headers["content-type"] == "application/json"
    assert call.headers["user-agent"] == "python-requests/2.22.0"


def test_a_second_installation_is_signed_with_the_first_secret(host: LiveHost, connect_app: RecordingApp) -> None:
    """The call is signed with the secret that the app knows, its body has a new one, and only that is valid
    afterwards.
    """
    first = host.install(connect_app)
    second = host.install(connect_app)
    call = connect_app.calls("installed")[1]
    claims = _claims(call, first.shared_secret)
    assert (claims["iss"], claims["aud"]) == (first.client_key, first.client_key)
    assert claims["exp"] == claims["iat"] + 3600
    assert "sub" not in claims
    assert read(call.headers["authorization"][4:]).header == {"alg": "HS256", "typ": "JWT"}
    assert call.body["sharedSecret"] == second.shared_secret != first.shared_secret
    assert second.client_key == first.client_key
    assert AppClient(host.url, first)("GET", VALUES).status_code == 401
    assert AppClient(host.url, second)("GET", VALUES).status_code == 200


def test_new_credentials_work_while_the_app_is_answering(host: LiveHost, connect_app: RecordingApp) -> None:
    """An app may call back from inside its `installed` handler, and the values that it stores there stay."""
    seen: list[int] = []

    async def call_back(body: dict[str, Any]) -> None:
        client = AppClient(host.url, _with_secret(body))
        seen.append((await asyncio.to_thread(client, "PUT", VALUES, json=["BB"])).status_code)

    connect_app.on_installed = call_back
    installation = host.install(connect_app)
    assert seen == [204]
    assert AppClient(host.url, installation)("GET", VALUES).json()["values"][0]["value"] == "BB"


def _with_secret(body: dict[str, Any]) -> Any:
    class Credentials:
        app_key, client_key, shared_secret = body["key"], body["clientKey"], body["sharedSecret"]

    return Credentials


def test_both_secrets_work_during_a_reinstallation(host: LiveHost, connect_app: RecordingApp) -> None:
    """Until the app has answered, both the old and the new token are accepted."""
    first = host.install(connect_app)
    seen: list[int] = []

    async def call_back(body: dict[str, Any]) -> None:
        for client in (AppClient(host.url, first), AppClient(host.url, _with_secret(body))):
            seen.append((await asyncio.to_thread(client, "GET", VALUES)).status_code)

    connect_app.on_installed = call_back
    host.install(connect_app)
    assert seen == [200, 200]


@pytest.mark.sample(2)
@pytest.mark.parametrize("status", [400, 401, 404, 500, 301])
def test_a_refused_first_installation_leaves_nothing(host: LiveHost, connect_app: RecordingApp, status: int) -> None:
    """Anything but 2xx undoes the installation, and the app's answer is shown."""
    connect_app.status, connect_app.answer = status, "not today"
    with pytest.raises(InstallationFailed) as failed:
        host.install(connect_app, f"refused-{status}")
    assert (failed.value.step, failed.value.status, failed.value.body) == ("installed", status, "not today")
    assert _apps(host, connect_app) == []
    (call,) = connect_app.calls("installed")
    assert AppClient(host.url, _with_secret(call.body))("GET", VALUES).status_code == 401
    with pytest.raises(Exception, match="no workspace"):
        host.work(lambda opened: installations.get_workspace(opened, f"refused-{status}"))


def test_a_refused_reinstallation_leaves_what_was(host: LiveHost, connect_app: RecordingApp) -> None:
    """The old secret, descriptor, linkers and values are in force again."""
    first = host.install(connect_app)
    api = AppClient(host.url, first)
    api("PUT", VALUES, json=["A", "B"])
    connect_app.descriptor["modules"] = {"linkers": [{**LINKERS[1], "key": "new"}]}
    connect_app.status = 400
    with pytest.raises(InstallationFailed):
        host.install(connect_app)
    assert [linker["key"] for linker in api("GET", "/2.0/addon/linkers").json()["values"]] == [
        "tickets",
        "any-ref",
    ]
    assert [value["value"] for value in api("GET", VALUES).json()["values"]] == ["A", "B"]
    assert _apps(host, connect_app) == [first]


@pytest.mark.sample(2)
@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_accepts(host: LiveHost, connect_app: RecordingApp, status: int) -> None:
    """Apps answer 200, 204 and others; all accept."""
    connect_app.status = status
    assert host.install(connect_app).state == "installed"


def test_whatever_an_app_answers_is_kept(host: LiveHost, connect_app: RecordingApp) -> None:
    """A NUL, which not every database can store, is kept as another character, and refuses nothing."""
    connect_app.status, connect_app.answer = 200, "tide\0 \U0001f6a2"
    installed = host.install(connect_app)
    (call,) = host.work(lambda opened: lifecycle.list_calls(opened, installed))
    assert call.body == "tide\ufffd \U0001f6a2"
    connect_app.status = 500
    with pytest.raises(InstallationFailed, match="status 500"):
        host.install(connect_app)


def test_an_app_that_is_not_there_is_explained(host: LiveHost, connect_app: RecordingApp) -> None:
    """The failing step is named: the descriptor cannot be fetched, or is invalid, or the app does not answer."""
    cases: list[tuple[dict[str, Any], str]] = [
        ({"baseUrl": "http://127.0.0.1:1"}, "installed"),
        ({"scopes": ["everything"]}, "validate"),
        ({"key": ""}, "validate"),
        ({"modules": {"linkers": [{"key": "x", "regex": "(", "url": "/"}]}}, "validate"),
        ({"modules": {"linkers": [{"key": "x", "regex": "a", "url": r"/\2"}]}}, "validate"),
    ]
    for changes, step in cases:
        with recording_app(**changes) as app, pytest.raises(InstallationFailed) as failed:
            host.install(app)
        assert failed.value.step == step
        assert failed.value.detail
    with pytest.raises(InstallationFailed) as failed:
        host.work(lambda opened: installations.install(opened, "http://127.0.0.1:1/descriptor.json", "local"))
    assert failed.value.step == "fetch"


def test_an_app_without_lifecycle_is_installed_without_a_call(host: LiveHost) -> None:
    """The real descriptor without any lifecycle installs, and nothing is posted."""
    with recording_app(lifecycle={}) as app:
        assert host.install(app).state == "installed"
        assert app.received == []


@pytest.mark.each_database
def test_uninstalling_tells_the_app_and_a_new_installation_is_signed(host: LiveHost, connect_app: RecordingApp) -> None:
    """`uninstalled` is signed with the last secret and has none in its body; the next `installed` is signed with it."""
    first = host.install(connect_app)
    api = AppClient(host.url, first)
    api("PUT", VALUES, json=["A"])
    connect_app.status = 500
    assert api("DELETE", "/2.0/addon").status_code == 204
    (call,) = connect_app.calls("uninstalled")
    assert _claims(call, first.shared_secret)["iss"] == first.client_key
    assert call.body["eventType"] == "uninstalled"
    assert {"sharedSecret", "actor"} & set(call.body) == set()
    assert _apps(host, connect_app) == []
    connect_app.status = 204
    second = host.install(connect_app)
    assert _claims(connect_app.calls("installed")[1], first.shared_secret)["aud"] == first.client_key
    assert second.client_key == first.client_key
    assert AppClient(host.url, second)("GET", VALUES).json()["values"] == []


def test_a_registered_app_has_one_secret_and_is_signed_from_the_start(
    host: LiveHost, connect_app: RecordingApp
) -> None:
    """Its own secret signs the first call too, and serves every installation."""
    registration = host.work(lambda opened: installations.register(opened, connect_app.key, connect_app.descriptor_url))
    first, second = host.install(connect_app, "one"), host.install(connect_app, "two")
    assert first.shared_secret == second.shared_secret == registration.shared_secret
    assert [_claims(call, registration.shared_secret)["iss"] for call in connect_app.calls("installed")] == [
        first.client_key,
        second.client_key,
    ]


def test_an_app_may_remove_itself_while_it_is_installed(host: LiveHost, connect_app: RecordingApp) -> None:
    """After any answer of the app, it is not installed, and the operator is informed."""

    async def leave(body: dict[str, Any]) -> None:
        client = AppClient(host.url, _with_secret(body))
        assert (await asyncio.to_thread(client, "DELETE", "/2.0/addon")).status_code == 204

    connect_app.on_installed = leave
    with pytest.raises(InstallationFailed, match="removed itself"):
        host.install(connect_app)
    assert _apps(host, connect_app) == []


# PUT /2.0/addon


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_an_update_without_a_descriptor_reads_it_again(host: LiveHost, connect_app: RecordingApp, body: bytes) -> None:
    """The stored URL is fetched; values of linkers that stay are kept, those of dropped ones go."""
    api = AppClient(host.url, host.install(connect_app))
    api("PUT", VALUES, json=["A", "B"])
    connect_app.descriptor["modules"] = {"linkers": [{**LINKERS[1], "key": "new"}, {**LINKERS[0], "url": r"/t/\1"}]}
    headers = {"Content-Type": "application/json"} if body else {}
    assert api("PUT", "/2.0/addon", content=body, headers=headers).status_code == 204
    found = api("GET", "/2.0/addon/linkers").json()["values"]
    assert [(linker["key"], linker["url"]) for linker in found] == [
        ("new", r"https://refs.example.com/\1"),
        ("tickets", r"/t/\1"),
    ]
    assert [value["value"] for value in api("GET", VALUES).json()["values"]] == ["A", "B"]
    assert len(connect_app.calls("installed")) == 1


def test_an_update_may_bring_the_descriptor_itself(host: LiveHost, connect_app: RecordingApp) -> None:
    """`{"descriptor": …}` is used as given, and fewer scopes are accepted."""
    api = AppClient(host.url, host.install(connect_app))
    new = {**connect_app.descriptor, "scopes": ["account"], "modules": {"linkers": LINKERS[:1]}}
    assert api("PUT", "/2.0/addon", json={"descriptor": new}).status_code == 204
    assert [linker["key"] for linker in api("GET", "/2.0/addon/linkers").json()["values"]] == ["tickets"]


def test_an_update_may_move_to_the_registered_url_alone(host: LiveHost, connect_app: RecordingApp) -> None:
    """`descriptor_url` must be what the operator registered for the app."""
    api = AppClient(host.url, host.install(connect_app))
    url = f"{connect_app.descriptor_url}?v=2"
    assert api("PUT", "/2.0/addon", json={"descriptor_url": url}).status_code == 400
    host.work(lambda opened: installations.register(opened, connect_app.key, url))
    assert api("PUT", "/2.0/addon", json={"descriptor_url": url}).status_code == 204
    assert _apps(host, connect_app)[0].descriptor_url == url
    assert api("PUT", "/2.0/addon", json={"descriptor_url": connect_app.descriptor_url}).status_code == 400


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"key": "another-app"}, "another app key"),
        ({"scopes": ["account", "repository", "wiki"]}, "more scopes: wiki"),
        ({"scopes": []}, "no scopes"),
        ({"scopes": None}, "not valid"),
        ({"baseUrl": "ftp://x"}, "not valid"),
        ({"name": None}, "not valid"),
        ({"modules": {"linkers": [{"key": "x", "regex": "(", "url": "/"}]}}, "cannot be used"),
        ({"authentication": {"type": "oauth"}}, "not valid"),
    ],
)
def test_an_update_that_changes_the_agreement_is_refused(
    api: AppClient, changes: dict[str, Any], complaint: str
) -> None:
    """Another key, more scopes or none, or an invalid descriptor: 400 with the reason, nothing changed."""
    before = api("GET", "/2.0/addon/linkers").json()
    descriptor = {
        "key": api.installation.app_key,
        "name": "Recorder",
        "description": "x",
        "baseUrl": "http://127.0.0.1:1",
        "authentication": {"type": "jwt"},
        "scopes": ["account", "repository"],
        **changes,
    }
    answer = api("PUT", "/2.0/addon", json={"descriptor": descriptor})
    assert answer.status_code == 400
    assert complaint in answer.json()["error"]["message"]
    assert api("GET", "/2.0/addon/linkers").json() == before


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "body",
    [
        {"descriptor": {}, "descriptor_url": "https://x.example"},
        {"descriptor": "text"},
        {"descriptor": None},
        {"descriptor_url": None},
        {"descriptor_url": 7},
        {"key": "the descriptor without its wrapping"},
        [],
        "text",
        7,
    ],
)
def test_an_update_of_another_shape_is_refused(api: AppClient, body: object) -> None:
    """A body of another shape is a 400, and never read as an empty one."""
    assert api("PUT", "/2.0/addon", json=body).status_code == 400


def test_an_update_fails_when_the_descriptor_is_gone(host: LiveHost) -> None:
    """The stored URL does not answer: 400, and the app stays as it was."""
    with recording_app() as app:
        api = AppClient(host.url, host.install(app))
    answer = api("PUT", "/2.0/addon", json={})
    assert (answer.status_code, "cannot be fetched" in answer.json()["error"]["message"]) == (400, True)
    assert api("GET", VALUES).status_code == 200


# Permitted targets


@pytest.mark.sample(9)
@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[fe80::1]/",
        "http://[fc00::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[2002:a00:1::]/",
        "http://[64:ff9b::a00:1]/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://192.0.2.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://user:password@example.com/",
        "http://",
        "//example.com/",
        "http://exa mple.com/",
        "http://example.com:99999/",
    ],
)
def test_addresses_that_are_not_public_are_not_called(url: str) -> None:
    """A host that listens on other addresses calls only public addresses, in any spelling."""
    outbound = Outbound(allow_loopback=False)
    with pytest.raises(OutgoingCallFailed):
        asyncio.run(outbound.send("GET", url, home=url, headers={}))


def test_loopback_may_be_called_while_we_listen_there(host: LiveHost) -> None:
    """The same call that a public host refuses works on a laptop."""
    url = f"{host.url}/-/health/live"
    assert asyncio.run(Outbound(allow_loopback=True).send("GET", url, home=url, headers={})).status == 200
    with pytest.raises(OutgoingCallFailed, match="may not be called"):
        asyncio.run(Outbound(allow_loopback=False).send("GET", url, home=url, headers={}))


def test_health_answers_without_a_credential(host: LiveHost) -> None:
    """Live and ready are for machines without a credential."""
    assert [httpx.get(f"{host.url}/-/health/{name}").status_code for name in ("live", "ready")] == [200, 200]
