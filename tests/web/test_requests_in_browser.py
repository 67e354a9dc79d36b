"""Requests and the debugger in a real browser: calls appear without a reload, a refusal is one click from its cause."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.live import AppClient, LiveHost
from tests.token_mistakes import MISTAKES, TARGET
from tests.web.test_moments import IN_WORDS, NOW

pytestmark = pytest.mark.browser


def test_calls_appear_as_they_come_in(tab: Page, api: AppClient) -> None:
    """Without reloading; and the list follows the text in its filter."""
    app = api.installation.app_key
    tab.goto("/-/traffic")
    tab.get_by_label("App", exact=True).fill(app)
    expect(tab.locator("tbody tr")).to_have_count(2)
    expect(tab).to_have_url(f"/-/traffic?app={app}&path=&direction=&method=&status=")
    api("GET", "/2.0/addon/linkers?page=7")
    expect(tab.get_by_role("link", name="GET /2.0/addon/linkers?page=7")).to_be_visible()
    tab.get_by_role("radio", name="to apps").check()
    expect(tab.locator("tbody tr")).to_have_count(2)


@pytest.mark.slow
def test_focus_stays_while_the_list_changes(tab: Page, api: AppClient) -> None:
    """The keyboard focus stays on its link when a new call appears above it."""
    tab.goto(f"/-/traffic?app={api.installation.app_key}")
    first = tab.locator("tbody a[data-call]").first
    name = first.text_content()
    first.focus()
    api("GET", "/2.0/addon/linkers")
    expect(tab.locator("tbody tr")).to_have_count(3)
    expect(tab.get_by_role("link", name=name or "")).to_be_focused()


@pytest.mark.slow
def test_a_call_is_read_beside_the_list(tab: Page, api: AppClient) -> None:
    """It stays while the list grows and when the page is reloaded, until it is closed."""
    app = api.installation.app_key
    api("GET", "/2.0/addon/linkers?page=7")
    tab.set_viewport_size({"width": 1280, "height": 800})
    tab.goto(f"/-/traffic?app={app}")
    tab.get_by_role("link", name="page=7").click()
    pane = tab.locator("#pane")
    expect(pane.get_by_role("heading", name="GET /2.0/addon/linkers?page=7")).to_be_in_viewport()
    api("GET", "/2.0/addon/linkers?page=8")
    expect(tab.get_by_role("link", name="page=8")).to_be_visible()
    expect(tab.locator(".calls [aria-current]")).to_have_text("GET /2.0/addon/linkers?page=7")
    tab.reload()
    expect(pane.get_by_role("heading", name="GET /2.0/addon/linkers?page=7")).to_be_visible()
    pane.get_by_role("link", name="Close").click()
    expect(pane).to_be_empty()
    expect(tab.locator(".calls [aria-current]")).to_have_count(0)
    expect(tab).to_have_url(f"/-/traffic?app={app}")


@pytest.mark.slow
def test_a_call_has_a_page_of_its_own_on_a_phone(tab: Page, api: AppClient) -> None:
    """There is no room beside the list."""
    tab.set_viewport_size({"width": 390, "height": 800})
    tab.goto(f"/-/traffic?app={api.installation.app_key}")
    tab.locator("tbody a[data-call]").first.click()
    expect(tab).to_have_url(re.compile("/-/traffic/[0-9]+$"))
    expect(tab.get_by_role("heading", level=1)).to_contain_text("/installed")


@pytest.mark.slow
def test_the_list_can_be_paused(lone_tab: Page, api: AppClient) -> None:
    """Nothing moves until the reader continues."""
    lone_tab.clock.install()
    lone_tab.goto(f"/-/traffic?app={api.installation.app_key}")
    expect(lone_tab.locator("tbody tr")).to_have_count(2)
    lone_tab.get_by_role("button", name="Pause").click()
    expect(lone_tab.get_by_text("updating live")).to_be_hidden()
    api("GET", "/2.0/addon/linkers?page=7")
    lone_tab.clock.run_for(10_000)
    expect(lone_tab.locator("tbody tr")).to_have_count(2)
    lone_tab.get_by_role("button", name="Resume").click()
    lone_tab.clock.run_for(2_500)
    expect(lone_tab.locator("tbody tr")).to_have_count(3)


@pytest.mark.slow
def test_what_is_read_can_be_copied(lone_tab: Page, api: AppClient) -> None:
    """Each block by its own button: the whole text, and only the text."""
    lone_tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    lone_tab.goto(f"/-/traffic?app={api.installation.app_key}")
    lone_tab.locator("tbody a[data-call]").first.click()
    lone_tab.get_by_role("button", name="Copy the command").click()
    expect(lone_tab.get_by_role("button", name="Copy the command")).to_have_text("Copied")
    copied = lone_tab.evaluate("navigator.clipboard.readText()")
    assert copied == lone_tab.locator("pre[data-copy='the command']").text_content()
    assert copied.startswith("curl -X POST")


@pytest.mark.slow
@pytest.mark.parametrize("step", [16, pytest.param(1, marks=pytest.mark.slow)])
def test_cause_is_one_click_away(tab: Page, api: AppClient, host: LiveHost, step: int) -> None:
    """A call is refused, its line in the list leads to the debugger, and the cause comes first.

    Two mistakes by default, because each takes half a second; without a browser all of them are tried.
    """
    with httpx.Client() as client:
        for name, mistake, check, words in MISTAKES[::step]:
            assert client.get(f"{host.url}{TARGET}", headers=mistake(api)).status_code == 401
            tab.goto("/-/traffic?status=refused")
            tab.get_by_role("link", name="Why?").first.click()
            expect(tab.locator("#cause"), name).to_contain_text(words, ignore_case=True)
            expect(tab.get_by_role("row", name=f"{check} fails")).to_be_visible()


@pytest.mark.slow
def test_token_is_pasted_and_explained(tab: Page, api: AppClient) -> None:
    """With both canonical requests, marked where they differ."""
    tab.goto("/-/jwt")
    tab.get_by_label("Token").fill(api.token("PUT", TARGET))
    tab.get_by_label("URL, as it was sent").fill(TARGET)
    tab.get_by_role("button", name="Examine").click()
    expect(tab.locator("#cause")).to_contain_text("You signed PUT, the request was GET.")
    expect(tab.locator("mark")).to_have_text(["G", "P"])


@pytest.mark.slow
def test_a_browser_tells_moments_as_the_server_does(lone_tab: Page) -> None:
    """Every ten seconds each is updated, in the same words."""
    lone_tab.clock.install(time=NOW)
    lone_tab.goto("/")
    lone_tab.clock.set_fixed_time(NOW)
    lone_tab.evaluate(
        """([now, cases]) => document.querySelector("main").innerHTML = cases.map(([seconds]) =>
            `<time class="relative" datetime="${new Date(now - seconds * 1000).toISOString()}"></time>`).join(" ")""",
        [NOW.timestamp() * 1000, [list(case) for case in IN_WORDS]],
    )
    lone_tab.clock.run_for(10_000)
    expect(lone_tab.locator("time.relative")).to_have_text([words for _, words in IN_WORDS])
