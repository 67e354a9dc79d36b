"""The pages of an app: the list, the filled-in addresses, and the signed frames."""

import time
from urllib.parse import urlsplit

import httpx
import pytest

from roadstead.connect import canonical_request, read, verify
from roadstead.model import Installation
from tests.live import LiveHost, recording_app
from tests.web.attributes import attribute
from tests.web.reading import document, main_text, texts

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
    """Each kind with its address; an app without pages says so."""
    with recording_app(modules=MODULES) as app, recording_app() as other:
        installation = host.install(app)
        page = browser.get(f"/-/apps/{installation.id}/modules")
        assert texts(page, "tbody a") == ["At the side", "Item", "About", "Set up", "Viewer"]
        assert document(page).css("iframe") == []
        assert "declares no pages" in main_text(browser.get(f"/-/apps/{host.install(other).id}/modules"))


def test_addresses_break_between_their_parts(host: LiveHost, browser: httpx.Client) -> None:
    """On a narrow screen a long address or location is broken after its marks, not within a word."""
    with recording_app(modules=MODULES) as app:
        page = browser.get(f"/-/apps/{host.install(app).id}/modules").text
    assert "org.<wbr>bitbucket.<wbr>repository.<wbr>overview.<wbr>informationPanel" in page
    assert "/<wbr>panel?<wbr>repo=<wbr>{repository.<wbr>full_name}&amp;<wbr>ws" in page


def test_page_is_framed_with_a_signed_address(host: LiveHost, browser: httpx.Client) -> None:
    """Known and chosen values are filled in where the scopes allow, and the token is valid for that address."""
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
        assert (
            "The conditions are met: Bitbucket would show this page. met has_permission permission=write"
            in main_text(page)
        )


def test_all_pages_are_framed_at_once(host: LiveHost, browser: httpx.Client) -> None:
    """Each with its own token, and only those on the app's origin may use `AP`."""
    with recording_app(modules=MODULES) as app:
        installation = host.install(app)
        page = _framed(browser, installation, "module=all")
    frames = document(page).css("iframe")
    assert [frame.attributes["title"] for frame in frames] == ["At the side", "Item", "About", "Set up", "Viewer"]
    assert ["data-app" in frame.attributes for frame in frames] == [True, False, True, True, True]
    assert len({str(frame.attributes["src"]).rpartition("jwt=")[2] for frame in frames}) == len(frames)
    assert f"frame-src {app.base_url} https://elsewhere.example;" in page.headers["content-security-policy"]


def test_many_pages_are_not_all_framed(host: LiveHost, browser: httpx.Client) -> None:
    """The rest is counted, and can be chosen in the list."""
    pages = [{"key": f"p{n}", "name": {"value": f"P{n}"}, "url": f"/{n}", "location": "x"} for n in range(23)]
    with recording_app(modules={"generalPages": pages}) as app:
        page = _framed(browser, host.install(app), "module=all")
    assert len(document(page).css("iframe")) == 20
    assert "3 more pages are not shown" in main_text(page)


def test_context_is_asked_for_and_kept(host: LiveHost, browser: httpx.Client) -> None:
    """The parameters of addresses, proxies and conditions that the app may get; the links to other pages keep them."""
    condition = {"condition": "equals", "target": "branch.name", "params": {"value": "main"}}
    about = {"key": "about", "name": {"value": "About"}, "url": "/about?{commit.hash}", "conditions": [condition]}
    methods = {"POST": {"destination": "/z?{directory.path}"}, "PUT": {}}
    proxy = {"/x": {"destination": "/y?{file.name}&{issue.key}&{workspace.slug}", "methods": methods}}
    with recording_app(modules={"generalPages": [{**about, "location": "x"}], "proxy": proxy}) as app:
        installation = host.install(app)
        page = _framed(browser, installation, "module=0&branch.name=main&commit.hash=%C3%BC%26&issue.key=no&x.y=no")
    assert texts(page, "form label") == ["commit.hash", "branch.name", "file.name", "directory.path"]
    assert "The conditions are met" in main_text(page)
    assert "met equals branch.name value=main The value is 'main'." in main_text(page)
    assert "/about?%C3%BC%26&jwt=" in attribute(page, "iframe", "src")
    link = attribute(page, "tbody a", "href")
    assert link == f"/-/apps/{installation.id}/modules?module=0&commit.hash=%C3%BC%26&branch.name=main#frames"
    assert "/x /y?{file.name}&{issue.key}&{workspace.slug}" in main_text(page)


