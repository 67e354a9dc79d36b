"""The pages in a real browser: input is judged during typing, events are shown as they happen, on any screen."""

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from roadstead.domain.access import credentials
from roadstead.domain.linking import linkers
from roadstead.domain.people import invitations
from tests.live import AppClient, LiveHost, RecordingApp, recording_app
from tests.web.chromium import visitor
from tests.web.everybody import add_axe, expect_nothing_grave, expect_to_fit

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_a_broken_descriptor_is_mended_and_installed(tab: Page, connect_app: RecordingApp) -> None:
    """A finding appears during typing; the corrected descriptor can be installed."""
    text = json.dumps(connect_app.descriptor)
    tab.goto("/-/install")
    tab.get_by_label("Descriptor URL").fill(connect_app.descriptor_url)
    tab.get_by_label("Descriptor text").fill(text.replace("\\\\d", "\\d"))
    expect(tab.get_by_text('JSON has no escape "\\d".').first).to_be_visible()
    expect(tab.get_by_role("button", name="Grant access and install")).to_have_count(0)
    tab.get_by_label("Descriptor text").fill(text)
    tab.get_by_label("Workspace").fill("fleet")
    tab.get_by_role("button", name="Grant access and install").click()
    expect(tab.get_by_text("The app is installed.")).to_be_visible()
    tab.get_by_role("link", name="Open the app").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Recorder")
    assert len(connect_app.calls("installed")) == 1


@pytest.mark.slow
def test_the_steps_of_a_handshake_appear_as_they_happen(tab: Page, connect_app: RecordingApp) -> None:
    """Until the app has answered, the page says what it waits for; the answer then appears without a reload."""
    answer = threading.Event()

    async def wait(body: dict[str, Any]) -> None:
        while not answer.is_set():
            await asyncio.sleep(0.01)

    connect_app.on_installed = wait
    tab.goto(f"/-/install?url={connect_app.descriptor_url}")
    tab.get_by_role("button", name="Grant access and install").click(no_wait_after=True)
    expect(tab.get_by_role("heading", name="Post installed to")).to_be_visible()
    expect(tab.get_by_text("The app accepted.")).to_have_count(0)
    answer.set()
    expect(tab.get_by_text("The app accepted.")).to_be_visible()


def test_a_value_that_is_added_changes_the_lab(tab: Page, host: LiveHost, connect_app: RecordingApp) -> None:
    """The lab judges during typing, keeps the example in the address, and knows a new value immediately."""
    installation = host.install(connect_app, "lab-in-browser")
    host.work(lambda opened: linkers.replace_values(opened, installation.id, "tickets", ["BB"]))
    tab.goto("/-/lab?how=workspace&workspace=lab-in-browser&text=nothing")
    tab.get_by_label("Text").fill("OPS-7 is not BB-1")
    expect(tab.locator(".linked a")).to_have_text(["BB-1"])
    expect(tab.locator(".no-link > span")).to_be_hidden()
    tab.locator(".no-link").focus()
    expect(tab.locator(".no-link > span")).to_be_visible()
    expect(tab.locator(".no-link")).to_have_accessible_description(re.compile("'OPS' is not among the 1 stored"))
    tab.wait_for_url("**/-/lab?*OPS-7*")
    example = tab.url
    tab.goto(f"/-/apps/{installation.id}/linkers")
    tab.get_by_role("link", name="1 stored").click()
    tab.get_by_label("Add a value").fill("OPS")
    tab.get_by_role("button", name="Add", exact=True).click()
    expect(tab.get_by_text("Added OPS.")).to_be_visible()
    tab.goto(example)
    expect(tab.locator(".linked a")).to_have_text(["OPS-7", "BB-1"])


@pytest.mark.slow
def test_many_values_are_read_after_the_page_is_there(tab: Page, host: LiveHost, connect_app: RecordingApp) -> None:
    """The result appears without an action of the user."""
    installation = host.install(connect_app, "many-in-browser")
    values = ["BB", *(f"V{number}" for number in range(25_000))]
    host.work(lambda opened: linkers.replace_values(opened, installation.id, "tickets", values))
    tab.goto("/-/lab?how=workspace&workspace=many-in-browser&text=BB-1")
    expect(tab.locator(".linked a")).to_have_text(["BB-1"])
    expect(tab.get_by_text("are being read")).to_have_count(0)


@pytest.mark.slow
def test_a_pattern_is_judged_as_it_is_written(tab: Page) -> None:
    """Half a pattern is an error in words; the complete one makes the links appear."""
    tab.goto("/-/lab?how=pattern&text=RFC 9110")
    tab.get_by_label("Pattern (regex)").fill(r"(RFC \d+")
    expect(tab.get_by_text("The pattern cannot be used.")).to_be_visible()
    tab.get_by_label("Pattern (regex)").fill(r"(RFC \d+)")
    expect(tab.locator(".linked a")).to_have_text(["RFC 9110"])
    tab.get_by_label("the linkers of a workspace").check()
    expect(tab.get_by_label("Pattern (regex)")).to_be_hidden()
    expect(tab.get_by_label("Workspace", exact=True)).to_be_visible()


