"""The pages of a repository in a real browser: on any screen, by keyboard, and for everybody."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from roadstead.domain.repositories.statuses import StatusChanges
from tests.live import LiveHost
from tests.smart_http.git_client import new_work
from tests.web.acme import LONG, Acme
from tests.web.chromium import visitor
from tests.web.everybody import add_axe, expect_nothing_grave
from tests.web.repositories import give_statuses, new_repository, push, widgets

pytestmark = pytest.mark.browser

TABLE = f"| {' | '.join('abcdefghij')} |\n{'|---' * 10}|\n| {' | '.join(['W' * 30] * 10)} |\n"
WIDE = f"# {LONG}\n\n{TABLE}\n    {'x' * 300}\n"
PLACES = [
    "",
    "/src/main/",
    "/src/main/README.md",
    "/commits/main",
    "/commits/",
    "/branches/",
    "/admin",
    "/admin/access-tokens",
]


@pytest.fixture(scope="module")
def addresses(acme: Acme, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the addresses of all kinds of pages, of a usual repository and of one with long words everywhere."""
    folder: Path = tmp_path_factory.mktemp("work")
    work = new_work(folder / "long", branch="main")
    work.commit(LONG, file=f"{'W' * 100}.txt", content="W" * 500)
    work.commit(LONG, file="README.md", content=WIDE)
    work.git("branch", f"{'w' * 60}/{'w' * 60}")
    new_repository(acme, "long", name=LONG, description=LONG)
    new_repository(acme, "widgets", name="Widgets", description="Small parts.")
    new_repository(acme, "empty")
    push(acme, work, "long", "--all")
    status = StatusChanges("k" * 40, "FAILED", LONG, LONG, "http://ci.example/1")
    give_statuses(acme, "long", work.head(), [status])
    push(acme, widgets(folder / "widgets"), "widgets", "--all")
    return ["/acme/empty", *(f"/acme/{slug}{place}" for slug in ("long", "widgets") for place in PLACES)]


@pytest.fixture(scope="module")
def host(acme: Acme) -> LiveHost:
    """Return the host of the workspace: the tabs are at it."""
    return acme.host


@pytest.mark.parametrize(
    ("width", "step"), [(390, 9), *(pytest.param(width, 1, marks=pytest.mark.slow) for width in (390, 660))]
)
def test_every_page_of_a_repository_fits_a_small_screen(tab: Page, addresses: list[str], width: int, step: int) -> None:
    """By default every ninth page on a phone, because each takes half a second."""
    for address in addresses[1::step]:
        tab.set_viewport_size({"width": width, "height": 900})
        tab.goto(address)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, address


@pytest.mark.node
@pytest.mark.parametrize(
    ("theme", "first", "step"),
    [
        ("dark", 7, 9),
        *(pytest.param(theme, 0, 1, marks=pytest.mark.slow) for theme in ("light", "dark")),
    ],
)
def test_every_page_of_a_repository_can_be_used_by_everybody(
    real_browser: Browser, acme: Acme, addresses: list[str], theme: Literal["light", "dark"], first: int, step: int
) -> None:
    """By default one page in the dark, because each takes a second."""
    with visitor(real_browser, acme.host, bypass_policy=True) as tab:
        add_axe(tab, theme)
        for address in addresses[first::step]:
            expect_nothing_grave(tab, address)


def test_a_reader_goes_from_the_files_to_a_commit_by_keyboard(tab: Page, addresses: list[str]) -> None:
    """The command is copied by a button; a file, a commit and its parent are reached by links."""
    tab.goto("/acme/widgets")
    tab.get_by_role("button", name="Copy the command").press("Enter")
    expect(tab.get_by_role("button", name="Copy the command")).to_have_text("Copied")
    tab.get_by_role("link", name="bolt.py").press("Enter")
    expect(tab.get_by_role("heading", level=1)).to_have_text("bolt.py")
    tab.get_by_role("link", name="Commits", exact=True).press("Enter")
    tab.get_by_role("link", name="Make bolts longer").press("Enter")
    expect(tab.get_by_role("insertion").first).to_contain_text("return size * 3")
    tab.locator("dd a code").first.locator("..").press("Enter")
    expect(tab.get_by_text("Add the parts")).to_be_visible()
