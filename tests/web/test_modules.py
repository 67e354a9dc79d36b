"""The pages of an app: which there are, what is filled into their addresses, and that they are framed and signed."""

import time
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from roadstead.connect import canonical_request, read, verify
from roadstead.domain import installations
from roadstead.model import Installation
from tests.live import LiveHost, recording_app, serving
from tests.web.attributes import attribute
from tests.web.chromium import chromium, visitor
from tests.web.reading import document, main_text, texts

_SIGNED = {"authentication": {"type": "jwt"}}
MODULES = {
    "webPanels": [
        {
            "key": "side",
            "name": {"value": "At the side"},
            "url": "/panel?repo={repository.full_name}&ws={workspace.slug}&snippet={snippet.id}&odd={no.such}",
            "location": "org.bitbucket.repository.overview.informationPanel",
            "conditions": [{"condition": "has_permission", "params": {"permission": "write"}}],
        }
    ],
    "generalPages": [{"key": "about", "name": {"value": "About"}, "url": "/about", "location": "x"}],
    "configurePage": {"key": "set-up", "name": {"value": "Set up"}, "url": "/set-up"},
    "fileViews": [
        {"key": "viewer", "name": {"value": "Viewer"}, "url": "/view", "file_matches": {"extensions": ["x"]}}
    ],
    "webItems": [{"key": "item", "name": {"value": "Item"}, "url": "https://elsewhere.example/x", "location": "x"}],
}


def _framed(browser: httpx.Client, installation: Installation, query: str) -> httpx.Response:
    page = browser.get(f"/-/apps/{installation.id}/modules?{query}")
    assert page.status_code == 200
    return page


def test_pages_of_an_app_are_listed(host: LiveHost, browser: httpx.Client) -> None:
    """Each kind with its address; an app without any says so."""
    with recording_app(modules=MODULES) as app, recording_app() as other:
        installation = host.install(app)
        page = browser.get(f"/-/apps/{installation.id}/modules")
        assert texts(page, "tbody a") == ["At the side", "Item", "About", "Set up", "Viewer"]
        assert document(page).css("iframe") == []
        assert "declares none" in main_text(browser.get(f"/-/apps/{host.install(other).id}/modules"))


def test_page_is_framed_with_a_signed_address(host: LiveHost, browser: httpx.Client) -> None:
    """What is known and what was chosen is filled in where the scopes allow, and the token is good for that address."""
    with recording_app(modules=MODULES, scopes=["account", "repository"]) as app:
        installation = host.install(app)
        page = _framed(browser, installation, "module=0&repository.full_name=acme/our+site")
        target = urlsplit(attribute(page, "iframe", "src"))
        query, _, token = target.query.rpartition("&jwt=")
        assert query == "repo=acme%2Four%20site&ws=local&snippet={snippet.id}&odd={no.such}"
        claims = verify(
            read(token),
            shared_secret=installation.shared_secret,
            now=time.time(),
            issuers={installation.client_key},
            canonical=canonical_request("GET", target.path, query),
        )
        assert claims["aud"] == installation.client_key
        assert claims["sub"]
        assert f"frame-src {app.base_url};" in page.headers["content-security-policy"]
        assert "{snippet.id} {no.such}" in main_text(page)
        assert "It has conditions" in main_text(page)


def test_without_the_scope_nothing_is_filled_in(host: LiveHost, browser: httpx.Client) -> None:
    """The app has not asked for the account or the repositories, so it is told neither."""
    with recording_app(modules=MODULES, scopes=["snippet"]) as app:
        page = _framed(browser, host.install(app), "module=0&repository.full_name=acme/site&snippet.id=7")
        assert "?repo={repository.full_name}&ws={workspace.slug}&snippet=7&" in attribute(page, "iframe", "src")


@pytest.mark.parametrize("module", ["5", "-1", "x", "99999999", "٣"])
def test_module_that_is_not_there_is_not_found(host: LiveHost, browser: httpx.Client, module: str) -> None:
    """However it is asked for."""
    with recording_app(modules=MODULES) as app:
        page = browser.get(f"/-/apps/{host.install(app).id}/modules", params={"module": module})
    assert page.status_code == 404


@pytest.mark.browser
def test_page_of_an_app_is_shown_in_its_frame(host: LiveHost) -> None:
    """In a real browser, with a token in its address that the app can check; other pages may frame nothing."""
    asked: list[str] = []

    async def descriptor(request: Request) -> Response:
        base_url = f"http://{request.url.netloc}"
        return JSONResponse(
            {"key": "framed", "name": "Framed", "baseUrl": base_url, "scopes": [], **_SIGNED, "modules": MODULES}
        )

    async def about(request: Request) -> Response:
        asked.append(request.query_params["jwt"])
        return HTMLResponse("<p>Hello from the app</p>")

    application = Starlette(routes=[Route("/descriptor.json", descriptor), Route("/about", about)])
    with chromium() as browser, serving(application) as base_url:
        found = host.work(lambda opened: installations.install(opened, f"{base_url}/descriptor.json", "framed"))
        with visitor(browser, host, elsewhere=base_url) as tab:
            tab.goto(f"/-/apps/{found.id}/modules")
            tab.get_by_role("link", name="About").click()
            frame = tab.frame_locator("iframe")
            expect(frame.get_by_text("Hello from the app")).to_be_visible()
    verify(
        read(asked[0]),
        shared_secret=found.shared_secret,
        now=time.time(),
        canonical=canonical_request("GET", "/about", ""),
    )