def test_viewer_is_the_operator_and_the_workspace_the_apps(host: LiveHost, browser: httpx.Client) -> None:
    """The values that are known without the operator's choice, for each object that an app may get."""
    names = ("user.display_name", "principal.username", "target_user.username", "repository.owner.username")
    url = "/x?" + "&".join(f"{{{name}}}" for name in (*names, "repository.workspace.slug", "user.account_id", "odd"))
    page_module = {"key": "x", "name": {"value": "X"}, "url": url, "location": "x"}
    with recording_app(modules={"generalPages": [page_module]}) as app:
        page = _framed(browser, host.install(app, "fleet"), "module=0")
    query = urlsplit(attribute(page, "iframe", "src")).query.rpartition("&jwt=")[0]
    account = attribute(page, "[data-account]", "data-account")
    assert query == f"Operator&fleet&fleet&fleet&fleet&{account}&{{odd}}"


def test_short_names_of_parameters_are_filled_like_the_long_ones(host: LiveHost, browser: httpx.Client) -> None:
    """A descriptor from before 2018: chosen and shown by the long name, under its scope, also mixed with it."""
    url = "/x?{repo_path}&{repository.full_name}&{user_uuid}&{file_cset}&{file_path}&{snippet_id}&{repo_}"
    page_module = {"key": "x", "name": {"value": "X"}, "url": url, "location": "x"}
    chosen = "repository.full_name=acme/site&file.commit.hash=c0ffee&snippet.id=7"
    with recording_app(modules={"generalPages": [page_module]}, scopes=["account", "repository"]) as app:
        page = _framed(browser, host.install(app), f"module=0&{chosen}")
    query = urlsplit(attribute(page, "iframe", "src")).query.rpartition("&jwt=")[0].split("&")
    assert query[:2] == ["acme%2Fsite", "acme%2Fsite"]
    assert query[2].startswith("%7B")
    assert query[3:] == ["c0ffee", "{file_path}", "{snippet_id}", "{repo_}"]
    assert texts(page, "form label") == ["repository.full_name", "file.commit.hash", "file.path"]
    assert "{file_path} {snippet_id} {repo_}" in main_text(page)


def test_without_the_scope_nothing_is_filled_in(host: LiveHost, browser: httpx.Client) -> None:
    """The app has not asked for the account or the repositories, so it gets neither."""
    with recording_app(modules=MODULES, scopes=["snippet"]) as app:
        page = _framed(browser, host.install(app), "module=0&repository.full_name=acme/site&snippet.id=7")
        assert "?repo={repository.full_name}&ws={workspace.slug}&snippet=7&" in attribute(page, "iframe", "src")


def test_address_of_a_page_adds_nothing_to_the_policy(host: LiveHost, browser: httpx.Client) -> None:
    """A URL may have more than a host before its path; the policy names only a frame's scheme, host and port."""
    url = "https://a;sandbox;upgrade-insecure-requests;@[::1]:8443/x"
    with recording_app(modules={"webItems": [{"key": "x", "url": url, "location": "x"}]}) as app:
        page = _framed(browser, host.install(app), "module=0")
    assert "frame-src https://[::1]:8443; form-action" in page.headers["content-security-policy"]


@pytest.mark.sample(2)
@pytest.mark.parametrize("module", ["5", "-1", "x", "99999999", "٣"])
def test_module_that_is_not_there_is_not_found(host: LiveHost, browser: httpx.Client, module: str) -> None:
    """Any unknown module is a 404."""
    with recording_app(modules=MODULES) as app:
        page = browser.get(f"/-/apps/{host.install(app).id}/modules", params={"module": module})
    assert page.status_code == 404
