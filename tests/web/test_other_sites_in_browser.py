"""Pages of other sites in the operator's own browser, those of installed apps included, learn nothing from `/-/`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from roadstead.domain.access import credentials
from tests.live import LiveHost
from tests.web.framed_app import framed_app
from tests.web.test_frames_in_browser import shown

pytestmark = pytest.mark.browser

OPERATORS = ["/-/audit", "/-/requests", "/-/metrics", "/-/linkers", "/-/linkify"]
PUBLIC = ["/-/health/live", "/-/openapi.json"]
SCRIPT = """const read = async (path, options) => {
    try {
        const answer = await fetch(`HOST${path}`, options);
        return `${answer.type} ${(await answer.text()).length}`;
    } catch (error) { return error.name; }
};
const ways = [{}, { credentials: "include" }, { headers: { "X-Mine": "1" } }, { method: "POST", body: "{}" }];
(async () => {
    for (const path of PATHS) {
        for (const way of ways) out(path, await read(path, way));
        out(path, "unread", await read(path, { mode: "no-cors", method: path === "/-/linkify" ? "POST" : "GET" }));
    }
    out("done");
})();"""


def script_for(host: LiveHost) -> str:
    return SCRIPT.replace("HOST", host.url).replace("PATHS", json.dumps([*OPERATORS, *PUBLIC]))


def nothing_was_read(written: str) -> bool:
    lines = [line.split(" ", 1)[1] for line in written.strip().splitlines() if line != '"done"']
    return len(lines) == 7 * 5 and set(lines) == {'"TypeError"', '"unread" "opaque 0"'}


@contextmanager
def statuses(tab: Page, host: LiveHost) -> Iterator[dict[str, set[int]]]:
    """Yield the host's answers at each address, whether or not the page could read them."""
    seen: dict[str, set[int]] = {}
    tab.on("response", lambda one: seen.setdefault(one.url.removeprefix(host.url), set()).add(one.status))
    yield seen


@pytest.mark.parametrize("name", ["127.0.0.1", pytest.param("localhost", marks=pytest.mark.slow)])
def test_page_of_another_origin(host: LiveHost, real_browser: Browser, name: str) -> None:
    """A page of another port, which browsers count as the same site, and of another site; the operator is signed in."""
    with framed_app(host.url, "elsewhere", {"asks": script_for(host)}) as site:
        tab = real_browser.new_page()
        tab.goto(host.work(credentials.sign_in_link))
        with statuses(tab, host) as seen:
            tab.goto(f"{site.base_url.replace('127.0.0.1', name)}/page/asks")
            expect(tab.locator("#out")).to_contain_text('"done"')
            assert nothing_was_read(tab.locator("#out").inner_text())
        assert [seen[path] & {200, 401, 403} for path in OPERATORS] == [{403}] * len(OPERATORS)
        tab.close()


@pytest.mark.slow
def test_an_apps_own_page_in_its_frame(host: LiveHost, profile: BrowserContext) -> None:
    """It is another site although the host shows it, and for `AP.request`, which still works beside it."""
    scripts = {
        "asks": script_for(host),
        "allowed": 'AP.request({ url: "/2.0/user", success: (user) => out(user.type) });',
    }
    with shown(host, profile, scripts, heard=[], also=host.url) as pages:
        expect(pages.out("asks")).to_contain_text('"done"')
        assert nothing_was_read(pages.out("asks").inner_text())
        expect(pages.out("allowed")).to_have_text('"user"')


@pytest.mark.slow
def test_address_typed_into_the_browser(host: LiveHost, real_browser: Browser) -> None:
    """The operator can open it there, and follow a link in it; a link on another site leads to a refusal."""
    with framed_app(host.url, "links", {"links": f"location.href = '{host.url}/-/audit';"}) as site:
        tab = real_browser.new_page()
        with statuses(tab, host) as seen:
            tab.goto(f"{host.url}/-/audit?pagelen=1")
            tab.evaluate("location.href = '/-/audit?pagelen=2'")
            tab.wait_for_url("**pagelen=2")
            tab.goto(f"{site.base_url}/page/links")
            tab.wait_for_url(f"{host.url}/-/audit")
        assert {path: seen[path] for path in seen if path.startswith("/-/audit")} == {
            "/-/audit?pagelen=1": {200},
            "/-/audit?pagelen=2": {200},
            "/-/audit": {403},
        }
        tab.close()
