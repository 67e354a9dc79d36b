"""Requests of the page around an app's frames: as the operator, for one app, and only to the API."""

import functools
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from roadstead.domain.access import credentials
from roadstead.model import Installation
from tests.live import AppClient, LiveHost, RecordingApp, live_host, recording_app
from tests.web.attributes import attribute
from tests.web.reading import main_text


@functools.cache
def _csrf(browser: httpx.Client) -> str:
    return attribute(browser.get("/-/install"), 'input[name="csrf"]', "value")


def _ask(browser: httpx.Client, installation: Installation, action: str, **fields: str) -> Any:
    sent = {"csrf": _csrf(browser), **fields}
    answer = browser.post(f"/-/apps/{installation.id}/frame/{action}", data=sent)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _request(browser: httpx.Client, installation: Installation, url: str, **fields: str) -> tuple[int, Any]:
    answer = _ask(browser, installation, "request", url=url, **fields)
    return answer["status"], json.loads(answer["body"])


@pytest.mark.parametrize("name", ["all.js", "all-debug.js"])
def test_script_is_for_everybody(host: LiveHost, name: str) -> None:
    """As a script that a browser revalidates."""
    answer = httpx.get(f"{host.url}/atlassian-connect/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "window.AP" in answer.text


def test_request_is_the_operators_within_the_apps_scopes(
    host: LiveHost, browser: httpx.Client, connect_app: RecordingApp
) -> None:
    """It has the viewer and the app's own workspace; without the scope neither."""
    installation = host.install(connect_app, "fleet")
    status, user = _request(browser, installation, "/2.0/user")
    assert (status, user["type"], user["display_name"]) == (200, "user", "Operator")
    status, workspace = _request(browser, installation, f"{host.url}/2.0/workspaces/fleet/?x=1")
    assert (status, workspace["slug"]) == (200, "fleet")
    with recording_app(scopes=["repository"]) as without:
        status, refusal = _request(browser, host.install(without), "/2.0/user")
    assert (status, refusal["error"]["detail"]) == (403, {"required": ["account"], "granted": ["repository"]})


NOT_THERE = ["/", "/2.0", "/2.0/", "/2.0/nothing", "/-/linkers", "/-/requests", "/-/audit", "/-/apps/1", "/-/health"]
TRICKS = ["/2.0/../-/linkers", "/2.0/%2e%2e/-/linkers", "/2.0/%2E%2E/%2D/audit", "/%2d/audit", "//localhost/2.0/user"]
ELSEWHERE = ["/site/oauth2/access_token", "/2.0//user", "/2.0/user/../../-/audit", "/2.0%2f..%2f-/audit"]
NO_PATH = ["", "2.0/user", "http://localhost:9/2.0/user", "https://api.bitbucket.org/2.0/user", "/2.0/ü", "/2.0/\n"]


def test_nothing_but_the_api_is_there(host: LiveHost, browser: httpx.Client, connect_app: RecordingApp) -> None:
    """In any spelling. Addresses of Roadstead's own answer users of this machine, but not a page of an app."""
    installation = host.install(connect_app)
    for url in NOT_THERE + TRICKS + ELSEWHERE:
        for method in ("GET", "POST"):
            status, refusal = _request(browser, installation, url, method=method)
            assert (status, refusal["error"]["message"]) == (404, "There is nothing at this address."), url


def test_what_is_no_path_is_refused(host: LiveHost, browser: httpx.Client, connect_app: RecordingApp) -> None:
    """Other hosts are not called, and nothing can be added to the request."""
    installation = host.install(connect_app)
    for url in NO_PATH:
        status, refusal = _request(browser, installation, url)
        assert (status, refusal["error"]["message"]) == (400, "The address is not a path of this host."), url


def test_headers_are_values_of_headers(host: LiveHost, browser: httpx.Client) -> None:
    """Nothing else gets among the headers of a request to the API, nor of one to the app."""
    with recording_app(modules={"proxy": {"/x": {"destination": "/descriptor.json"}}}) as app:
        installation = host.install(app)
        for value in ("a\r\nAuthorization: JWT x", "ü", "\x00", "a" * 201):
            for action, url in (("request", "/2.0/user"), ("proxy", "/x")):
                answer = _ask(browser, installation, action, url=url, accept=value)
                assert (answer["status"], "Accept is not" in answer["body"]) == (400, True)
        assert _ask(browser, installation, "proxy", url="/x", accept="text/plain")["status"] == 200


def test_other_installations_are_out_of_reach(host: LiveHost, browser: httpx.Client, connect_app: RecordingApp) -> None:
    """Another workspace, another app's linkers, and its own: these take only an app's JWT."""
    installation = host.install(connect_app, "own-harbour")
    with recording_app() as other:
        host.install(other, "other-harbour")
    assert _request(browser, installation, "/2.0/workspaces/other-harbour")[0] == 404
    for method, url in (("GET", "/2.0/addon/linkers"), ("DELETE", "/2.0/addon"), ("PUT", "/2.0/addon")):
        status, refusal = _request(browser, installation, url, method=method)
        assert (status, "authentication types: jwt" in refusal["error"]["message"]) == (403, True)


def test_other_methods_are_not_made(host: LiveHost, browser: httpx.Client, connect_app: RecordingApp) -> None:
    """Any other method is refused."""
    installation = host.install(connect_app)
    for method in ("OPTIONS", "TRACE", "CONNECT", "", "G T"):
        assert _request(browser, installation, "/2.0/user", method=method)[0] == 404, method


@pytest.mark.sample(2)
@pytest.mark.parametrize("action", ["request", "proxy", "token"])
def test_what_is_answered_to_a_stranger_holds_no_page(host: LiveHost, browser: httpx.Client, action: str) -> None:
    """A foreign form, or a missing app, gets an error without the token that forms prove their origin with."""
    with recording_app() as app:
        path = f"/-/apps/{host.install(app).id}/frame/{action}"
    csrf = _csrf(browser)
    nobody = path.replace("/-/apps/", "/-/apps/9")
    for where, field, status in ((path, "", 403), (path, "x" * 64, 403), (nobody, csrf, 404)):
        answer = browser.post(where, data={"url": "/2.0/user", "csrf": field})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
        assert csrf not in answer.text


def test_requests_of_pages_are_recorded_with_their_app(
    host: LiveHost, browser: httpx.Client, connect_app: RecordingApp
) -> None:
    """Accepted and refused ones, so that the developer finds them beside those of the app's server."""
    installation = host.install(connect_app)
    _request(browser, installation, "/2.0/user")
    _request(browser, installation, "/2.0/addon/linkers")
    _request(browser, installation, "/2.0/nothing", method="POST", body='{"sharedSecret": "hidden-please-now"}')
    query = urlencode({"app": connect_app.key, "direction": "in"})
    text = main_text(browser.get(f"/-/traffic?{query}"))
    assert f"404 POST /2.0/nothing from {connect_app.key}" in text
    assert "403 Why? GET /2.0/addon/linkers" in text
    assert "200 GET /2.0/user" in text
    newest = attribute(browser.get(f"/-/traffic?{query}"), "tbody a[data-call]", "href")
    assert "x-requested-with: AP.request" in main_text(browser.get(newest))
    assert "hidden-please-now" not in browser.get(newest).text


def test_requests_of_pages_count_for_the_rate_limit(tmp_path: Path) -> None:
    """An app does not get around its limit through its pages."""
    with live_host(tmp_path, rate_limit=2) as host, recording_app() as app, httpx.Client(base_url=host.url) as browser:
        installation = host.install(app)
        browser.get(host.work(credentials.sign_in_link))
        assert [_request(browser, installation, "/2.0/user")[0] for _ in range(3)] == [200, 200, 429]
        assert AppClient(host.url, installation)("GET", "/2.0/addon/linkers").status_code == 429


def test_no_client_can_pass_for_the_page(host: LiveHost) -> None:
    """The header that marks such requests is only a mark."""
    for name in ("X-Requested-With", "roadstead.viewer"):
        answer = httpx.get(f"{host.url}/2.0/user", headers={name: "AP.request"})
        assert answer.status_code == 401


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("status", "changes"),
    [
        (502, {}),
        (404, {"url": "/elsewhere"}),
        (404, {"url": "/api/x"}),
        (404, {"url": "/api/x/y/z"}),
        (400, {"method": "PATCH"}),
        (400, {"url": "api"}),
        (403, {"url": "/elsewhere/1"}),
        (403, {"url": "/port/1"}),
    ],
)
def test_calls_that_cannot_be_forwarded_say_why(
    host: LiveHost, browser: httpx.Client, status: int, changes: dict[str, str]
) -> None:
    """A server that is down, an address or a method that no proxy accepts, a destination on another origin."""
    proxy = {
        "/api/{repository}/{pullrequest}": {"destination": "HTTP://127.0.0.1:9/{pullrequest.id}"},
        "/elsewhere/1": {"destination": f"{host.url}/-/linkers"},
        "/port/1": {"destination": "http://127.0.0.1:99/"},
    }
    with recording_app(modules={"proxy": proxy}, baseUrl="http://127.0.0.1:9/app", lifecycle={}) as app:
        answer = _ask(browser, host.install(app), "proxy", **{"url": "/api/x/1", **changes})
    assert answer["status"] == status
    error = json.loads(answer["body"])["error"]
    assert error["message"]
    # The page belongs to the app, which must not learn what the name resolves to, or why it is refused.
    assert status != 502 or error["message"] == "The app's server cannot be reached."


def test_no_call_is_forwarded_to_a_neighbour(host: LiveHost, browser: httpx.Client) -> None:
    """On this machine a page reaches only its app's permitted addresses, although its `baseUrl` is where it asks."""
    proxy = {"/x": {"destination": "/installed", "methods": {"POST": {}}}}
    with (
        recording_app() as neighbour,
        recording_app(modules={"proxy": proxy}, baseUrl=neighbour.base_url, lifecycle={}) as app,
    ):
        answer = _ask(browser, host.install(app), "proxy", url="/x", method="POST", body='{"eventType": "installed"}')
        assert (answer["status"], neighbour.received) == (502, [])
