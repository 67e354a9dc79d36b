"""The operator's sign-in: codes, cookies, and the headers of every page."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from roadstead.app import create_app
from roadstead.domain.access import credentials
from roadstead.domain.people import users
from roadstead.model import OPERATOR_ID
from roadstead.settings import Settings
from tests.live import LiveHost, live_host, serving


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[LiveHost]:
    """Yield a host without any attempt to sign in yet."""
    with live_host(tmp_path) as running:
        yield running


def _try(host: LiveHost, code: str) -> httpx.Response:
    return httpx.post(f"{host.url}/-/sign-in", data={"code": code})


def test_codes_are_not_tried_without_end(fresh: LiveHost) -> None:
    """After ten invalid ones each further one gets a 429, by form or by link, and the page says what to do."""
    assert [_try(fresh, f"guess-{number}").status_code for number in range(12)] == [403] * 10 + [429] * 2
    refused = httpx.get(f"{fresh.url}/-/sign-in?code=guess")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 300
    assert "roadstead sign-in" in refused.text


def test_a_code_that_is_refused_is_there_to_be_corrected(fresh: LiveHost) -> None:
    """With the reason beside the field, and the page that the visitor wanted."""
    page = httpx.post(f"{fresh.url}/-/sign-in", data={"code": "<typo>", "next": "/-/lab?x=1"})
    assert 'value="&lt;typo&gt;"' in page.text
    assert 'aria-invalid="true" aria-describedby="code-wrong"' in page.text
    assert 'name="next" value="/-/lab?x=1"' in page.text


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("referrer", "leads_to"),
    [
        ("{host}/-/apps/1/values?linker=x", "/-/apps/1/values?linker=x"),
        ("https://elsewhere.example/-/lab", "/"),
        ("", "/"),
    ],
)
def test_a_form_sent_without_a_session_leads_back_to_its_page(host: LiveHost, referrer: str, leads_to: str) -> None:
    """After signing in again: the address of a form has no page."""
    headers = {"Referer": referrer.format(host=host.url)} if referrer else {}
    page = httpx.post(f"{host.url}/-/apps/1/values/add", headers=headers)
    assert page.status_code == 401
    assert f'name="next" value="{leads_to}"' in page.text


def test_nobody_can_keep_the_operator_out(fresh: LiveHost) -> None:
    """A visitor with a valid link gets in while others are guessing, and they do not."""
    links = [fresh.work(credentials.sign_in_link) for _ in range(3)]
    for _ in range(30):
        _try(fresh, "guess")
    assert [httpx.get(link).status_code for link in links] == [303] * 3
    assert [httpx.get(link).status_code for link in links] == [429] * 3


def test_a_session_that_has_ended_does_not_hinder_a_visitor(fresh: LiveHost) -> None:
    """A browser that still sends the cookie of an ended session is a visitor: it signs in with a form as any other."""
    code = fresh.work(credentials.sign_in_link).partition("code=")[2]
    answer = httpx.post(f"{fresh.url}/-/sign-in", data={"code": code}, cookies={"roadstead_session": "ended"})
    assert (answer.status_code, "roadstead_session" in answer.cookies) == (303, True)


def test_a_preview_does_not_use_the_link_up(fresh: LiveHost) -> None:
    """A request for only the head is not a visitor."""
    link = fresh.work(credentials.sign_in_link)
    assert [httpx.head(link).status_code for _ in range(2)] == [401] * 2
    assert httpx.get(link).status_code == 303


@pytest.mark.parametrize(("base_url", "secure"), [("http://localhost:1", False), ("https://roadstead.example", True)])
def test_the_cookie_of_a_session(tmp_path: Path, base_url: str, secure: bool) -> None:
    """No script reads it, other sites do not send it with forms, and behind TLS it is sent nowhere else."""
    settings = Settings(data=tmp_path, base_url=base_url)
    with serving(create_app(settings)) as url:
        link = LiveHost(url, settings).work(credentials.sign_in_link)
        assert link.startswith(f"{base_url}/-/sign-in?code=")
        answer = httpx.get(link.replace(base_url, url), cookies={"roadstead_session": "planted"})
        cookie = answer.headers["Set-Cookie"]
    assert re.match(r"roadstead_session=[\w-]{43};", cookie)
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "path=/", "samesite=lax", "max-age=604800"} <= attributes
    assert ("secure" in attributes) is secure
    assert not any(attribute.startswith("domain") for attribute in attributes)


PAGES = [
    ("GET", "/", 200),
    ("HEAD", "/", 200),
    ("DELETE", "/", 405),
    ("GET", "/-/sign-in", 401),
    ("POST", "/-/sign-in", 303),
    ("POST", "/-/sign-out", 403),
    ("GET", "/site/addons/authorize", 400),
    ("POST", "/site/addons/authorize", 403),
    ("GET", "/site/addons/authorize?addon_key=ghost", 400),
    ("GET", "/site/addons/authorize?descriptor_uri=http://127.0.0.1:1/", 424),
    ("GET", "/-/static/base.css", 200),
    ("GET", "/-/static/%2e%2e/page.py", 404),
    ("GET", "/-/static/nothing.css", 404),
    ("GET", "/nothing", 404),
    ("GET", "/-/nothing", 404),
    ("GET", "/%00%ff", 404),
]


@pytest.mark.sample(6)
@pytest.mark.parametrize(("method", "path", "status"), PAGES, ids=str)
def test_every_answer_of_the_pages_is_strict(host: LiveHost, method: str, path: str, status: int) -> None:
    """Pages, refusals, redirects and files: no foreign script, frame or guess of a type, and nothing is cached."""
    with httpx.Client(base_url=host.url, headers={"Accept": "text/html"}) as browser:
        browser.get(host.work(credentials.sign_in_link))
        answer = browser.request(method, path)
    assert answer.status_code == status
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert "unsafe" not in str(policy)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] in ("no-store", "no-cache")
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_an_address_with_nothing_is_a_page_for_browsers_alone(host: LiveHost) -> None:
    """A client of the API gets the error body, and so does every client below /2.0."""
    for path, accept, kind in (
        ("/nothing", "text/html,*/*", "text/html"),
        ("/nothing", "*/*", "application/json"),
        ("/2.0/nothing", "text/html", "application/json"),
    ):
        answer = httpx.get(host.url + path, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (404, kind)


def test_a_form_that_anybody_may_send_is_short(host: LiveHost) -> None:
    """A form of an unknown sender, or of a user who is no operator, cannot take the host's memory or time."""
    body = b"code=" + b"&a=" * 30_000
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for path in ("/-/sign-in", "/site/oauth2/access_token"):
        assert httpx.post(host.url + path, content=body, headers=headers).status_code == 413
    user = host.work(lambda opened: users.create_user(opened, "long-form"))
    for user_id, status in ((user.id, 413), (OPERATOR_ID, 403)):
        link = host.work(partial(credentials.sign_in_link, user_id=user_id))
        with httpx.Client(base_url=host.url) as client:
            client.get(link)
            # The operator's is read, and refused because it is of no page.
            assert client.post("/-/profile/names", content=body, headers=headers).status_code == status
