"""Every link of the host leads somewhere: in calls to apps, in answers to apps, and for operators."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.live import LINKERS, AppClient, LiveHost, RecordingApp, recording_app

KEY = "team/tickets"
VALUES = "/2.0/addon/linkers/team%2Ftickets/values"


def _links(document: object, base_url: str) -> Iterator[str]:
    """Yield this host's addresses in a document."""
    if isinstance(document, dict):
        for member in document.values():
            yield from _links(member, base_url)
    elif isinstance(document, list):
        for member in document:
            yield from _links(member, base_url)
    elif isinstance(document, str):
        yield from re.findall(rf"{re.escape(base_url)}(/[^\s\"']+)", document)


def _bodies(host: LiveHost, app: RecordingApp, api: AppClient) -> Iterator[tuple[str, Any]]:
    """Yield the host's calls and answers to apps, and its answers to operators, by their kind."""
    for call in app.received:
        yield f"{call.path} body", call.body
    added = api("POST", VALUES, json={"value": "A"})
    yield "Location", added.headers["Location"]
    yield "a new value", added.json()
    api("PUT", VALUES, json=["A", *(f"V{number}" for number in range(5))])
    for target in ("/2.0/user", "/2.0/workspaces/local", "/2.0/addon/linkers?pagelen=1", f"{VALUES}?pagelen=2&page=2"):
        yield target, api("GET", target).json()
    bearer = {"Authorization": f"Bearer {host.api_token()}"}
    for target in (
        "/2.0/user",
        "/2.0/workspaces/local",
        "/-/audit?pagelen=1",
        "/-/requests?pagelen=1",
        "/-/linkers?pagelen=1",
    ):
        yield f"{target} of the operator", httpx.get(f"{host.url}{target}", headers=bearer).json()


def _status(host: LiveHost, api: AppClient, browser: httpx.Client, target: str) -> int:
    """Return the status of a link for its reader: an app, an operator with a token, or the operator's browser."""
    if target.startswith("/2.0/"):
        return api("GET", target).status_code
    if target.startswith("/-/"):
        bearer = {"Authorization": f"Bearer {host.api_token()}"}
        return httpx.get(f"{host.url}{target}", headers=bearer).status_code
    return browser.get(target, follow_redirects=True).status_code


@pytest.fixture
def app() -> Iterator[RecordingApp]:
    linkers = [{**LINKERS[0], "key": KEY}, LINKERS[1]]
    with recording_app(modules={"linkers": linkers}, scopes=["account", "project", "webhook"]) as app:
        yield app


@pytest.mark.slow
def test_every_link_leads_somewhere(host: LiveHost, browser: httpx.Client, app: RecordingApp) -> None:
    """Links of an account, a workspace, a linker with a slash in its key, a value, the next page: all are answered."""
    api = AppClient(host.url, host.install(app))
    found = {(link, name) for name, body in _bodies(host, app, api) for link in _links(body, host.url)}
    dead = {(link, name) for link, name in found if _status(host, api, browser, link) != 200}
    assert dead == set()
    kinds = {re.sub(r"%7B.*%7D|(?<=values/)\d+", "…", link.partition("?")[0]) for link, _ in found}
    assert kinds >= {
        "/2.0/users/…",
        "/2.0/workspaces/…",
        "/2.0/workspaces/local",
        "/…/",
        "/account/local/avatar/",
        "/2.0/addon/linkers/team%2Ftickets/values/…",
        "/-/audit",
        "/-/requests",
    }


def test_a_workspace_leads_to_its_page_for_those_who_see_it(
    host: LiveHost, browser: httpx.Client, connect_app: RecordingApp
) -> None:
    """Others are asked to sign in, whether or not the workspace exists; a missing one is a 404."""
    host.install(connect_app)
    (call,) = connect_app.calls("installed")
    address = call.body["principal"]["links"]["html"]["href"]
    there = browser.get(address)
    assert (there.status_code, there.headers["Location"]) == (303, "/local/workspace/overview")
    assert browser.get("/local/").headers["Location"] == "/local/workspace/overview"
    nowhere = f"{host.url}/%7B0f4d1c1e-6a0d-4c0e-9a59-2b3f6d0d1111%7D/"
    assert browser.get(nowhere).status_code == 404
    assert [httpx.get(url).status_code for url in (address, nowhere)] == [401, 401]


@pytest.mark.parametrize("name", ["local", "nobody", "<script>", "&", "ß"])
def test_an_avatar_tells_nothing(host: LiveHost, name: str) -> None:
    """There is a picture for every name, with only its first letter, as text."""
    answer = httpx.get(f"{host.url}/account/{name}/avatar/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.text.count("<") == answer.text.count(">") == 5
