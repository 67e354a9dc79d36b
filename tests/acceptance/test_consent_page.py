"""Installing in the browser: sign-in, consent, handshake, and the redirect."""

import re
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from roadstead.connect import canonical_request, read, verify
from roadstead.domain.access import credentials
from roadstead.domain.apps import installations
from tests.live import LiveHost, RecordingApp, recording_app


def _link(app: RecordingApp, **parameters: str) -> str:
    chosen = {"descriptor_uri": app.descriptor_url, **parameters}
    return "/site/addons/authorize?" + "&".join(
        f"{name}={quote(value, safe='')}" for name, value in chosen.items() if value
    )


def _decide(browser: httpx.Client, link: str, decision: str = "allow", **changes: str) -> httpx.Response:
    page = browser.get(link)
    assert page.status_code == 200, page.text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    return browser.post(link, data={**hidden, "workspace": "local", "decision": decision, **changes})


def test_the_page_shows_who_asks_for_what(browser: httpx.Client) -> None:
    """Name, vendor, address, scopes in plain words, and a choice of workspace; nothing is installed yet."""
    with recording_app(vendor={"name": "Acme"}) as app:
        page = browser.get(_link(app))
        for shown in ("Recorder", "Acme", app.key, app.base_url, "<code>account</code>", 'name="workspace"'):
            assert shown in page.text
        assert app.received == []


def test_approval_installs_and_then_returns_to_the_app(browser: httpx.Client, connect_app: RecordingApp) -> None:
    """When the browser arrives with its client_key, the app has had its call."""
    answer = _decide(browser, _link(connect_app, redirect_uri=f"{connect_app.base_url}/back?state=a%20b"))
    (call,) = connect_app.calls("installed")
    target = urlsplit(answer.headers["Location"])
    assert answer.status_code == 303
    assert f"{target.scheme}://{target.netloc}{target.path}" == f"{connect_app.base_url}/back"
    assert parse_qs(target.query) == {"state": ["a b"], "client_key": [call.body["clientKey"]]}


def test_without_a_redirect_the_visitor_stays(browser: httpx.Client, connect_app: RecordingApp) -> None:
    """The last page confirms the installation; the start page lists the app."""
    assert "is installed" in _decide(browser, _link(connect_app), workspace="acme").text
    assert connect_app.key in browser.get("/").text


def test_a_registered_app_is_named_by_its_key(host: LiveHost, browser: httpx.Client, connect_app: RecordingApp) -> None:
    """`addon_key=` finds the registered descriptor; an unregistered key is explained."""
    host.work(lambda opened: installations.register(opened, connect_app.key, connect_app.descriptor_url))
    assert "is installed" in _decide(browser, _link(connect_app, descriptor_uri="", addon_key=connect_app.key)).text
    unknown = browser.get("/site/addons/authorize?addon_key=nobody")
    assert (unknown.status_code, "not registered" in unknown.text) == (400, True)


def test_a_workspace_that_cannot_be_is_there_to_be_corrected(browser: httpx.Client, connect_app: RecordingApp) -> None:
    """On the same page, with the reason beside the field; the app is not called."""
    page = _decide(browser, _link(connect_app), workspace="No Such Name")
    assert page.status_code == 400
    assert 'name="workspace" value="No Such Name"' in page.text
    assert "cannot be the name of a workspace" in page.text
    assert "Grant access" in page.text
    assert connect_app.received == []


def test_a_refusal_shows_what_the_app_said(browser: httpx.Client, connect_app: RecordingApp) -> None:
    """The visitor is not redirected; status and body of the app's answer are on the page, escaped."""
    connect_app.status, connect_app.answer = 409, "<b>already here</b>"
    answer = _decide(browser, _link(connect_app, redirect_uri=f"{connect_app.base_url}/back"))
    assert answer.status_code == 424
    assert "status 409" in answer.text
    assert "&lt;b&gt;already here&lt;/b&gt;" in answer.text


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("descriptor", "reason"),
    [
        (
            "http://127.0.0.1:1/descriptor.json",
            "http://127.0.0.1:1/descriptor.json cannot be reached: Connection refused",
        ),
        ("http://app.invalid/", "cannot be resolved"),
        ("http://10.0.0.1/", "is not public"),
        ("{app}/nowhere", "answered 404"),
        ("{app}/descriptor.json", "The descriptor is not valid."),
        ("nonsense", "nonsense is not an http or https URL"),
    ],
)
def test_a_link_to_no_descriptor_is_no_failure_of_the_host(
    host: LiveHost, browser: httpx.Client, caplog: pytest.LogCaptureFixture, descriptor: str, reason: str
) -> None:
    """The page names the reason; nothing is logged as a failure, nor counted as one in the alert's metric."""
    caplog.set_level("INFO")
    with recording_app(baseUrl="ftp://x") as app:
        answer = browser.get(_link(app, descriptor_uri=descriptor.format(app=app.base_url)))
    assert (answer.status_code, reason in answer.text) == (424, True)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    counted = re.findall(r'route="/site/addons/authorize",status="(\dxx)"', httpx.get(f"{host.url}/-/metrics").text)
    assert counted
    assert "5xx" not in counted


def test_cancelling_goes_back_with_an_error(browser: httpx.Client, connect_app: RecordingApp) -> None:
    """As in OAuth: access_denied, and nothing changed."""
    answer = _decide(browser, _link(connect_app, redirect_uri=f"{connect_app.base_url}/back"), "deny")
    assert answer.headers["Location"] == f"{connect_app.base_url}/back?error=access_denied"
    assert connect_app.received == []