@pytest.mark.slow
def test_values_are_found_while_one_types(tab: Page, host: LiveHost, connect_app: RecordingApp) -> None:
    """The list changes during typing, and a found value can be removed."""
    installation = host.install(connect_app)
    host.work(lambda opened: linkers.replace_values(opened, installation.id, "tickets", ["BB", "BA", "OPS"]))
    tab.goto(f"/-/apps/{installation.id}/values?linker=tickets")
    tab.get_by_label("Search values that begin with").press_sequentially("B")
    expect(tab.locator(".values code")).to_have_text(["BA", "BB"])
    tab.get_by_role("button", name="Remove BB").click()
    expect(tab.get_by_text("Removed BB.")).to_be_visible()
    expect(tab.locator(".values code")).to_have_text(["BA"])


# Every page


@pytest.fixture(scope="module")
def addresses(host: LiveHost) -> Iterator[list[str]]:
    """Yield the addresses of every page, with content, long words included."""
    modules = {
        "linkers": [
            {"key": "tickets", "regex": r"((?K)-\d+)", "url": r"/browse/\1"},
            {"key": "slow", "regex": rf"({'x' * 60}a+)+(?=b)", "url": r"/\1"},
        ],
        "webhooks": [{"event": "repo:push", "url": f"/hooks/{'y' * 80}"}],
        "webPanels": [{"key": "side", "name": {"value": "Side"}, "url": f"/{'z' * 80}", "location": "x"}],
    }
    with recording_app(name="Ticket links", description=7, modules=modules) as app, recording_app() as other:
        installation = host.install(app, "harbour")
        values = [f"PROJECT{number}" for number in range(150)] + ["V" * 120]
        host.work(lambda opened: linkers.replace_values(opened, installation.id, "tickets", values))
        host.work(lambda opened: credentials.create_api_token(opened, "t" * 60, None, scopes="account webhook"))
        api = AppClient(host.url, installation)
        api("GET", f"/2.0/addon/linkers?q={'x' * 200}", token=api.token("GET", "/2.0/addon/linkers"))
        refused = api("GET", '/-/requests?q=status=401+AND+direction="in"').json()["values"][0]["id"]
        yield [
            "/",
            "/-/traffic",
            f"/-/traffic/{refused}",
            f"/-/traffic?call={refused}",
            f"/-/jwt?request={refused}",
            "/-/jwt",
            f"/-/install?url={other.descriptor_url}",
            f"/-/install?url={app.descriptor_url}",
            f"/-/install?url={other.base_url}/nothing",
            *(f"/-/apps/{installation.id}{tab}" for tab in ("", "/linkers", "/calls", "/descriptor", "/settings")),
            f"/-/apps/{installation.id}/values?linker=tickets",
            f"/-/apps/{installation.id}/modules",
            "/-/profile",
            _path_of_invitation(host),
            "/-/lab?how=pattern",
            "/-/lab?how=workspace&workspace=harbour&text=PROJECT1-2 and XPROJECT1-2",
            f"/site/addons/authorize?descriptor_uri={other.descriptor_url}",
            "/-/docs",
            "/-/docs/how-to/use-the-pages.md",
        ]


def _path_of_invitation(host: LiveHost) -> str:
    link: str = host.work(invitations.invite)[0]
    return f"/-/{link.partition('/-/')[2]}"


@pytest.mark.parametrize(
    ("width", "step"), [(390, 8), *(pytest.param(width, 1, marks=pytest.mark.slow) for width in (390, 660))]
)
def test_every_page_fits_a_small_screen(tab: Page, addresses: list[str], width: int, step: int) -> None:
    """No page overflows sideways, no word in a table is broken, and on a phone each cell has its column's name.

    By default every eighth page on a phone, because each takes half a second.
    """
    for address in addresses[::step]:
        expect_to_fit(tab, address, width)


@pytest.mark.slow
def test_a_verdict_is_to_be_seen_at_once(tab: Page, addresses: list[str]) -> None:
    """On a common laptop's screen everything from the URL to the button is visible without scrolling."""
    (address,) = [one for one in addresses if one.startswith("/-/install")][:1]
    tab.set_viewport_size({"width": 1280, "height": 800})
    tab.goto(address)
    for name in ("Check", "Grant access and install"):
        expect(tab.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)


def test_a_keyboard_is_enough(tab: Page) -> None:
    """The first stop of the Tab key skips the navigation, and the focus is visible."""
    tab.goto("/-/lab")
    tab.keyboard.press("Tab")
    expect(tab.get_by_text("Skip to the content")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("main")).to_be_focused()
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("radio", checked=True)).to_be_focused()
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.node
@pytest.mark.parametrize(
    ("theme", "first", "step"),
    [
        ("dark", 5, 10),
        *(pytest.param(theme, first, 4, marks=pytest.mark.slow) for theme in ("light", "dark") for first in range(4)),
    ],
)
def test_every_page_can_be_used_by_everybody(
    real_browser: Browser,
    host: LiveHost,
    addresses: list[str],
    theme: Literal["light", "dark"],
    first: int,
    step: int,
) -> None:
    """axe-core finds nothing serious: labels, landmarks, names, and contrast in both themes.

    By default a few pages in the dark, because each takes a second.
    """
    with visitor(real_browser, host, bypass_policy=True) as tab:
        add_axe(tab, theme)
        for address in addresses[first::step]:
            expect_nothing_grave(tab, address)