def test_a_post_install_redirect_is_signed(browser: httpx.Client) -> None:
    """The browser arrives at the app with a token over the filled-in address."""
    module = {"key": "done", "url": "/done?who={target_user.username}&x={unknown.thing}"}
    with recording_app(modules={"postInstallRedirect": module}) as app:
        answer = _decide(browser, _link(app), workspace="acme")
        (call,) = app.calls("installed")
        url, _, token = answer.headers["Location"].rpartition("&jwt=")
        assert url == f"{app.base_url}/done?who=acme&x=%7Bunknown.thing%7D"
        canonical = canonical_request("GET", "/done", url.partition("?")[2])
        claims = verify(read(token), shared_secret=call.body["sharedSecret"], now=0, canonical=canonical)
        assert claims["iss"] == call.body["clientKey"]


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "target",
    [
        "/back",
        "https://elsewhere.example/",
        "{base}.evil.example/",
        "{base}@evil.example/",
        "{base};sandbox/",
        "{base} x/",
        "{base}/ä",
        "{base}/x?{{user.uuid}}",
        "//x",
    ],
)
def test_a_redirect_that_is_not_the_apps_is_reported_here(
    browser: httpx.Client, connect_app: RecordingApp, target: str
) -> None:
    """A malformed or foreign redirect_uri is shown to the visitor and not followed."""
    answer = browser.get(_link(connect_app, redirect_uri=target.format(base=connect_app.base_url)))
    assert (answer.status_code, "redirect_uri" in answer.text) == (400, True)


@pytest.mark.parametrize("base", ["https://büro.example", "https://приложение.example", "http://[::1];sandbox"])
def test_a_base_url_that_is_no_ascii_host_is_refused(browser: httpx.Client, base: str) -> None:
    """A URL that the page's headers cannot contain is reported to the visitor like any other fault."""
    with recording_app(baseUrl=base) as app:
        answer = browser.get(_link(app))
    assert 400 <= answer.status_code < 500
    assert "baseUrl has " in answer.text
    assert "sandbox" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "query", ["", "?descriptor_uri=http://a.example/&addon_key=b", "?redirect_uri=http://a.example/"]
)
def test_a_link_must_name_one_app(browser: httpx.Client, query: str) -> None:
    """Exactly one of descriptor_uri and addon_key."""
    assert browser.get(f"/site/addons/authorize{query}").status_code == 400


def test_the_page_needs_an_operator(host: LiveHost, connect_app: RecordingApp) -> None:
    """A visitor who is not signed in sees how to sign in; neither page nor form does anything else."""
    for method in ("GET", "POST"):
        answer = httpx.request(method, host.url + _link(connect_app))
        assert (answer.status_code, "roadstead sign-in" in answer.text) == (401, True)
    assert connect_app.received == []


def test_a_form_that_is_not_ours_is_refused(browser: httpx.Client, connect_app: RecordingApp) -> None:
    """Another site cannot post on the operator's behalf."""
    for csrf in ("", "0" * 64):
        assert _decide(browser, _link(connect_app), csrf=csrf).status_code == 403
    assert connect_app.received == []


def test_a_descriptor_that_changed_is_asked_about_again(browser: httpx.Client, connect_app: RecordingApp) -> None:
    """The installed descriptor is the one that was shown: an app that replaces it in between gains nothing."""
    link = _link(connect_app)
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', browser.get(link).text))
    connect_app.descriptor["scopes"] = ["repository:admin"]
    answer = browser.post(link, data={**hidden, "workspace": "local", "decision": "allow"})
    assert "has changed" in answer.text
    assert "repository:admin" in answer.text
    assert connect_app.received == []


def test_a_sign_in_link_works_once_and_leads_nowhere_else(host: LiveHost) -> None:
    """A used or invented code is refused, and `next` stays on this host."""
    link = host.work(credentials.sign_in_link)
    with httpx.Client() as client:
        assert client.get(f"{link}&next=//evil.example/").headers["Location"] == "/"
    with httpx.Client() as client:
        assert client.get(link).status_code == 403
        assert client.get(f"{host.url}/-/sign-in?code=invented").status_code == 403
        code = host.work(credentials.sign_in_link).rpartition("code=")[2]
        entered = client.post(f"{host.url}/-/sign-in", data={"code": code, "next": "/x?y=1"})
        assert (entered.status_code, entered.headers["Location"]) == (303, "/x?y=1")
        assert "HttpOnly" in entered.headers["Set-Cookie"]
        assert "Sign out" in client.get(f"{host.url}/").text


def test_signing_out_ends_the_session(browser: httpx.Client, host: LiveHost) -> None:
    """After signing out the same cookie shows nothing."""
    session = dict(browser.cookies)
    csrf = re.search(r'name="csrf" value="(\w+)"', browser.get("/").text)
    assert csrf is not None
    assert browser.post("/-/sign-out", data={"csrf": csrf[1]}).status_code == 303
    assert "Sign out" not in httpx.get(f"{host.url}/", cookies=session).text


def test_every_member_of_a_descriptor_is_shown_as_text(browser: httpx.Client) -> None:
    """Markup in any field of a descriptor stays text."""
    evil = '<script>alert("x")</script>'
    changes: dict[str, Any] = {
        "name": evil,
        "description": evil,
        "vendor": {"name": evil, "url": "https://a.example"},
    }
    with recording_app(**changes) as app:
        page = browser.get(_link(app))
    assert page.status_code == 200
    assert "alert" in page.text
    assert evil not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
